"""The pages about what is spent: the overview, the budgets, and how routing came to it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from router.api.dashboard.answers import html
from router.api.dashboard.asked import DAY_MS, RANGES, asked, number_of, one_of
from router.api.dashboard.desk import Desk
from router.api.dashboard.kept import Kept
from router.api.dashboard.standings import Pace, burning, with_steps
from router.core.record import Sums
from router.core.rollup import Rollup
from router.ops.pages.budgets import Budgets, Burning, budgets_page
from router.ops.pages.over_time import Span
from router.ops.pages.overview import BY, Overview, overview_page
from router.ops.pages.routing import Routing, routing_page

NEWEST: Final = 10
BURNS: Final = 6
BUDGETS_SHOWN: Final = 50
_WORDS: Final = {name: span.words for name, span in RANGES.items()}


def money_routes(desk: Desk) -> list[HTTPRouteHandler]:
    kept = Kept()

    async def rollup(teams: Sequence[str], since_ms: int, until_ms: int) -> Rollup:
        question = ("rollup", tuple(teams), since_ms, until_ms)
        return await kept.answer(question, lambda: desk.records.rollup(teams, since_ms, until_ms))

    async def over(name: str, teams: Sequence[str]) -> Rollup:
        now_ms = desk.now_ms
        span = RANGES[name]
        since = span.since_ms(now_ms)
        return await rollup(teams, since, since + span.length_ms)

    async def pace(teams: Sequence[str]) -> Pace:
        """The month's days and the last day's hours: windows begin no earlier, or it does not matter when."""
        days, hours = await asyncio.gather(over("30d", teams), over("24h", teams))
        return Pace(days=days, hours=hours)

    async def budgets(teams: Sequence[str]) -> list[Burning]:
        async def ask() -> list[Burning]:
            return await burning(desk, teams, await pace(teams))

        return await kept.answer(("budgets", tuple(teams)), ask)

    async def month(teams: Sequence[str]) -> tuple[Sums, Sums]:
        """What was added up today, and in this month, in UTC."""
        midnight = desk.now_ms // DAY_MS * DAY_MS
        first = datetime.fromtimestamp(midnight / 1000, UTC).replace(day=1)
        today, days = await asyncio.gather(
            rollup(teams, midnight, midnight + DAY_MS), rollup(teams, int(first.timestamp() * 1000), midnight + DAY_MS)
        )
        return today.total, days.total

    @get("/dashboard")
    async def dashboard_overview(request: Request[Any, Any, Any]) -> Response[str]:
        """What is spent and saved, what runs out first, why, and what came last."""
        given = asked(request, "range", "team", "by")
        teams = await desk.teams()
        span, by, team = _span(given), one_of("by", given, BY, "team"), one_of("team", given, teams, "")
        chosen = [team] if team else teams
        await desk.settle()
        every, (today, this_month), rolled, (newest, _), keys = await asyncio.gather(
            budgets(chosen),
            month(chosen),
            over(span.name, chosen),
            desk.records.query(team=team or None, limit=NEWEST),
            desk.keyring.list(),
        )
        shown = Overview(
            today=today,
            month=this_month,
            rollup=rolled,
            span=span,
            by=by,
            team=team,
            teams=teams,
            burning=await with_steps(desk, every[:BURNS]),
            budgets=len(every),
            newest=newest,
            names={key.id: key.name for key in keys},
        )
        return html(overview_page(shown, desk.frame(request)))

    @get("/dashboard/budgets")
    async def dashboard_budgets(request: Request[Any, Any, Any]) -> Response[str]:
        """Every budget with its forecast, the first to run out first."""
        given = asked(request, "team", "page")
        teams = await desk.teams()
        team = one_of("team", given, teams, "")
        await desk.settle()
        every = await budgets([team] if team else teams)
        pages = max(1, math.ceil(len(every) / BUDGETS_SHOWN))
        number = number_of("page", given, pages)
        rows = every[(number - 1) * BUDGETS_SHOWN : number * BUDGETS_SHOWN]
        shown = Budgets(
            rows=[*await with_steps(desk, rows[:BURNS]), *rows[BURNS:]],
            found=len(every),
            team=team,
            teams=teams,
            page_number=number,
            pages=pages,
        )
        return html(budgets_page(shown, desk.frame(request)))

    @get("/dashboard/routing")
    async def dashboard_routing(request: Request[Any, Any, Any]) -> Response[str]:
        """Reasons, escalations, latencies, refusals."""
        given = asked(request, "range", "team")
        teams = await desk.teams()
        span, team = _span(given), one_of("team", given, teams, "")
        await desk.settle()
        rolled = await over(span.name, [team] if team else teams)
        return html(routing_page(Routing(rollup=rolled, span=span, team=team, teams=teams), desk.frame(request)))

    return [dashboard_overview, dashboard_budgets, dashboard_routing]


def _span(given: dict[str, str]) -> Span:
    name = one_of("range", given, RANGES, "24h")
    return Span(name=name, words=RANGES[name].words, allowed=_WORDS)
