"""How every team's budgets stand, and when each runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from router.api.dashboard.asked import DAY_MS, HOUR_MS
from router.api.dashboard.desk import Desk
from router.api.dashboard.sums import Days
from router.core.charges import Account, Standing
from router.core.forecast import Outlook, forecast, window_of
from router.core.grants import Grant, granted
from router.core.key_rules import all_budgets
from router.core.keys import KeyRecord
from router.core.policy import Scope
from router.core.rollup import Rollup
from router.ops.pages.budgets import Burning

# The chart of a budget without an end, or with a very long window, begins this long ago at the most.
DRAWN_MS_MAX: Final = 62 * DAY_MS
# First those that are used up, then those that will be, the rest by how much of them is used.
_ORDER: Final = {Outlook.EXHAUSTED: 0, Outlook.RUNS_OUT: 1, Outlook.LASTS: 2, Outlook.UNSPENT: 3}


async def burning(desk: Desk, teams: Sequence[str], days: Days) -> list[Burning]:
    """Every budget of these teams, the first to run out first; where all teams are asked for, with those that count
    them together, which belong to no team."""
    now_ms, rules = desk.now_ms, desk.rules
    keys: dict[str, list[KeyRecord]] = {}
    called: dict[str, str] = {}
    for key in await desk.keyring.list():
        if key.revoked_at is None:
            keys.setdefault(key.team, []).append(key)
            called[key.id] = key.name
    vectors = {
        team: all_budgets(
            rules.policy_of(team), {key.id: key.own for key in keys.get(team, ())}, now_ms, desk.grants(team)
        )
        for team in teams
    }
    own = {team: [one for one in vector if one.scope is not Scope.ORGANISATION] for team, vector in vectors.items()}
    asked = [(team, vector) for team, vector in own.items() if vector]
    if len(teams) == len(await desk.teams()):
        together = all_budgets(rules.default, {}, now_ms, desk.grants(rules.default.team))
        shared = [one for one in together if one.scope is Scope.ORGANISATION]
        asked += [("", shared)] if shared else []
    replies = await asyncio.gather(*(desk.twins.peek(team, vector) for team, vector in asked))
    found = [
        msgspec.structs.replace(
            _burning(team, standing, called, days, now_ms, teams),
            granted=_granted(desk.grants(team or rules.default.team), standing.account, now_ms),
        )
        for (team, _), standings in zip(asked, replies, strict=True)
        for standing in standings
    ]
    return sorted(found, key=_urgency)


def _granted(grants: Sequence[Grant], account: Account, now_ms: int) -> int:
    return granted(grants, account.scope, account.id, account.window, now_ms)


def _urgency(one: Burning) -> tuple[int, int, float, str, str]:
    told = one.forecast
    return (_ORDER[told.outlook], told.at_ms or 0, -one.spent / max(1, one.limit), one.team, one.window)


def _burning(
    team: str, standing: Standing, called: Mapping[str, str], days: Days, now_ms: int, teams: Sequence[str]
) -> Burning:
    account = standing.account
    window = window_of(account, now_ms)
    charged = [days.since(one, account, window.begin_ms, now_ms) for one in ([team] if team else teams)]
    since = min((at_ms for at_ms in charged if at_ms is not None), default=None)
    told = forecast(
        window,
        now_ms=now_ms,
        spent=standing.spent,
        held=standing.held,
        limit=account.limit,
        since_ms=since,
    )
    begins = window.begin_ms
    if window.end_ms is None or now_ms - begins > DRAWN_MS_MAX:
        begins = max(begins, since if since is not None else now_ms - DAY_MS, now_ms - DRAWN_MS_MAX)
    return Burning(
        team=team,
        scope=account.scope,
        id=account.id,
        called=called.get(account.id, account.id) if account.scope is Scope.KEY else account.id,
        window=account.window,
        limit=account.limit,
        spent=standing.spent,
        held=standing.held,
        kind="hard" if account.enforced else "shadow" if account.shadow else "soft",
        forecast=told,
        begins_ms=begins,
        ends_ms=window.end_ms,
        rolling=window.rolling,
    )


async def with_steps(desk: Desk, shown: Sequence[Burning]) -> list[Burning]:
    """The same budgets, each with what had been spent by when."""
    now_ms = desk.now_ms
    until = now_ms // HOUR_MS * HOUR_MS + HOUR_MS
    wanted = sorted({(one.team, one.begins_ms // HOUR_MS * HOUR_MS) for one in shown})
    every = await desk.teams()
    rollups = await asyncio.gather(
        *(desk.records.rollup([team] if team else every, begins, until) for team, begins in wanted)
    )
    known = dict(zip(wanted, rollups, strict=True))
    return [_stepped(one, known[one.team, one.begins_ms // HOUR_MS * HOUR_MS], now_ms) for one in shown]


def _stepped(one: Burning, rollup: Rollup, now_ms: int) -> Burning:
    of = {Scope.KEY: "key", Scope.MODEL: "model"}.get(one.scope, "team")
    name = one.team if of == "team" else one.id
    spent, steps = 0, [(one.begins_ms, 0)]

    def charged(nano_usd: Mapping[str, int]) -> int:
        return nano_usd.get(name, 0) if one.team else sum(nano_usd.values())

    told = [(min(point.at_ms + rollup.step_ms, now_ms), charged(point.nano_usd[of])) for point in rollup.points]
    whole = sum(nano for _, nano in told)
    for at_ms, nano in told:
        spent += nano
        # The ledger is what is true; the sums, which may lag behind or know no tag, only say how it grew.
        steps.append((at_ms, one.spent * spent // whole if whole else 0))
    return msgspec.structs.replace(one, steps=steps)
