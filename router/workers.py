"""Worker processes, and the parent that keeps them: started by fork, replaced when they die, told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from router import children

log = logging.getLogger("router.workers")

RESPAWN_S: Final = 1.0
STAYS: Final = 3  # the exit code of what ran beside the workers and wants them to go on


def supervise(
    work: Callable[[], None],
    count: int,
    figures: Path,
    on_ready: Callable[[], None],
    beside: Callable[[], Awaitable[bool]] | None,
) -> None:
    """Have `count` processes do `work` until SIGINT or SIGTERM; one that dies is replaced. Their metrics are files in
    `figures`. What is `beside` them runs once, in a process of its own: true, or an exception, stops them all."""
    shutil.rmtree(figures, ignore_errors=True)  # figures of processes that are gone
    figures.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(figures)
    stopping = False

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True
        for pid in workers:
            os.kill(pid, signal.SIGTERM)

    workers: set[int] = set()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    workers.update(_fork(work) for _ in range(count))
    guest, code = _fork_guest(beside) if beside is not None else None, 0
    on_ready()
    while workers:
        try:
            pid, status = os.wait()
        except InterruptedError:
            continue
        if pid == guest and (code := os.waitstatus_to_exitcode(status)) != STAYS:
            stop()
        if pid not in workers:
            continue
        workers.discard(pid)
        _forget_figures(pid)
        if not stopping:
            log.error("worker %d ended with status %d; another takes its place", pid, os.waitstatus_to_exitcode(status))
            _count_restart()
            time.sleep(RESPAWN_S)
            if not stopping:
                workers.add(_fork(work))
    if code not in (0, STAYS):
        sys.exit(code)


def _fork(work: Callable[[], None]) -> int:
    def job() -> int:
        work()
        return 0

    return _forked(job, "a worker could not go on")


def _fork_guest(beside: Callable[[], Awaitable[bool]]) -> int:
    """A process that asks the workers; a connection waits until one takes it. It ends with STAYS when they go on."""

    async def main() -> bool:
        return await beside()

    return _forked(lambda: 0 if asyncio.run(main()) else STAYS, "what runs beside the workers could not go on")


def _forked(job: Callable[[], int], failed: str) -> int:
    """The id of a child that does `job`, whose result is its exit code."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent passes on what counts
        children.die_with_parent()
        code = job()
    except BaseException:
        log.exception(failed)
        os._exit(1)
    sys.stdout.flush()
    os._exit(code)


def _forget_figures(pid: int) -> None:
    """Gauges of a process that is gone must not be added up any more."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _count_restart() -> None:
    from router.ops.registry import worker_replaced  # as above: the environment is set up by now

    worker_replaced()
