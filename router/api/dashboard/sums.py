"""What the pages have added up: over a span of time, by day since the month before, and how that tells a pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from router.api.dashboard.asked import DAY_MS, HOUR_MS, RANGES
from router.api.dashboard.desk import Desk
from router.core.charges import Account
from router.core.policy import Scope
from router.core.record import Sums
from router.core.rollup import Rollup
from router.store.totals import day_of

# No calendar window but `total` began earlier.
DAYS: Final = 32


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Sums by UTC day, as YYYY-MM-DD, of every team, and of every key where keys have budgets; the last day by the
    hour, too."""

    teams: Mapping[tuple[str, ...], Sums]
    keys: Mapping[tuple[str, ...], Sums]
    hours: Rollup

    def since(self, team: str, account: Account, begin_ms: int, now_ms: int) -> int | None:
        """When the account's owner was first charged from `begin_ms` on: the day, or the hour if that was a day ago at
        most; models and tags go by their team. None when it was not."""
        dimension, name = ("key", account.id) if account.scope is Scope.KEY else ("team", team)
        rows = self.keys if dimension == "key" else self.teams
        days = range(max(begin_ms // DAY_MS, now_ms // DAY_MS - DAYS), now_ms // DAY_MS + 1)
        charged = (day for day in days if (sums := rows.get((name, day_of(day)))) is not None and sums.nano_usd)
        day = next(charged, None)
        if day is None:
            return None
        since = max(begin_ms, day * DAY_MS)
        if since < self.hours.since_ms:
            return since
        hours = (point for point in self.hours.points if point.at_ms + HOUR_MS > since)
        return next((max(since, point.at_ms) for point in hours if point.nano_usd[dimension].get(name)), since)

    def over(self, first: int, last: int) -> Sums:
        """The sum over the days from `first` to `last`, which count from the epoch."""
        whole, days = Sums(), {day_of(day) for day in range(first, last + 1)}
        for (_, day), sums in self.teams.items():
            if day in days:
                for field in Sums.__struct_fields__:
                    setattr(whole, field, getattr(whole, field) + getattr(sums, field))
        return whole


def month_of(now_ms: int) -> int:
    """The first day of the month, counted from the epoch."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC)
    return now_ms // DAY_MS - today.day + 1


async def over(desk: Desk, name: str, teams: Sequence[str]) -> Rollup:
    """All that was added up of these teams over a range, one of RANGES."""
    span = RANGES[name]
    since = span.since_ms(desk.now_ms)
    question = ("over", name, since, tuple(teams))
    return await desk.kept.answer(
        question, len(teams), lambda: desk.records.rollup(teams, since, since + span.length_ms)
    )


async def by_day(desk: Desk, team: str, teams: Sequence[str]) -> Days:
    """The days of a team, or of all `teams` when it is empty."""
    midnight = desk.now_ms // DAY_MS * DAY_MS

    async def sums(of: str) -> Mapping[tuple[str, ...], Sums]:
        since, until = midnight - DAYS * DAY_MS, midnight + DAY_MS
        return (await desk.records.usage_by((of, "day"), since_ms=since, until_ms=until, team=team or None))[1]

    async def ask() -> Days:
        policies = map(desk.rules.policy_of, teams)
        by_key = any(budget.scope is Scope.KEY for policy in policies for budget in policy.budgets)
        of_teams, of_keys = await sums("team"), await sums("key") if by_key else {}
        hours = await over(desk, "24h", teams)
        return Days(teams=of_teams, keys=of_keys, hours=hours)

    return await desk.kept.answer(("by day", midnight, team), len(teams), ask)
