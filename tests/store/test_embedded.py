"""The embedded store: it keeps what it acknowledged, and one data directory has one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from router import children
from router.store import embedded
from router.store.connect import connect
from tests.running import ROOT

LONG = "d" * 60


@contextmanager
def store(directory: Path) -> Iterator[tuple[redis.Redis, subprocess.Popen[bytes]]]:
    """As the router starts it."""
    path = embedded.socket_path(directory)
    embedded.clear_leftover(directory, path)
    child = children.start(embedded.command(directory, path))
    try:
        url = embedded.wait_until_up(directory, path)
        with redis.Redis.from_url(url) as client:
            yield client, child
    finally:
        children.stop(child)


def test_what_was_acknowledged_survives_a_stop(tmp_path: Path) -> None:
    with store(tmp_path) as (client, _):
        client.set("kept", "1")
    with store(tmp_path) as (client, _):
        assert client.get("kept") == b"1"


def test_what_was_acknowledged_survives_a_killed_store(tmp_path: Path) -> None:
    with store(tmp_path) as (client, child):
        for index in range(1_000):
            client.incrby("sum", index)
        child.kill()
        child.wait(10)
    with store(tmp_path) as (client, _):
        assert client.get("sum") == b"499500"


def test_nothing_is_ever_evicted_and_nobody_else_may_connect(tmp_path: Path) -> None:
    with store(tmp_path) as (client, _):
        config = client.config_get("*")
        assert config["maxmemory-policy"] == "noeviction"
        assert (config["port"], config["appendonly"], config["appendfsync"]) == ("0", "yes", "everysec")
    path = embedded.socket_path(tmp_path)
    with store(tmp_path):
        assert path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["plain", f"{LONG}/{LONG}", "50% of #1 or what?"])
def test_a_leftover_is_cleared_wherever_it_listens(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir(parents=True)
    path = embedded.socket_path(directory)
    assert len(str(path).encode()) <= embedded.SOCKET_PATH_MAX
    left = children.start(embedded.command(directory, path))
    try:
        with redis.Redis.from_url(embedded.wait_until_up(directory, path)) as client:
            client.set("kept", "1")
        with store(directory) as (client, child):
            assert left.wait(10) == 0  # asked to end, it wrote all it had
            assert child.pid != left.pid
            assert client.get("kept") == b"1"
    finally:
        children.stop(left)


def test_a_socket_that_nobody_answers_is_no_hindrance(tmp_path: Path) -> None:
    embedded.socket_path(tmp_path).touch()
    with store(tmp_path) as (client, _):
        assert client.ping()


def test_the_url_of_an_odd_path_leads_back_to_it(tmp_path: Path) -> None:
    directory = tmp_path / "50% of #1?"
    directory.mkdir()
    with store(directory):
        url = embedded.wait_until_up(directory, embedded.socket_path(directory))
        assert connect(url).connection_pool.connection_kwargs["path"] == str(directory / "valkey.sock")


def test_a_store_that_can_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_S", 0.3)
    path = embedded.socket_path(tmp_path)
    child = children.start([*embedded.command(tmp_path, path), "--maxclients", "-5"], stderr=subprocess.DEVNULL)
    try:
        with pytest.raises(embedded.StoreDidNotStart, match="did not start: "):
            embedded.wait_until_up(tmp_path, path)
    finally:
        children.stop(child)


HOLDER = """
import sys, time
from pathlib import Path
from router import children
from router.store import embedded

home = Path(sys.argv[1])
lock = children.lock(home)
path = embedded.socket_path(home)
child = children.start(embedded.command(home, path))
embedded.wait_until_up(home, path)
print(child.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def holder(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Another process that works in `home`, and the store it started."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    with process, process.stdout:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def test_a_second_process_is_refused_and_told_which_is_the_first(tmp_path: Path) -> None:
    with (
        holder(tmp_path) as (process, _),
        pytest.raises(children.DataDirInUse, match=f"in use by process {process.pid}:"),
    ):
        children.lock(tmp_path)


def test_a_store_ends_with_its_killed_parent_and_leaves_the_directory_free(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, pid):
        process.kill()
        process.wait(10)
        ends = time.monotonic() + 10
        while _alive(pid):
            assert time.monotonic() < ends
            time.sleep(0.01)
    children.lock(tmp_path).close()


def _alive(pid: int) -> bool:
    """A zombie is not: who reaps it is not our business."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_does_not_listen_is_made_to_end() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = children.start([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        child.stdout.readline()
        children.stop(child, timeout_s=0.1)
    assert child.returncode == -signal.SIGKILL
    children.stop(child)
