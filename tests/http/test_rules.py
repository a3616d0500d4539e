"""Rules that change while the router runs, and worker processes that keep to them together."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import running
from tests.http.conftest import MONEY, TEAMS
from tests.running import Router, Simulator, alive, call, family, wait_for


def metric(router: Router, name: str, **labels: str) -> float:
    """The sum of a metric's samples that carry these labels."""
    total = 0.0
    for line in call(f"{router.url}/metrics").body.decode().splitlines():
        match = re.match(rf"{name}(?:\{{(.*)\}})? (\S+)\Z", line)
        if match and all(f'{label}="{value}"' in (match[1] or "") for label, value in labels.items()):
            total += float(match[2])
    return total


def test_a_good_policy_is_in_force_at_once_and_a_bad_one_leaves_the_old_rules(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        large, applied = 'team = "apps"\n[models]\nallow = ["mistral-large-*"]\n' + MONEY, "router_reloads_total"
        router.set_policy("apps", large)
        assert router.chat(max_tokens=5).headers["x-router-model"] == "mistral-large-2512"
        assert metric(router, applied, result="applied") >= 1
        before = router.admin("GET", "/policies").json["rules"]
        (router.home / "policies" / "apps.toml").write_text('team = "apps"\nqualty = "economy"\n')
        why = wait_for(lambda: router.admin("GET", "/policies").json["refused_reload"])
        assert "apps.toml" in why
        assert "qualty" in why
        assert metric(router, applied, result="refused") >= 1
        assert router.admin("GET", "/policies").json["rules"] == before
        assert router.chat(max_tokens=5).headers["x-router-model"] == "mistral-large-2512"
        (router.home / "policies" / "apps.toml").write_text(large)
        wait_for(lambda: router.admin("GET", "/policies").json["refused_reload"] is None)


def test_a_lowered_budget_holds_for_what_was_spent_before(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        assert router.chat(max_tokens=300).status == 200
        router.set_policy("apps", 'team = "apps"\n[[budget]]\nscope = "team"\nusd = "0.000001"\nwindow = "month"\n')
        refused = router.chat(max_tokens=5)
        assert refused.status == 402
        assert float(refused.error["budget"]["spent_usd"]) > 0


def test_a_new_price_list_is_taken_up_while_running(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        path = router.home / "config" / "models.toml"
        before = router.admin("GET", "/policies").json["rules"]
        old = 'input = "0.15", cached = "0.015", output = "0.60"'
        path.write_text(path.read_text().replace(old, 'input = "9", output = "9"'))
        wait_for(lambda: router.admin("GET", "/policies").json["rules"] != before)
        told = router.post("/v1/route", {"model": "auto", "messages": [{"role": "user", "content": "x"}]}).json
        (price,) = [view["price"] for view in told["models"] if view["model"] == "mistral-small-2603"]
        assert price == {"input": "9.000000000", "cached": "0.900000000", "output": "9.000000000"}


def test_two_workers_keep_one_limit_add_up_their_metrics_and_stop_cleanly(upstream: Simulator, tmp_path: Path) -> None:
    with running.router(upstream.url, "--workers", "2", policies=TEAMS, home=tmp_path) as router:
        pids = family(router.child.pid)
        assert len(pids) >= 4, "a parent, two workers, a store"
        key = router.new_key("requests")
        with ThreadPoolExecutor(16) as pool:
            statuses = sorted(pool.map(lambda _: router.chat(key=key, max_tokens=5).status, range(16)))
            assert statuses == [200] * 3 + [429] * 13
            assert set(pool.map(lambda _: router.chat(max_tokens=5).status, range(40))) == {200}
        total = router.settled(43)
        assert total["requests"] == 43
        for _ in range(5):  # whichever worker answers
            assert metric(router, "router_requests_total", status="200") == 43
            assert metric(router, "router_requests_total", status="429") == 13
            assert (
                round(metric(router, "router_cost_usd_total") * 1e9) == total["nano_usd"] == upstream.bill["nano_usd"]
            )
        made = router.admin("POST", "/keys", {"team": "apps", "name": "x"}).json
        for _ in range(10):
            assert router.chat(key=made["key"], max_tokens=5).status == 200
        router.admin("DELETE", f"/keys/{made['id']}")
        wait_for(lambda: {router.chat(key=made["key"], max_tokens=5).status for _ in range(10)} == {401}, 6)
        assert router.stop() == 0
        wait_for(lambda: not alive(pids))
        assert "Traceback" not in router.said


def test_a_worker_that_is_killed_is_replaced(upstream: Simulator, tmp_path: Path) -> None:
    with running.router(upstream.url, "--workers", "2", home=tmp_path) as router:
        workers = {
            pid
            for pid in family(router.child.pid) - {router.child.pid}
            if b"router" in Path(f"/proc/{pid}/cmdline").read_bytes()
        }
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(workers))
        wait_for(lambda: len(family(router.child.pid)) >= 4)
        assert router.chat(max_tokens=5).status == 200
