"""The pages about requests: the live tail, and one of them explained."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_span, cursor_of, filters_of
from router.api.dashboard.answers import html
from router.api.dashboard.asked import asked, one_of
from router.api.dashboard.desk import Desk
from router.core.catalog import Stage
from router.core.charges import FOREVER_MS
from router.core.filters import FILTERS
from router.core.instants import instant
from router.errors import NotFound
from router.ops.pages.request import request_page
from router.ops.pages.requests import Tail, requests_page

SHOWN: Final = 50


def request_routes(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/dashboard/requests")
    async def dashboard_requests(request: Request[Any, Any, Any]) -> Response[str]:
        """The newest requests, filtered by the address."""
        given = asked(request, "team", *FILTERS, "since", "until", "cursor")
        teams = await desk.teams()
        models = sorted(card.name for card in desk.rules.shelf.cards.values() if card.stage is not Stage.RETIRED)
        team = one_of("team", given, teams, "")
        one_of("model", given, models, "")
        since_ms, until_ms = check_span(
            instant("since", given.get("since"), 0), instant("until", given.get("until"), FOREVER_MS)
        )
        filters = filters_of(given)
        await desk.settle()
        found, following = await desk.records.query(
            team=team or None,
            filters=filters,
            since_ms=since_ms,
            until_ms=max(1, until_ms) if "until" in given else None,
            cursor=cursor_of(given.get("cursor")),
            limit=SHOWN,
        )
        tail = Tail(records=found, following=following, asked=given, teams=teams, models=models)
        return html(requests_page(tail, desk.frame(request)))

    @get("/dashboard/requests/{request_id:str}")
    async def dashboard_request(request: Request[Any, Any, Any], request_id: str) -> Response[str]:
        """One request explained: its cost token by token, every attempt, every model's verdict."""
        await desk.settle()
        record = await desk.records.find(request_id)
        if record is None:
            text = f"No request {request_id!r} is on record (a team's policy says how many are kept)."
            raise NotFound(text, param="id")
        return html(request_page(record, desk.frame(request)))

    return [dashboard_requests, dashboard_request]
