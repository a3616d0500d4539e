"""How fast a budget is spent: shares of it that a policy wants told, and the steps that it takes when the money would
not last to the end of the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from router.core.budget_lines import Pace, Step
from router.core.charges import FOREVER_MS, Account, Kind, Measure, Standing

# Before a twentieth of the window has passed, one morning's work would be taken for a month's.
EARLY: Final = 20
# From the mildest on.
STEPS: Final = (Step.WARN, Step.ECONOMY, Step.SMALLER_OUTPUTS, Step.DENY)


class Paced(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a policy takes now: `share` of the limit would be spent by the window's end, more than `pace.above`.
    If nothing is spent meanwhile, the step ends at `until_ms`."""

    account: Account
    pace: Pace
    share: Fraction
    spent: int
    until_ms: int


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """What an app is told of a budget. `why` is `threshold` or `pace`."""

    account: Account
    why: str
    text: str


def forecast(account: Account, spent: int, now_ms: int) -> Fraction | None:
    """The share of the limit that will be spent when the window ends, if it goes on as until now. None where that says
    nothing: in a window that does not end or rolls, early in it, or for a limit of nothing."""
    length, passed = account.end - account.begin, now_ms - account.begin
    if account.kind is not Kind.CALENDAR or account.end >= FOREVER_MS or account.limit <= 0:
        return None
    if passed * EARLY < length or passed >= length:
        return None
    return Fraction(spent * length, passed * account.limit)


def pace_step(pace: Sequence[Pace], share: Fraction) -> Pace | None:
    """The highest rung that `share` is above; None on the ground. Rungs ascend."""
    return next((rung for rung in reversed(pace) if share > rung.above), None)


def paced(standings: Iterable[Standing], now_ms: int) -> Paced | None:
    """The strictest step that any of the budgets takes now; of two alike, the first."""
    found = (step for standing in standings if (step := _paced(standing, now_ms)) is not None)
    return max(found, key=lambda one: STEPS.index(one.pace.step), default=None)


def warned(standings: Iterable[Standing], now_ms: int) -> list[Warned]:
    """Thresholds that budgets have passed, each budget's highest, and steps of a pace that are taken."""
    found = []
    for standing in standings:
        account = standing.account
        if account.measure is not Measure.USD or account.shadow:
            continue
        place = f"{account.scope.value} {account.measure.value} {account.window}"
        passed = [share for share in account.warn_at if standing.spent >= share * account.limit]
        if passed:
            text = f"{place} is spent to more than {_percent(Fraction(passed[-1]))} of its limit"
            found.append(Warned(account=account, why="threshold", text=text))
        if step := _paced(standing, now_ms):
            text = f"{place} will be spent to {_percent(step.share)} of its limit at this pace"
            found.append(Warned(account=account, why="pace", text=text))
    return found


def _paced(standing: Standing, now_ms: int) -> Paced | None:
    account = standing.account
    if account.measure is not Measure.USD or account.shadow or not account.pace:
        return None
    share = forecast(account, standing.spent, now_ms)
    rung = pace_step(account.pace, share) if share is not None else None
    if rung is None or share is None:
        return None
    length = account.end - account.begin
    needed = standing.spent * length / (account.limit * Fraction(rung.above))
    until_ms = min(account.end, account.begin - (-needed.numerator // needed.denominator))
    return Paced(account=account, pace=rung, share=share, spent=standing.spent, until_ms=until_ms)


def _percent(share: Fraction) -> str:
    return f"{round(share * 100)} %"
