"""The operations plane's part about what was: usage in sums, records one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_limit, check_span, check_team, cursor_of, filters_of
from router.core.charges import FOREVER_MS
from router.core.instants import instant
from router.errors import BadRequest, NotFound
from router.store.records import GROUPS, Records


def record_routes(records: Records, settle: Callable[[], Awaitable[object]]) -> list[HTTPRouteHandler]:
    """`settle` waits until what was answered is booked."""

    @get("/admin/v1/usage")
    async def usage(
        since: str | None = None,
        until: str | None = None,
        group_by: str = "team",
        team: str | None = None,
    ) -> dict[str, Any]:
        """Sums over whole hours, in all and by group, or by several groups together."""
        groups = _groups(group_by)
        since_ms, until_ms = check_span(instant("since", since, 0), instant("until", until, FOREVER_MS))
        await settle()
        total, found = await records.usage_by(
            groups, since_ms=since_ms, until_ms=until_ms, team=check_team(team) if team else None
        )
        ordered = sorted(found.items(), key=lambda pair: (-pair[1].nano_usd, pair[0]))
        rows = [{"key": dict(zip(groups, key, strict=True)), **msgspec.to_builtins(sums)} for key, sums in ordered]
        return {"total": total, "groups": rows}

    @get("/admin/v1/records")
    async def list_records(
        team: str | None = None,
        key: str | None = None,
        model: str | None = None,
        tag: str | None = None,
        kind: str | None = None,
        language: str | None = None,
        status: str | None = None,
        code: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> dict[str, Any]:
        """Newest first, a page at a time; of one team, key, model, tag, kind, language, status or code."""
        check_limit(limit)
        wanted = {"key": key, "model": model, "tag": tag, "kind": kind, "language": language}
        filters = filters_of({**wanted, "status": status, "code": code})
        since_ms, until_ms = check_span(instant("since", since, 0), instant("until", until, FOREVER_MS))
        await settle()
        found, following = await records.query(
            team=check_team(team) if team else None,
            filters=filters,
            since_ms=since_ms,
            until_ms=max(1, until_ms) if until else None,
            cursor=cursor_of(cursor),
            limit=limit,
        )
        return {"records": found, "next": following}

    @get("/admin/v1/records/{request_id:str}")
    async def show_record(request_id: str, team: str | None = None) -> Response[Any]:
        """One request, explained."""
        await settle()
        record = await records.find(request_id, team)
        if record is None:
            raise NotFound(
                f"No request {request_id!r} is on record (a team's policy says how many are kept).", param="id"
            )
        return Response(record)

    return [usage, list_records, show_record]


def _groups(text: str) -> tuple[str, ...]:
    groups = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in groups if name not in GROUPS]:
        raise BadRequest(
            f"group_by must be one or several, with commas, of {', '.join(GROUPS)}; {unknown[0][:64]!r} is not.",
            code="invalid_value",
            param="group_by",
        )
    return groups
