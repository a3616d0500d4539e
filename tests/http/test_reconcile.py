"""After a kill: what open requests held is unconfirmed, and the vendor's bill brings the ledger to the nano."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from router.store import names
from tests import running
from tests.http.test_crash import hold
from tests.running import ADMIN_KEY, Router, Simulator, command, wait_for

SMALL, LARGE = "mistral-small-2603", "mistral-large-2512"


def reconcile(router: Router, *arguments: str) -> Any:
    environ = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
    code, out, err = command("reconcile", "--json", *arguments, environ=environ)
    assert code == 0, out + err
    return json.loads(out)


def store(home: Path) -> str:
    return f"unix://{home}/data/store/valkey.sock"


def leases(home: Path) -> list[str]:
    return [raw.decode() for raw in running.store_command(store(home), "ZREVRANGE", names.leases("apps"), "0", "-1")]


def end(router: Router, hold_id: str, word: Any) -> running.Reply:
    return router.admin("POST", f"/unconfirmed/{quote(hold_id, safe='')}", word)


def findings(told: Any) -> dict[str, str]:
    return {line["model"]: line["finding"] for line in told["lines"]}


def export(home: Path, bill: dict[str, Any]) -> Path:
    """The simulator's bill as the vendor would export it. All of it is of the day on which the first router began."""
    day = datetime.now(UTC).date()
    rows = [f"{day},{model},{line['nano_usd'] / 1e9:.9f}" for model, line in bill["by_model"].items()]
    path = home / "usage.csv"
    path.write_text("\n".join(["date,model,cost_usd", *rows, ""]))
    return path


def test_after_a_kill_the_vendors_bill_brings_the_ledger_to_the_nano(upstream: Simulator, tmp_path: Path) -> None:
    dime = 'team = "apps"\n[[budget]]\nscope = "team"\nusd = "0.1"\nwindow = "total"\n'
    with running.router(upstream.url, home=tmp_path, policies={"apps": dime}) as router:
        for model in (SMALL, LARGE):
            assert router.chat(model=model, max_tokens=5).status == 200
        router.settled(2)
        # One model is about to refuse two requests, which costs nothing; the other has answered a part of one.
        upstream.faults(
            {"match": {"model": LARGE}, "fault": "stall", "times": None, "after_bytes": 900},
            {"match": {"model": SMALL}, "fault": "status", "status": 503, "times": None, "delay_ms": 60_000},
        )
        with (
            hold(router, {"stream": True, "max_tokens": 1_000}) as stream,
            hold(router, {"model": SMALL, "max_tokens": 1_000}),
            hold(router, {"model": SMALL, "stream": True, "max_tokens": 1_000}),
        ):
            wait_for(lambda: len(upstream.requests) == 5)
            assert b"200 OK" in stream.recv(4096)
            refused = end(router, leases(tmp_path)[0], {"team": "apps", "nano_usd": 0})
            assert (refused.status, refused.error["code"]) == (409, "conflict"), "its request is still open"
            router.kill()
        bill = wait_for(lambda: (found := upstream.bill)["generations"] == 3 and found)
    upstream.faults()
    with running.router(upstream.url, home=tmp_path, policies={"apps": dime}) as router:
        wait_for(lambda: len(router.admin("GET", "/unconfirmed?team=apps").json["unconfirmed"]) == 3)
        listed = reconcile(router)
        held = {group["model"]: (group["holds"], group["nano_usd"]) for group in listed["groups"]}
        assert (held[LARGE][0], held[SMALL][0]) == (1, 2)
        total = router.usage()["total"]
        assert total["unconfirmed_nano_usd"] == held[LARGE][1] + held[SMALL][1]
        assert total["nano_usd"] > bill["nano_usd"]

        file = str(export(tmp_path, bill))
        assert findings(reconcile(router, "--export", file)) == {LARGE: "unclear", SMALL: "not billed"}
        assert router.usage()["total"] == total, "only --apply changes anything"
        assert len(reconcile(router, "--export", file, "--apply")["released"]) == 2
        assert findings(reconcile(router, "--export", file)) == {LARGE: "unclear", SMALL: "agrees"}

        [left] = reconcile(router)["unconfirmed"]
        settled = router.usage()["total"]["nano_usd"] - left["nano_usd"]
        cost = bill["nano_usd"] - settled
        assert 0 < cost < left["nano_usd"]
        reconcile(router, "--settle", f"{left['id']}={cost / 1e9:.9f}")
        total = router.usage()["total"]
        assert (total["nano_usd"], total["unconfirmed_nano_usd"]) == (bill["nano_usd"], 0)
        assert findings(reconcile(router, "--export", file)) == {LARGE: "agrees", SMALL: "agrees"}
        assert reconcile(router) == {"unconfirmed": [], "groups": []}
        environ = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
        assert command("reconcile", environ=environ) == (0, "Nothing is unconfirmed.\n", "")
        refused = router.chat(model=LARGE, max_tokens=80_000)
        assert refused.status == 402
        assert refused.error["budget"]["spent_usd"] == f"{bill['nano_usd'] / 1e9:.9f}"

        again = end(router, left["id"], {"team": "apps", "nano_usd": cost})
        assert (again.status, again.json["changed"]) == (200, False)
        for other in ({"release": True}, {"nano_usd": cost + 1}):
            refused = end(router, left["id"], {"team": "apps", **other})
            assert (refused.status, refused.error["code"]) == (409, "conflict")
        assert router.usage()["total"] == total


