"""The store away: each policy says what happens, nobody waits long, and nothing is answered with a 500."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from tests import running
from tests.running import ADMIN_KEY, Simulator, call

ALLOW = 'team = "apps"\nwhen_store_away = "allow"\n[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'


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
