"""Answers that took long to add up, kept for a moment: many open dashboards cost no more than one.

What is kept goes by the number of teams that were added up, because that is what takes long. For a few teams nothing is
kept, so that a small installation always sees what has just happened. Beyond its moment an answer is given once more
while a new one is made: nobody waits but the first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

FEW_TEAMS: Final = 10
SECONDS_A_TEAM: Final = 0.05
# An answer older than this is not given any more.
OLDEST_S: Final = 60.0
ANSWERS_MAX: Final = 256

T = TypeVar("T")


class Kept:
    """`clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}

    async def answer(self, question: Hashable, teams: int, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` says of so many teams, or what it said a moment ago. Two who ask at once wait for one answer."""
        if teams <= FEW_TEAMS:
            return await ask()
        made, value = self._answers.get(question, (-OLDEST_S, None))
        age_s = self._clock() - made
        known: T | None = value
        if known is not None and age_s < teams * SECONDS_A_TEAM:
            return known
        asking = self._asking.get(question)
        if asking is None:
            asking = asyncio.get_running_loop().create_task(self._ask(question, ask))
            self._asking[question] = asking
            asking.add_done_callback(lambda task: self._ended(question, task))
        if known is not None and age_s < OLDEST_S:
            return known
        found: T = await asyncio.shield(asking)
        return found

    async def _ask(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        value = await ask()
        now = self._clock()
        if len(self._answers) >= ANSWERS_MAX:
            self._answers = {key: kept for key, kept in self._answers.items() if now - kept[0] < OLDEST_S}
        if len(self._answers) < ANSWERS_MAX:
            self._answers[question] = (now, value)
        return value

    def _ended(self, question: Hashable, task: asyncio.Task[Any]) -> None:
        del self._asking[question]
        if not task.cancelled():
            task.exception()  # who waits is told; without anybody waiting it is no news
