"""Figures as people read them: money, counts, times, shares; each in one way on every page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from router.core.money import NANO, usd
from router.ops.html import Html, el

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def money(nano: int) -> Html:
    """USD as `dollars` tells it, with the exact amount behind it."""
    return el("data", dollars(nano), value=nano, title=exact(nano))


def dollars(nano: int) -> str:
    """USD with as many decimals as its size deserves: cents from ten cents on, three figures below."""
    size, decimals = abs(nano), 2
    while decimals < 9 and size and size * 10 ** (decimals - 2) < NANO:
        decimals += 1
    sign = "−" if nano < 0 else ""
    whole, _, rest = usd(size, decimals).partition(".")
    return f"{sign}${int(whole):,}.{rest}"


def exact(nano: int) -> str:
    """USD to the nano."""
    return f"{'−' if nano < 0 else ''}${usd(abs(nano))}"


def count(number: int) -> str:
    """A whole number, shortened from a hundred thousand on."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if abs(number) >= size and abs(number) >= 100_000:
            return f"{number / size:.1f} {unit}"
    return f"{number:,}"


def share(part: float, whole: float) -> str:
    """A percentage; a dash when there is no whole."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 99 < percent < 100:  # all but a little is not all
        return f"{min(percent, 99.9):.1f} %"
    return f"{percent:.0f} %" if abs(percent) >= 10 or percent == 0 else f"{percent:.1f} %"


def millis(ms: float | None) -> str:
    """A duration in ms, or in seconds from two of them on."""
    if ms is None:
        return "–"
    if ms >= 2_000:
        return f"{ms / 1000:,.1f} s"
    return f"{ms:,.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def span(seconds: float) -> str:
    """A duration in its two largest units: `3 d 4 h`."""
    left, parts = max(0, round(seconds)), []
    for size, unit in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount} {unit}")
        if len(parts) == 2 or (parts and not amount):
            break
    return " ".join(parts) or "0 s"


def moment(at_ms: float) -> str:
    """A date and time in UTC, to the second."""
    return _at(at_ms).strftime("%Y-%m-%d %H:%M:%S")


def day(at_ms: float) -> str:
    """A date in UTC."""
    return _at(at_ms).strftime("%Y-%m-%d")


def minute(at_ms: float) -> str:
    """A day and time in UTC, as a forecast is told."""
    return _at(at_ms).strftime("%a %d %b, %H:%M")


def _at(at_ms: float) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
