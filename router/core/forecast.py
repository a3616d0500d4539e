"""When a budget runs out if it goes on being spent as it was so far; and when it does not, that it doesn't.

The pace is what was spent divided by the time since spending began in this window: a team that began on the twentieth
has not been thrifty for nineteen days. A pace is told from a 24th of the window at the least, or the first minute of a
day would foretell its end.
"""

from __future__ import annotations

import enum
import math
from typing import Final

import msgspec

from router.core.charges import FOREVER_MS, Account, Kind

PACE_SHARE: Final = 24
# A budget without an end has no length to take a share of.
PACE_LEAST_MS: Final = 3_600_000
# A pace says nothing of a century, and such a date could not even be shown.
FORETOLD_MAX_MS: Final = 100 * 365 * 86_400_000


class Outlook(enum.Enum):
    """What is to be expected of a budget."""

    EXHAUSTED = "exhausted"  # nothing is left now
    RUNS_OUT = "runs_out"  # at this pace it is used up before its window ends
    LASTS = "lasts"  # at this pace it is not, or not for a century
    UNSPENT = "unspent"  # nothing was spent, so there is no pace


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A budget's window at an instant, in epoch ms. A rolling one begins its length before now and never resets, but
    every amount leaves it again a length after it was spent. `end_ms` is None where nothing is ever forgotten."""

    begin_ms: int
    end_ms: int | None
    rolling: bool = False


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """`at_ms` is when it runs out, for RUNS_OUT alone; `pace_nano` is nano-USD an hour; `until_ms` is when the window
    ends, or when a rolling one begins to forget: later than that the pace says nothing."""

    outlook: Outlook
    pace_nano: int = 0
    at_ms: int | None = None
    until_ms: int | None = None


def window_of(account: Account, now_ms: int) -> Window:
    """The window of a money account that holds `now_ms`."""
    if account.kind is Kind.RING:
        return Window(begin_ms=now_ms - account.begin, end_ms=now_ms, rolling=True)
    return Window(begin_ms=account.begin, end_ms=None if account.end >= FOREVER_MS else account.end)


def forecast(
    window: Window, *, now_ms: int, spent: int, held: int, limit: int, since_ms: int | None = None
) -> Forecast:
    """`spent` and `held` are nano-USD of the window, `limit` its budget; `since_ms` is when spending began in it, where
    that is known."""
    began = max(window.begin_ms, min(since_ms if since_ms is not None else window.begin_ms, now_ms))
    length = (window.end_ms if window.end_ms is not None else now_ms) - window.begin_ms
    # A rolling window is always over; it forgets its first spending a length later.
    until = began + length if window.rolling else window.end_ms
    if spent + held >= limit:
        return Forecast(outlook=Outlook.EXHAUSTED, until_ms=until)
    if spent <= 0:
        return Forecast(outlook=Outlook.UNSPENT, until_ms=until)
    least = PACE_LEAST_MS if window.end_ms is None else max(1, length // PACE_SHARE)
    elapsed = max(now_ms - began, least)
    pace = spent * 3_600_000 // elapsed
    at = now_ms + math.ceil((limit - spent - held) * elapsed / spent)
    if at - now_ms > FORETOLD_MAX_MS or (until is not None and at >= until):
        return Forecast(outlook=Outlook.LASTS, pace_nano=pace, until_ms=until)
    return Forecast(outlook=Outlook.RUNS_OUT, pace_nano=pace, at_ms=at, until_ms=until)
