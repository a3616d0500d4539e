"""The pages about what is spent: the overview, the budgets, and how routing came to it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from router.api.dashboard.answers import html
from router.api.dashboard.asked import DAY_MS, RANGES, asked, number_of, one_of
from router.api.dashboard.desk import Desk
from router.api.dashboard.standings import burning, with_steps
from router.api.dashboard.sums import by_day, month_of, over
from router.ops.pages.budgets import Budgets, Burning, budgets_page
from router.ops.pages.over_time import Span
from router.ops.pages.overview import BY, Overview, overview_page
from router.ops.pages.routing import Routing, routing_page

NEWEST: Final = 10
BURNS: Final = 6
BUDGETS_SHOWN: Final = 50
_WORDS: Final = {name: span.words for name, span in RANGES.items()}


def money_routes(desk: Desk) -> list[HTTPRouteHandler]:
    async def budgets(team: str, teams: Sequence[str]) -> list[Burning]:
        """The budgets of a team, or of all; the first few with what was spent by when."""

        async def ask() -> list[Burning]:
            every = await burning(desk, teams, await by_day(desk, team, teams))
            return [*await with_steps(desk, every[:BURNS]), *every[BURNS:]]

        return await desk.kept.answer(("budgets", team), len(teams), ask)

    @get("/dashboard")
    async def dashboard_overview(request: Request[Any, Any, Any]) -> Response[str]:
        """What is spent and saved, what runs out first, why, and what came last."""
        given = asked(request, "range", "team", "by")
        teams = await desk.teams()
        span, by, team = _span(given), one_of("by", given, BY, "team"), one_of("team", given, teams, "")
        chosen = [team] if team else teams
        await desk.settle()
        every, days, rolled, (newest, _), keys = await asyncio.gather(
            budgets(team, chosen),
            by_day(desk, team, chosen),
            over(desk, span.name, chosen),
            desk.records.query(team=team or None, limit=NEWEST),
            desk.keyring.list(),
        )
        today = desk.now_ms // DAY_MS
        shown = Overview(
            today=days.over(today, today),
            month=days.over(month_of(desk.now_ms), today),
            rollup=rolled,
            span=span,
            by=by,
            team=team,
            teams=teams,
            burning=every[:BURNS],
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
        every = await budgets(team, [team] if team else teams)
        pages = max(1, math.ceil(len(every) / BUDGETS_SHOWN))
        number = number_of("page", given, pages)
        shown = Budgets(
            rows=every[(number - 1) * BUDGETS_SHOWN : number * BUDGETS_SHOWN],
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
        rolled = await over(desk, span.name, [team] if team else teams)
        return html(routing_page(Routing(rollup=rolled, span=span, team=team, teams=teams), desk.frame(request)))

    return [dashboard_overview, dashboard_budgets, dashboard_routing]


def _span(given: dict[str, str]) -> Span:
    name = one_of("range", given, RANGES, "24h")
    return Span(name=name, words=RANGES[name].words, allowed=_WORDS)
