"""Ends of holds, off the critical path: handed over without waiting, delivered until the store has taken them.

A request that was hung up is cancelled at every await, so nothing that must happen to its money may wait on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from router.errors import StoreUnavailable

log = logging.getLogger("router.settler")

RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 5.0
# The store may be away for this long before an end is given up; its hold then stays charged, unconfirmed. With the
# calls between it stays below the ten minutes for which the store remembers an end: later, it would be a new charge.
GIVE_UP_S: Final = 480.0
WAITING_MAX: Final = 100_000


class Settler:
    """`on_waiting` is told how many ends are on their way when that changes, `on_lost` of each that was given up."""

    def __init__(self, on_waiting: Callable[[int], None], on_lost: Callable[[], None]) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._freeing: dict[str, set[asyncio.Task[None]]] = {}
        self._on_waiting = on_waiting
        self._on_lost = on_lost

    @property
    def waiting(self) -> int:
        return len(self._tasks)

    def hand_over(self, deliver: Callable[[], Awaitable[object]], *, frees: str = "") -> None:
        """Run `deliver` until it goes through. It must be harmless when repeated. `frees` names the team whose accounts
        it gives something back to."""
        if len(self._tasks) >= WAITING_MAX:
            self._on_lost()
            log.error("an end of a hold was not delivered: too many are waiting for the store")
            return
        task = asyncio.get_running_loop().create_task(self._deliver(deliver))
        self._tasks.add(task)
        self._on_waiting(len(self._tasks))
        task.add_done_callback(self._delivered)
        if frees:
            self._freeing.setdefault(frees, set()).add(task)
            task.add_done_callback(lambda task: self._freed(frees, task))

    async def freed(self, team: str, timeout_s: float) -> bool:
        """Wait for what this process is giving back to `team`. False when that was nothing."""
        on_their_way = self._freeing.get(team)
        if not on_their_way:
            return False
        await asyncio.wait(set(on_their_way), timeout=timeout_s)
        return True

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all has been delivered. False when the time ran out."""
        if not self._tasks:
            return True
        _, late = await asyncio.wait(set(self._tasks), timeout=timeout_s)
        return not late

    def _delivered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._on_waiting(len(self._tasks))

    def _freed(self, team: str, task: asyncio.Task[None]) -> None:
        freeing = self._freeing[team]
        freeing.discard(task)
        if not freeing:
            del self._freeing[team]

    async def _deliver(self, deliver: Callable[[], Awaitable[object]]) -> None:
        wait_s, waited_s = RETRY_FIRST_S, 0.0
        while True:
            try:
                await deliver()
                return
            except StoreUnavailable as error:
                if waited_s >= GIVE_UP_S:
                    self._on_lost()
                    log.error("an end of a hold was not delivered in %.0f s: %s", waited_s, error.message)
                    return
            except Exception:
                self._on_lost()
                log.exception("an end of a hold was not delivered")
                return
            await asyncio.sleep(wait_s)
            waited_s += wait_s
            wait_s = min(RETRY_MAX_S, wait_s * 2)
