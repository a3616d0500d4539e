"""/dashboard: read-only pages for operators, behind the admin key."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from router.core.rules import Rules
from router.errors import NotFound
from router.ops.pages import STYLE, overview, request_page
from router.store.records import Records
from router.store.totals import DAY_MS

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
NEWEST: Final = 50


def dashboard_routes(records: Records, rules: Callable[[], Rules]) -> list[HTTPRouteHandler]:
    @get("/dashboard", media_type=MediaType.HTML)
    async def dashboard() -> Response[str]:
        """Today's spend and savings, and the newest requests."""
        now_ms = int(time.time() * 1000)
        since_ms = now_ms // DAY_MS * DAY_MS
        by = {}
        for group in ("team", "model"):
            today, by[group] = await records.usage(since_ms=since_ms, until_ms=now_ms + 1, group_by=group)
        newest, _ = await records.query(limit=NEWEST)
        return Response(overview(today, by, newest, rules().version), headers=_HEADERS, media_type=MediaType.HTML)

    @get("/dashboard/requests/{request_id:str}", media_type=MediaType.HTML)
    async def dashboard_request(request_id: str) -> Response[str]:
        """One request explained: every model's verdict and every attempt."""
        record = await records.find(request_id)
        if record is None:
            raise NotFound(f"No request {request_id!r} is on record.", param="id")
        return Response(request_page(record), headers=_HEADERS, media_type=MediaType.HTML)

    @get("/dashboard/style.css", media_type=MediaType.CSS, sync_to_thread=False)
    def dashboard_style() -> Response[str]:
        """The pages' style sheet."""
        return Response(STYLE, headers=_HEADERS, media_type=MediaType.CSS)

    return [dashboard, dashboard_request, dashboard_style]
