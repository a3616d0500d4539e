"""More money for a while, and a policy in effect as an operator sees it: the same on every replica,
on record, undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.store import names
from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, command, wait_for

HELD_S = 5.0
POOR = 'team = "poor"\nquality = 0.5\n\n[[budget]]\nscope = "team"\nusd = "0.000001"\nwindow = "month"\n'
SHARED = {"ROUTER_KEY_PEPPER": "pepper-canary-5d1e"}


@pytest.fixture(scope="module")
def two(simulated: Simulator) -> Iterator[tuple[Router, Router, str]]:
    """Two routers that share a store, whose team "poor" can afford nothing; and the store's address."""
    with running.valkey() as url:
        environ = {"ROUTER_REDIS_URL": url, **SHARED}
        with (
            running.router(simulated.url, policies={"poor": POOR}, environ=environ) as one,
            running.router(simulated.url, policies={"poor": POOR}, environ=environ) as other,
        ):
            yield one, other, url


def reserved(router: Router) -> bool:
    [budget] = router.admin("GET", "/policies/poor").json["budgets"]
    return float(budget["reserved_usd"]) > 0


def later(**length: float) -> str:
    return (datetime.now(UTC) + timedelta(**length)).isoformat()


def give(router: Router, **fields: Any) -> Any:
    body = {"usd": "5", "until": later(hours=1), "reason": "the launch", **fields}
    reply = router.admin("POST", "/policies/poor/grants", body)
    assert reply.status == 201, reply.body
    return reply.json


def said(router: Router, *arguments: str) -> str:
    code, out, err = command(*arguments, environ={"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY})
    assert (code, err) == (0, ""), out + err
    return out


def test_a_grant_opens_a_budget_on_every_replica_and_its_end_closes_it(two: tuple[Router, Router, str]) -> None:
    one, other, _ = two
    key = one.new_key("poor")
    assert other.chat(key=key, max_tokens=5).status == 402
    given = give(one, window="month")
    began = time.monotonic()
    answer = wait_for(lambda: (reply := other.chat(key=key, max_tokens=5)).status == 200 and reply, HELD_S)
    assert time.monotonic() - began < HELD_S
    assert float(answer.headers["x-router-budget-remaining-usd"]) > 4
    shown = other.admin("GET", "/policies/poor").json
    assert [grant["id"] for grant in shown["grants"]] == [given["id"]]
    [budget] = shown["budgets"]
    assert (budget["limit_usd"], budget["granted_by"], budget["mode"]) == ("5.000001000", [given["id"]], "hard")
    assert budget["spent_usd"] == f"{float(answer.headers['x-router-cost-usd']):.9f}"

    def seen() -> bool:
        headers = {"accept": "text/html"}
        page = running.call(f"{other.url}/dashboard/budgets?team=poor", key=ADMIN_KEY, headers=headers)
        return "> granted<" in page.body.decode()

    assert seen()
    gone = other.admin("DELETE", f"/policies/poor/grants/{given['id']}").json
    assert gone["revoked_at"] is not None
    wait_for(lambda: one.chat(key=key, max_tokens=5).status == 402, HELD_S)
    wait_for(lambda: not seen())
    assert one.admin("GET", "/policies/poor").json["grants"] == []
    what = [change["what"] for change in one.admin("GET", "/audit?limit=2").json["changes"]]
    assert what == ["grant.revoked", "grant.given"]
    short = give(other, until=later(seconds=2.5))
    wait_for(lambda: one.chat(key=key, max_tokens=5).status == 200, HELD_S)
    wait_for(lambda: one.chat(key=key, max_tokens=5).status == 402, HELD_S)
    wait_for(lambda: short["id"] not in {g["id"] for g in one.admin("GET", "/policies/poor/grants").json["grants"]})


def test_what_is_held_when_a_grant_ends_stays_held(two: tuple[Router, Router, str], simulated: Simulator) -> None:
    one, _, _ = two
    key = one.new_key("poor")
    given = give(one)
    wait_for(lambda: one.chat(key=key, max_tokens=5).status == 200, HELD_S)
    simulated.faults({"match": {}, "times": 1, "fault": "slow", "delay_ms": 2_000})
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(one.chat, key=key, max_tokens=50)
        wait_for(lambda: reserved(one))
        one.admin("DELETE", f"/policies/poor/grants/{given['id']}")
        assert reserved(one), "the request is under way"
        assert asking.result().status == 200
    wait_for(lambda: not reserved(one))
    assert one.admin("GET", "/policies/poor").json["budgets"][0]["left_usd"].startswith("-"), "spent more than is left"


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"usd": "0"}, "invalid_value", "usd"),
        ({"usd": "-1"}, "invalid_value", "usd"),
        ({"usd": "0.0000000001"}, "invalid_value", "usd"),
        ({"usd": "4000001"}, "invalid_value", "usd"),
        ({"usd": 5}, "invalid_request", "usd"),
        ({"until": "soon"}, "invalid_value", "until"),
        ({"until": "2020-01-01"}, "invalid_value", "until"),
        ({"until": "2999-01-01"}, "invalid_value", "until"),
        ({"reason": " "}, "invalid_value", "reason"),
        ({"scope": "planet"}, "invalid_request", "scope"),
        ({"target": "x"}, "invalid_value", "target"),
        ({"scope": "tag"}, "invalid_value", "target"),
        ({"scope": "tag", "target": "nightly"}, "no_budget", "scope"),
        ({"window": "week"}, "no_budget", "scope"),
        ({"more": 1}, "invalid_request", None),
    ],
)
def test_a_grant_that_cannot_be_meant_is_refused(
    two: tuple[Router, Router, str], change: dict[str, Any], code: str, param: str | None
) -> None:
    body = {"usd": "5", "until": later(hours=1), "reason": "x", **change}
    refused = two[0].admin("POST", "/policies/poor/grants", body)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, code, param), refused.body
    if change == {"scope": "planet"}:
        assert "not one of organisation, team, key, model, tag" in refused.error["message"]
    assert two[0].admin("DELETE", "/policies/poor/grants/nobody").status == 404
    assert two[0].admin("POST", "/policies/a%20b/grants", {**body, **change}).status == 400


