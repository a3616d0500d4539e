"""The store away: each policy says what happens, nobody waits long, and nothing is answered with a 500."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from router.store import names
from tests import running
from tests.running import ADMIN_KEY, Simulator, call

ALLOW = 'team = "apps"\nwhen_store_away = "allow"\n[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'


SHARE = ALLOW.replace("allow", "share").replace("1000.00", "100.00")


def store_pid(router: running.Router) -> int:
    found = subprocess.run(["pgrep", "-f", f"{router.home}.*valkey.sock"], capture_output=True, check=True, text=True)
    return int(found.stdout.split()[0])


def test_a_policy_that_allows_serves_and_escalates_without_the_store_and_books_it_afterwards(
    upstream: Simulator,
) -> None:
    with running.router(upstream.url, policies={"apps": ALLOW}, environ=running.STRICT) as router:
        assert router.chat(max_tokens=5).status == 200  # the key is known now
        pid = store_pid(router)
        upstream.faults({"fault": "status", "status": 500, "times": 1})
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
        try:
            began = time.monotonic()
            reply = router.chat(max_tokens=5)
            assert (reply.status, reply.headers["x-router-degraded"]) == (200, "store")
            assert reply.headers["x-router-attempts"] == "2"
            assert time.monotonic() - began < 5
        finally:
            subprocess.run(["kill", "-CONT", str(pid)], check=True)
        assert router.settled(2)["nano_usd"] == upstream.bill["nano_usd"]


def test_a_policy_that_shares_serves_from_its_slice_until_that_is_spent(upstream: Simulator) -> None:
    dear = {"model": "mistral-medium-3-5", "max_tokens": 20_000}  # some 0.15 USD of a slice of 0.50
    with running.router(upstream.url, policies={"apps": SHARE}, environ=running.STRICT) as router:
        assert router.chat(**dear).status == 200
        url = f"unix://{router.home}/data/store/valkey.sock"
        running.wait_for(lambda: _slices(url))
        pid = store_pid(router)
        upstream.faults({"fault": "stall", "times": 4})  # nobody answers, so nothing is given back to the slice
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
        try:
            with ThreadPoolExecutor(6) as pool:
                replies = list(
                    pool.map(lambda _: router.chat(**dear, headers={"x-router-timeout-ms": "3000"}), range(6))
                )
        finally:
            subprocess.run(["kill", "-CONT", str(pid)], check=True)
        refused = [reply for reply in replies if reply.status == 503]
        assert {reply.error["code"] for reply in refused} >= {"budget_store_unavailable"}
        served = [reply for reply in replies if reply.headers.get("x-router-degraded") == "store"]
        assert len(served) == 3, [reply.status for reply in replies]
        upstream.faults()
        running.wait_for(lambda: "x-router-degraded" not in (reply := router.chat(max_tokens=5)).headers and reply.ok)
        running.wait_for(lambda: _slices(url))
        running.wait_for(lambda: router.usage()["total"]["requests"] >= 5)
        # What nobody answered was generated and billed all the same: the ledger keeps its holds, and is never below.
        total = router.usage()["total"]
        assert total["unconfirmed_nano_usd"] > 3 * 150_000_000
        assert upstream.bill["nano_usd"] <= total["nano_usd"] < 500_000_000


def _slices(url: str) -> list[bytes]:
    leases = running.store_command(url, "ZRANGE", names.leases("apps"), "0", "-1")
    held = [name for name in leases if name.startswith(b"share_")]
    states = [running.store_command(url, "HGET", names.ledger("apps"), b"r:" + name) for name in held]
    return [name for name, state in zip(held, states, strict=True) if state and b"H" in state[:4]]


@pytest.mark.slow
@pytest.mark.parametrize("away", ["deny", "share"])
def test_a_store_that_freezes_for_ten_seconds_hangs_nobody_and_costs_nothing(upstream: Simulator, away: str) -> None:
    policy = SHARE.replace("share", away)
    with running.router(upstream.url, policies={"apps": policy}, environ=running.STRICT) as router:
        for _ in range(20):
            assert router.chat(max_tokens=5).status == 200
        time.sleep(3.0)  # a slice is reserved by now, where the policy has one
        pid = store_pid(router)
        took: list[tuple[float, float, int]] = []

        def ask(number: int) -> None:
            time.sleep(max(0.0, began + number / 200 - time.monotonic()))
            at = time.monotonic()
            reply = router.chat("Go on.", max_tokens=5)
            took.append((at - began, time.monotonic() - at, reply.status))

        began = time.monotonic()
        freeze = threading.Timer(2.0, lambda: subprocess.run(["kill", "-STOP", str(pid)], check=True))
        thaw = threading.Timer(12.0, lambda: subprocess.run(["kill", "-CONT", str(pid)], check=True))
        freeze.start()
        thaw.start()
        with ThreadPoolExecutor(128) as pool:
            list(pool.map(ask, range(15 * 200)))
        thaw.join()
        usual = sorted(seconds for at, seconds, _ in took if at < 1.9)
        frozen = sorted(seconds for at, seconds, _ in took if 2.0 <= at < 12.0)
        added = frozen[int(len(frozen) * 0.99)] - usual[len(usual) // 2]
        print(f"{away}: p99 added {added * 1000:.0f} ms, longest {frozen[-1] * 1000:.0f} ms")
        assert frozen[-1] < 5.0  # it hung for ten
        assert {status for *_, status in took} <= {200, 503}
        if away == "share":
            assert sum(status == 200 for at, _, status in took if 3.0 <= at < 11.0) > 0
        bill = running.wait_for(
            lambda: (nano := upstream.bill["nano_usd"]) == router.usage()["total"]["nano_usd"] and nano
        )
        assert bill < 100_000_000_000


def test_a_cluster_that_is_away_is_a_503_everywhere_and_never_a_500(upstream: Simulator, tmp_path: Path) -> None:
    environ = {"ROUTER_REDIS_URL": "cluster://127.0.0.1:1", "ROUTER_KEY_PEPPER": "pepper-for-tests"}
    process = running.start(
        ["serve", "--port", "0", "--data-dir", str(tmp_path / "data")],
        r"mistral-router serves (http\S+)/v1",
        {
            "MISTRAL_API_KEY": "k",
            "ROUTER_UPSTREAM_URL": upstream.url,
            "ROUTER_ADMIN_KEY": ADMIN_KEY,
            **running.STRICT,
            **environ,
        },
        tmp_path / "log",
    )
    try:
        key = "sk-mr-" + "a" * 12 + "-" + "b" * 43
        hello = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
        statuses = {
            "ready": call(f"{process.url}/readyz").status,
            "chat": call(f"{process.url}/v1/chat/completions", "POST", hello, key).status,
            "models": call(f"{process.url}/v1/models", key=key).status,
            "keys": call(f"{process.url}/admin/v1/keys", key=ADMIN_KEY).status,
            "usage": call(f"{process.url}/admin/v1/usage", key=ADMIN_KEY).status,
        }
        assert statuses == dict.fromkeys(statuses, 503)
    finally:
        process.child.send_signal(signal.SIGTERM)
        process.child.wait(60)
