"""Upstream windows: how much of a model's minute is used, and from when on there is room again.

The vendor counts requests and tokens (input and output minus cached) per model over a sliding minute, and tells limit
and rest in plain answers only. So use is counted here as it is sent, first as it is expected and then as it came, and
every plain answer says how much was used by others that we do not know of.

A `Window` is what one process knows. What it has used and learned is handed to the others as a `Share`, and what it
hears from them is a `Share` too. Times are seconds of the process's own monotonic clock.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from router.wire.rates import Rate, Rates

WINDOW_S: Final = 60.0
# Use is kept in steps of this length; a step counts until all of it is outside the window, so nothing frees too early.
STEP_S: Final = 2.0
# What bulk leaves of a window to the others, in per cent: it goes only while less is used, by whomever.
BULK_PERCENT: Final = 70
# While nobody knows a window, bulk feels its way with so many requests at once; for a minute, as streams teach nothing.
FEELERS: Final = 4
# A limit of zero is a model that is not on the plan. Plans change, so it is asked again after a while.
NEVER_S: Final = 600.0

# Seconds until the quota of that name has room for so many tokens; 0 when it has.
Opening = Callable[[str, int], float]


def always_open(quota: str, tokens: int) -> float:
    """The `Opening` of who knows no windows: a replay, an explanation away from the router."""
    return 0.0


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Use of one step, which ends at `end_s`; negative where less came than was expected."""

    rate: Rate
    end_s: float
    amount: int


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that the vendor told at `at_s`. `unknown` is what was used by then beyond what all of us had counted."""

    rate: Rate
    limit: int
    unknown: int
    at_s: float


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one process tells the others of a window, or hears of all, itself among them."""

    used: tuple[Used, ...] = ()
    learned: tuple[Learned, ...] = ()


Shares = Mapping[str, Share]  # by quota
NOTHING: Final = Share()


class Steps:
    """Amounts by the end of their step; `total` has those too that count no more and were not forgotten yet."""

    __slots__ = ("_oldest_s", "_steps", "total")

    def __init__(self) -> None:
        self._steps: dict[float, int] = {}
        self.total = 0
        self._oldest_s = math.inf  # no step ends before

    def add(self, end_s: float, amount: int) -> None:
        self.total += amount
        self._oldest_s = min(self._oldest_s, end_s)
        if left := self._steps.get(end_s, 0) + amount:
            self._steps[end_s] = left
        else:
            self._steps.pop(end_s, None)

    def at(self, now_s: float) -> int:
        """What counts at `now_s`, an instant from now on."""
        if self._oldest_s > now_s - WINDOW_S:
            return self.total
        return sum(amount for end_s, amount in self._steps.items() if end_s > now_s - WINDOW_S)

    def forget(self, now_s: float) -> None:
        """Drop what counts no more."""
        if self._oldest_s > now_s - WINDOW_S:
            return
        self._steps = {end_s: amount for end_s, amount in self._steps.items() if end_s > now_s - WINDOW_S}
        self.total = sum(self._steps.values())
        self._oldest_s = min(self._steps, default=math.inf)

    def items(self) -> list[tuple[float, int]]:
        return list(self._steps.items())


class _Gauge:
    """One measure of a window: what all were heard to have used, what this process used and has not told yet, what the
    vendor said last, and that again while the others have not heard it from us."""

    __slots__ = ("heard", "learned", "news", "own")

    def __init__(self) -> None:
        self.heard = Steps()
        self.own = Steps()
        self.learned: Learned | None = None
        self.news: Learned | None = None

    def forget(self, now_s: float) -> None:
        self.heard.forget(now_s)
        self.own.forget(now_s)

    def counted(self, now_s: float) -> int:
        return self.heard.at(now_s) + self.own.at(now_s)

    def used(self, now_s: float) -> int:
        return max(0, self.counted(now_s) + self.unknown(now_s))

    def unknown(self, now_s: float) -> int:
        """Nobody knows when it was used, so it is taken to leave the window evenly."""
        if self.learned is None or self.learned.unknown == 0:
            return 0
        age_s = max(0.0, now_s - self.learned.at_s)
        return math.ceil(self.learned.unknown * max(0.0, 1 - age_s / WINDOW_S))