def test_a_record_says_what_was_settled_by_hand(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        upstream.faults({"fault": "truncate", "times": None})
        streamed = router.stream(model=LARGE, max_tokens=500)
        assert streamed.cut
        path = f"/records/{streamed.headers['x-request-id']}"
        record = wait_for(lambda: (found := router.admin("GET", path)).status == 200 and found.json)
        assert record["unconfirmed_nano_usd"] == record["nano_usd"] > 0
        [hold_] = router.admin("GET", "/unconfirmed?team=apps").json["unconfirmed"]
        assert (hold_["request_id"], hold_["nano_usd"]) == (record["request_id"], record["nano_usd"])
        environ = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
        file = str(export(router.home, upstream.bill))
        for arguments, words in (([], (hold_["id"], LARGE)), (["--export", file], (LARGE, "unclear"))):
            code, out, err = command("reconcile", *arguments, environ=environ)
            assert code == 0, err
            assert all(word in out for word in words)
        more = record["nano_usd"] + 7
        assert end(router, hold_["id"], {"team": "apps", "nano_usd": more}).json["nano_usd"] == more, (
            "the bill is the bill"
        )
        [said] = router.admin("GET", "/audit?limit=1").json["changes"]
        assert (said["what"], said["target"]) == ("hold.settled", hold_["id"])
        assert said["details"] == {"team": "apps", "nano_usd": more, "changed": True}
        record = router.admin("GET", path).json
        assert (record["nano_usd"], record["unconfirmed_nano_usd"]) == (more, 0)
        assert [(one["nano_usd"], one["unconfirmed"]) for one in record["router"]["attempts"]] == [(more, False)]
        assert router.usage()["total"]["nano_usd"] == more


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ({"team": "apps"}, 400),
        ({"team": "apps", "nano_usd": 5, "release": True}, 400),
        ({"team": "apps", "nano_usd": -1}, 400),
        ({"team": "apps", "nano_usd": 1.5}, 400),
        ({"team": "apps", "nano_usd": 4 * 10**15 + 1}, 400),
        ({"team": "a}b{", "nano_usd": 5}, 400),
        ({"nano_usd": 5}, 400),
        ({"team": "apps", "nano_usd": 5}, 404),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(router: Router, word: dict[str, Any], status: int) -> None:
    assert end(router, "req_nobody#1", word).status == status


def test_a_command_that_makes_no_sense_changes_nothing(router: Router, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("date,model,cost_usd\n2026-11-23,m,much\n")
    environ = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
    for arguments, said in (
        (["--apply"], "--export"),
        (["--export", str(wrong)], "line 2"),
        (["--export", str(wrong), "--team", "apps"], "--team"),
        (["--settle", "req_nobody#1=much"], "much"),
        (["--settle", "req_nobody#1=-1"], "-1"),
        (["--release", "req_nobody#1"], "req_nobody#1"),
        (["--release", "x", "--settle", "x=1"], "twice"),
        (["--since", "soon"], "7d"),
    ):
        code, out, err = command("reconcile", *arguments, environ=environ)
        assert code != 0, out
        assert said in err
        assert "Traceback" not in err