def test_a_policy_in_effect_says_where_each_value_comes_from(two: tuple[Router, Router, str]) -> None:
    one, other, _ = two
    shown = one.admin("GET", "/policies/poor").json
    rows = {row["field"]: (row["value"], row["origin"], row["line"]) for row in shown["fields"]}
    assert rows["quality"] == (0.5, "poor.toml", 2)
    assert rows["region"] == ("any", "product", None)
    assert rows["budget.team.month.usd"] == ("0.000001", "poor.toml", 6)
    assert rows["budget.team.month.mode"] == ("hard", "product", None)
    (month,) = shown["budgets"]
    assert month["resets_at"].endswith("-01T00:00:00Z"), "the end of its window, to the second"
    fallen = one.admin("GET", "/policies/without-a-file").json
    assert fallen["file"] == "default.toml"
    assert [budget["id"] for budget in fallen["budgets"]] == ["without-a-file"]
    assert one.admin("GET", "/policies/a%20b").status == 400
    day = datetime.now(UTC).date() + timedelta(days=40)
    given = said(other, "policy", "grant", "poor", "--usd", "1.5", "--until", f"{day}T00:00Z", "--reason", "a fair")
    name = given.partition(":")[0]
    assert given.startswith(f"{name}: +1.500000000 USD for team until {day}T00:00:00Z (a fair; by ")
    table = said(one, "policy", "show", "poor")
    assert "poor.toml:2" in table
    assert f"{name} until {day}T00:00:00Z (a fair)" in table
    assert "1.500001000" in table
    assert name in said(one, "policy", "grants", "poor")
    assert said(one, "policy", "revoke", "poor", name).startswith(f"{name} of team poor was revoked at 20")


def test_grants_are_in_a_backup(two: tuple[Router, Router, str], tmp_path: Path) -> None:
    one, other, url = two
    file = tmp_path / "saved.jsonl"
    held, gone = give(one), give(one)
    said(one, "policy", "revoke", "poor", gone["id"])
    listed = one.admin("GET", "/policies/poor/grants").json
    assert f", {len(listed['grants'])} grants and " in said(one, "backup", str(file))
    assert f"{len(listed['grants'])} were there already, and 0 have ended" in said(one, "restore", str(file))
    running.store_command(url, "DEL", names.GRANTS)
    assert f"Of the grants {len(listed['grants'])} were restored" in said(other, "restore", str(file))
    assert one.admin("GET", "/policies/poor/grants").json == listed
    said(one, "policy", "revoke", "poor", held["id"])
    said(one, "restore", str(file))
    states = {one_["id"]: one_["revoked_at"] for one_ in one.admin("GET", "/policies/poor/grants").json["grants"]}
    assert states[held["id"]] is not None, "what was revoked after the backup stays so"
