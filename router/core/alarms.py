"""Alarms of money: which shares of which budgets have been spent, and what a webhook is told of each, once a window."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction

import msgspec

from router.core.budget_lines import Alarm
from router.core.charges import FOREVER_MS, Account, Kind, Standing
from router.core.money import usd
from router.core.pacing import forecast


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A share that has been spent. `id` is the same wherever and whenever it is noticed in that window, which ends at
    `until_ms`; `body` is JSON."""

    id: str
    webhook: str
    until_ms: int
    body: bytes


def names_of(account: Account) -> tuple[str, str]:
    """What a policy calls the budget: by scope and window, or with the key, model or tag between."""
    return f"{account.scope.value}.{account.window}", f"{account.scope.value}:{account.id}.{account.window}"


def passed(alarms: Iterable[Alarm], team: str, standings: Iterable[Standing], now_ms: int) -> Iterator[Passed]:
    """Every share that is spent now."""
    stands = list(standings)
    for alarm in alarms:
        for standing in stands:
            if alarm.budget not in names_of(standing.account) or standing.account.limit <= 0:
                continue
            for share in alarm.at:
                if standing.spent >= share * standing.account.limit:
                    yield _passed(alarm, share, team, standing, now_ms)


def _passed(alarm: Alarm, share: float, team: str, standing: Standing, now_ms: int) -> Passed:
    account = standing.account
    begin_ms, until_ms = _window(account, now_ms)
    what = "\n".join((alarm.webhook, team, account.name, str(begin_ms), repr(share)))
    foretold = forecast(account, standing.spent, now_ms)
    told = {
        "type": "budget.threshold",
        "timestamp": _stamp(now_ms),
        "data": {
            "team": team,
            "budget": alarm.budget,
            "id": account.id,
            "threshold": share,
            "spent_usd": usd(standing.spent),
            "limit_usd": usd(account.limit),
            "share": round(float(Fraction(standing.spent, account.limit)), 4),
            "forecast": round(float(foretold), 4) if foretold is not None else None,
            "resets_at": _stamp(account.end) if account.kind is Kind.CALENDAR and account.end < FOREVER_MS else None,
        },
    }
    return Passed(
        id=f"alarm_{hashlib.sha256(what.encode()).hexdigest()[:24]}",
        webhook=alarm.webhook,
        until_ms=until_ms,
        body=msgspec.json.encode(told),
    )


def _window(account: Account, now_ms: int) -> tuple[int, int]:
    """[begin, end) of the window that a share is told once in; a rolling one is taken length by length."""
    if account.kind is Kind.CALENDAR:
        return account.begin, account.end
    length_ms = account.begin
    begin_ms = now_ms - now_ms % length_ms
    return begin_ms, begin_ms + length_ms


def _stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
