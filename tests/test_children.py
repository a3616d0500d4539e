"""A child that must not be missing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from router.children import Keeper


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def wait_for(path: Path, count: int) -> list[int]:
    ends = time.monotonic() + 10
    while len(pids(path)) < count and time.monotonic() < ends:
        time.sleep(0.01)
    return pids(path)


def test_a_child_that_ends_by_itself_is_started_again_until_it_is_stopped(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    keeper = Keeper(["/bin/sh", "-c", f"echo $$ >> {log}; exec sleep 60"])
    try:
        [first] = wait_for(log, 1)
        os.kill(first, signal.SIGKILL)
        assert len(wait_for(log, 2)) == 2
    finally:
        keeper.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pids(log)[-1], 0)


def test_a_child_that_cannot_be_started_is_an_error_and_no_hang() -> None:
    with pytest.raises(FileNotFoundError):
        Keeper(["/nonexistent/valkey-server"])
