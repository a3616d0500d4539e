"""The journal as operators and apps meet it: a disk without place, a store that was emptied, figures."""

from __future__ import annotations

import re
from pathlib import Path

from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, call, command, valkey, wait_for

MONEY = '[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'
SOFT = '[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\nmode = "soft"\n'


def spent(router: Router) -> str:
    """What the budget has counted, as a refused request is told it."""
    refused = router.chat(model="mistral-large-2512", max_tokens=100_000)
    assert refused.status == 402
    return str(refused.error["budget"]["spent_usd"])


def test_a_disk_that_takes_no_journal_refuses_what_a_hard_budget_must_pay_for(
    upstream: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "journal").write_text("no directory")
    teams = {
        "apps": f'team = "apps"\n{MONEY}',
        "soft": f'team = "soft"\n{SOFT}',
        "brave": f'team = "brave"\nwhen_store_away = "allow"\n{MONEY}',
    }
    with running.router(upstream.url, home=tmp_path, policies=teams) as router:
        soft, brave = router.new_key("soft", unlimited=True), router.new_key("brave")
        for refused in (router.chat(max_tokens=5), router.stream(max_tokens=5)):
            assert (refused.status, refused.error["code"]) == (503, "journal_unavailable")
            assert refused.headers["retry-after"] == "2"
        assert not upstream.requests, "what nobody could charge is not sent"
        for key in (soft, brave):
            assert router.chat(key=key, max_tokens=5).status == 200
        assert re.search(r"^router_journal_failed_total [1-9]", metrics(router), re.MULTILINE)
        (tmp_path / "data" / "journal").unlink()
        assert router.chat(max_tokens=5).status == 200
        total = router.settled(3)
        assert (total["nano_usd"], total["unconfirmed_nano_usd"]) == (upstream.bill["nano_usd"], 0)
        assert "Traceback" not in router.said


def test_an_emptied_store_gets_back_what_was_spent(upstream: Simulator, tmp_path: Path) -> None:
    environ = {"ROUTER_KEY_PEPPER": "pepper-for-tests"}
    policy = f'team = "apps"\n{MONEY.replace("1000.00", "0.05")}'
    with valkey() as store:
        given = {**environ, "ROUTER_REDIS_URL": store}
        with running.router(upstream.url, environ=given, policies={"apps": policy}) as router:
            for _ in range(3):
                assert router.chat(max_tokens=20).status == 200
            router.settled(3)
            before = spent(router)
            told = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
            assert command("backup", str(tmp_path / "keys"), environ=told)[0] == 0
            # The epoch of the team's ledger is known a second after its first request.
            totals = router.home / "data" / "journal" / "totals"
            wait_for(lambda: totals.exists() and "apps" in totals.read_text())
            running.store_command(store, "FLUSHALL")
            wait_for(lambda: "told again" in router.said)
            code, out, err = command("restore", str(tmp_path / "keys"), environ=told)
            assert code == 0, err
            assert "1 keys were restored" in out
            assert "0 totals were raised" in out, "the journal has brought them back already"
            wait_for(lambda: router.chat(model="mistral-large-2512", max_tokens=100_000).status == 402)
            assert spent(router) == before
            bill = upstream.bill["nano_usd"]
            assert before == f"{bill / 1e9:.9f}"


def test_the_figures_of_all_workers_are_told(upstream: Simulator) -> None:
    with running.router(upstream.url, "--workers", "2") as router:
        for _ in range(8):
            assert router.chat(max_tokens=5).status == 200
        router.settled(8)
        wait_for(lambda: re.search(r"^router_journal_bytes [1-9]", metrics(router), re.MULTILINE))
        assert re.search(r"^router_journal_lag_seconds ", metrics(router), re.MULTILINE)


def metrics(router: Router) -> str:
    return call(f"{router.operated_at}/metrics", key=ADMIN_KEY).body.decode()