def bulk_part(limit: int) -> int:
    """How far bulk may fill a window. A window of one request is not shut to it for good."""
    return max(min(limit, 1), limit * BULK_PERCENT // 100)


def step_end(now_s: float) -> float:
    """The end of the step that holds an instant."""
    return (now_s // STEP_S + 1) * STEP_S


class Window:
    """Requests and tokens per minute of one model at one upstream, under one key. `under_way` is how many requests this
    process waits for."""

    def __init__(self) -> None:
        self._gauges = {rate: _Gauge() for rate in Rate}
        self._began_s: float | None = None
        self.under_way = 0

    def use(self, amounts: Mapping[Rate, int], at_s: float) -> None:
        """Count what is used at `at_s`; a negative amount takes back what was counted then."""
        if self._began_s is None:
            self._began_s = at_s
        for rate, amount in amounts.items():
            self._gauges[rate].own.add(step_end(at_s), amount)

    def learn(self, rates: Rates, now_s: float) -> None:
        """Take the vendor's word for what is used by now. Less than we counted is no news: that may be under way."""
        for rate, told in rates.items():
            gauge = self._gauges[rate]
            unknown = max(0, told.limit - told.remaining - gauge.counted(now_s))
            gauge.news = Learned(rate=rate, limit=told.limit, unknown=unknown, at_s=now_s)
            gauge.learned = gauge.news

    def opens_in(self, now_s: float, tokens: int, *, bulk: bool, sharers: int) -> float:
        """Seconds until there is room for a request of so many tokens; 0 when there is.

        For bulk the `sharers` are taken to have done as much as this process since they were heard, so that all of them
        together don't take more than its part. Who waits for an answer finds the rest of the window for that.
        """
        if bulk and self.under_way >= FEELERS and self._untold(now_s):
            return 1.0
        return max(
            _opens_in(gauge, now_s, tokens if rate is Rate.TOKENS else 1, bulk, sharers)
            for rate, gauge in self._gauges.items()
        )

    def _untold(self, now_s: float) -> bool:
        """Whether the vendor has told nothing yet, and may still."""
        if any(gauge.learned is not None for gauge in self._gauges.values()):
            return False
        return self._began_s is not None and now_s - self._began_s < WINDOW_S

    def left(self, now_s: float) -> dict[Rate, tuple[Learned, int]]:
        """For operators: what was learned, and what is left of it."""
        return {
            rate: (gauge.learned, max(0, gauge.learned.limit - gauge.used(now_s)))
            for rate, gauge in self._gauges.items()
            if gauge.learned is not None
        }

    def told(self, now_s: float) -> Share:
        """What the others have not heard yet."""
        for gauge in self._gauges.values():
            gauge.forget(now_s)
        return Share(
            used=tuple(
                Used(rate=rate, end_s=end_s, amount=amount)
                for rate, gauge in self._gauges.items()
                for end_s, amount in gauge.own.items()
            ),
            learned=tuple(gauge.news for gauge in self._gauges.values() if gauge.news is not None),
        )

    def hear(self, told: Share, heard: Share) -> None:
        """`told` is with the others now; `heard` is all that counts, with it, in place of what was heard before."""
        for used in told.used:
            self._gauges[used.rate].own.add(used.end_s, -used.amount)
        for gauge in self._gauges.values():
            gauge.heard = Steps()
            if gauge.news in told.learned:
                gauge.news = None
        for used in heard.used:
            self._gauges[used.rate].heard.add(used.end_s, used.amount)
        for word in heard.learned:
            gauge = self._gauges[word.rate]
            if gauge.learned is None or gauge.learned.at_s < word.at_s:
                gauge.learned = word


def _opens_in(gauge: _Gauge, now_s: float, asked: int, bulk: bool, sharers: int) -> float:
    learned = gauge.learned
    if learned is None:
        return 0.0
    if learned.limit == 0:
        return max(0.0, learned.at_s + NEVER_S - now_s)
    part = bulk_part(learned.limit) if bulk else learned.limit
    # The vendor debits afterwards, so what is larger than a whole window is let through by an empty one.
    room = part - min(asked, part)
    others = sharers - 1 if bulk else 0
    if gauge.heard.total + gauge.own.total + max(0, gauge.own.total) * others + learned.unknown <= room:
        return 0.0  # the usual case, without asking the time
    gauge.forget(now_s)
    if gauge.used(now_s) + max(0, gauge.own.total) * others <= room:
        return 0.0
    # Use only ever leaves the window, so the second in which there is room can be searched by halves.
    seconds = range(1, math.ceil(WINDOW_S + STEP_S) + 1)
    return float(seconds[bisect_left(seconds, True, hi=len(seconds) - 1, key=lambda s: gauge.used(now_s + s) <= room)])
