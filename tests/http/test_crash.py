"""Kill -9 and start again: keys, budgets and spend stay, nothing is left running, held money shows as unconfirmed."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from router.store import names
from tests import running
from tests.running import Router, Simulator, alive, family, wait_for

TIGHT = 'team = "tight"\n[[budget]]\nscope = "team"\nusd = "0.0005"\nwindow = "total"\n'


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_router_leaves_its_data_in_place_and_nothing_running(
    upstream: Simulator, tmp_path: Path, workers: str
) -> None:
    with running.router(upstream.url, "--workers", workers, home=tmp_path, policies={"tight": TIGHT}) as router:
        key = router.new_key("tight")
        served = 0
        while router.chat(key=key, model="mistral-large-2512", max_tokens=100).status == 200:
            served += 1
        total = router.settled(served)
        spent = router.usage(team="tight")["total"]["nano_usd"]
        pids = family(router.child.pid)
        assert len(pids) >= 2
        router.kill()
        wait_for(lambda: not alive(pids))
    with running.router(upstream.url, "--workers", workers, home=tmp_path, policies={"tight": TIGHT}) as router:
        assert router.usage()["total"] == total
        assert router.usage(team="tight")["total"]["nano_usd"] == spent
        refused = router.chat(key=key, model="mistral-large-2512", max_tokens=100)
        assert refused.status == 402, "the key and its spend are still known"
        assert refused.error["budget"]["spent_usd"] == f"{spent / 1e9:.9f}"
        assert spent == upstream.bill["nano_usd"]
        pids = family(router.child.pid)
        assert router.stop() == 0
        wait_for(lambda: not alive(pids))


def test_a_killed_router_is_started_again_at_once_in_a_directory_with_a_very_long_name(
    upstream: Simulator, tmp_path: Path
) -> None:
    deep = tmp_path / ("long-" * 30) / ("name-" * 30)
    deep.mkdir(parents=True)
    before = {path.name for path in Path("/tmp").glob("mistral-router-*")}
    for count in (1, 2):
        with running.router(upstream.url, home=deep) as router:
            assert router.chat(max_tokens=5).status == 200
            assert router.settled(count)["requests"] == count
            pids = family(router.child.pid)
            router.kill()
    wait_for(lambda: not alive(pids))
    with running.router(upstream.url, home=deep) as router:
        assert router.settled(2)["requests"] == 2
    left = {path.name for path in Path("/tmp").glob("mistral-router-*")} - before
    assert len(left) <= 1, "starts do not pile up directories"


def hold(router: Router, body: dict[str, object]) -> socket.socket:
    """Ask over a connection of one's own, and leave it open."""
    parts = urlsplit(router.url)
    sent = json.dumps({"model": "mistral-large-2512", "messages": [{"role": "user", "content": "Rivers."}], **body})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {router.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
    )
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    connection.sendall((head + sent).encode())
    return connection


NO_JOURNAL = '[journal]\nmode = "off"\n'


@pytest.mark.parametrize("settings", [None, NO_JOURNAL], ids=["journal", "no journal"])
def test_money_held_by_a_killed_router_is_unconfirmed_afterwards(
    upstream: Simulator, tmp_path: Path, settings: str | None
) -> None:
    cent = 'team = "apps"\n[[budget]]\nscope = "team"\nusd = "0.01"\nwindow = "total"\n'
    with running.router(upstream.url, home=tmp_path, policies={"apps": cent}, settings=settings) as router:
        settled = int(router.chat(max_tokens=5).headers["x-router-cost-usd"].replace(".", ""))
        router.settled(1)
        upstream.faults({"fault": "stall", "times": None, "after_bytes": 900})
        with hold(router, {"stream": True, "max_tokens": 1_000}) as stream, hold(router, {"max_tokens": 1_000}):
            wait_for(lambda: len(upstream.requests) == 3)
            assert b"200 OK" in stream.recv(4096)
            router.kill()
    upstream.faults()
    with running.router(upstream.url, home=tmp_path, policies={"apps": cent}, settings=settings) as router:
        held = 10**7 - settled - remaining(router)
        assert held > 2 * 1_000 * 1_500, "nobody else can spend what they hold"
        if settings is NO_JOURNAL:
            assert router.usage()["total"]["nano_usd"] == settled, "the leases still run"
            let_leases_end(f"unix://{tmp_path}/data/store/valkey.sock", "apps")
        total = wait_for(lambda: (found := router.usage()["total"])["unconfirmed_nano_usd"] == held and found)
        assert total["nano_usd"] >= upstream.bill["nano_usd"], "the ledger is never below the bill"


def let_leases_end(store: str, team: str) -> None:
    """A minute passes."""
    for lease in running.store_command(store, "ZRANGE", names.leases(team), "0", "-1"):
        running.store_command(store, "ZADD", names.leases(team), "XX", "1", lease)


def remaining(router: Router) -> int:
    """What is left of the budget, as a refused request is told it: it changes nothing."""
    refused = router.chat(model="mistral-large-2512", max_tokens=50_000)
    assert refused.status == 402
    return int(refused.headers["x-router-budget-remaining-usd"].replace(".", ""))


def test_a_stop_lets_requests_under_way_finish_and_settles_them(upstream: Simulator, tmp_path: Path) -> None:
    with running.router(upstream.url, home=tmp_path) as router:
        upstream.faults({"fault": "slow", "delay_ms": 60, "answer": {"content": "river " * 30}})
        found: list[running.Streamed] = []
        asking = threading.Thread(target=lambda: found.append(router.stream()))
        asking.start()
        wait_for(lambda: upstream.requests)
        assert router.stop() == 0
        asking.join()
        assert found[0].done
    with running.router(upstream.url, home=tmp_path) as router:
        total = router.usage()["total"]
        assert total["nano_usd"] == upstream.bill["nano_usd"] > 0
        assert total["unconfirmed_nano_usd"] == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_the_whole_tree_cleanly(upstream: Simulator, tmp_path: Path, workers: str) -> None:
    with running.router(upstream.url, "--workers", workers, home=tmp_path) as router:
        pids = family(router.child.pid)
        for pid in pids:  # a terminal sends it to the whole group; the store is in a session of its own
            if os.getpgid(pid) == os.getpgid(router.child.pid):
                os.kill(pid, signal.SIGINT)
        assert router.child.wait(20) == 0
        wait_for(lambda: not alive(pids))
        assert "Traceback" not in router.said


def test_one_process_tree_works_in_a_data_directory(upstream: Simulator, tmp_path: Path) -> None:
    with running.router(upstream.url, home=tmp_path) as router:
        code, _, said = running.command(
            "serve", "--port", "0", "--data-dir", str(tmp_path / "data"), environ={"MISTRAL_API_KEY": "x"}
        )
        assert code == 1
        assert str(tmp_path / "data") in said
        assert str(router.child.pid) in said
        assert "--data-dir" in said
        assert "Traceback" not in said
        assert router.chat(max_tokens=5).status == 200


def test_a_taken_port_is_an_error_that_names_the_option(upstream: Simulator, tmp_path: Path) -> None:
    with running.router(upstream.url) as router:
        port = str(urlsplit(router.url).port)
        for command in (["serve"], ["demo"], ["simulate"]):
            folder = [] if command == ["simulate"] else ["--data-dir", str(tmp_path / "other")]
            code, _, said = running.command(*command, "--port", port, *folder, environ={"MISTRAL_API_KEY": "x"})
            assert code == 1
            assert "--port" in said
            assert port in said
            assert "Traceback" not in said
