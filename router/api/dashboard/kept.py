"""Answers to questions that take long, kept so that asking takes at most a twentieth of the time: what is quick is
always fresh, and many open dashboards cost no more than one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

SHARE: Final = 20
LONGEST_S: Final = 60.0
ANSWERS_MAX: Final = 256

T = TypeVar("T")


class Kept:
    """`clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}

    async def answer(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` says, or what it said a moment ago. Two who ask the same at once wait for one answer."""
        known = self._answers.get(question)
        if known is not None and known[0] > self._clock():
            value: T = known[1]
            return value
        task = self._asking.get(question)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(question, ask))
            self._asking[question] = task
            task.add_done_callback(lambda _: self._asking.pop(question, None))
        found: T = await asyncio.shield(task)
        return found

    async def _ask(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        began = self._clock()
        value = await ask()
        now = self._clock()
        if len(self._answers) >= ANSWERS_MAX:
            self._answers = {key: kept for key, kept in self._answers.items() if kept[0] > now}
        if len(self._answers) < ANSWERS_MAX:
            self._answers[question] = (now + min(LONGEST_S, SHARE * (now - began)), value)
        return value
