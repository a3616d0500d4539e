"""What charts over time share: the span that is shown, and how its points are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from router.core.record import Sums
from router.core.rollup import Histogram, Point, Rollup

DAY_MS: Final = 86_400_000
# A phone has room for so many labels below a chart.
MARKS: Final = 4


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span of time that a page shows: its `name` in the address, one of `allowed`, which maps names to words."""

    name: str
    words: str
    allowed: Mapping[str, str]


def points_of(rollup: Rollup) -> list[Point]:
    """A point for every step of the span, also where nothing happened."""
    known = {point.at_ms: point for point in rollup.points}
    nothing = Histogram(edges=(), counts=(0,))
    steps = range(rollup.since_ms, rollup.until_ms, rollup.step_ms)
    return [
        known.get(at_ms) or Point(at_ms=at_ms, total=Sums(), nano_usd={}, statuses={}, latency=nothing)
        for at_ms in steps
    ]


def when(at_ms: int, step_ms: int) -> str:
    """A point's label: the day, or the day and hour, in UTC."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.strftime("%a %d %b") if step_ms >= DAY_MS else at.strftime("%a %H:%M")


def marks(points: Sequence[Point], step_ms: int) -> list[str]:
    """A few of the labels, from the first to the last."""
    if len(points) <= 1:
        return [when(point.at_ms, step_ms) for point in points]
    few = min(MARKS, len(points))
    places = [round(index * (len(points) - 1) / (few - 1)) for index in range(few)]
    return [when(points[place].at_ms, step_ms) for place in places]
