"""A breaker before the store: when it has not answered several times in a row, nobody waits for it any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FAILURES_MAX: Final = 5
PROBE_S: Final = 1.0


class Breaker:
    """Closed, it lets every call through. Open, it lets one through a second, whose success closes it.

    `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._probe_s = 0.0

    @property
    def open(self) -> bool:
        return self._failures >= FAILURES_MAX

    def lets_through(self) -> bool:
        if not self.open:
            return True
        now_s = self._clock()
        if now_s < self._probe_s:
            return False
        self._probe_s = now_s + PROBE_S
        return True

    def answered(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures == FAILURES_MAX:
            self._probe_s = self._clock() + PROBE_S
