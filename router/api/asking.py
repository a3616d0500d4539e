"""What several questions of the operations plane have in common: teams, reasons, filters, spans, cursors and pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from router.core.filters import FILTERS, Filters
from router.core.kinds import Kind
from router.core.policy import NAME
from router.errors import BadRequest

PATH_PARAMETER: Final = re.compile(r"\{(\w+):\w+\}")
REASON_MAX: Final = 256
_KINDS: Final = [kind.value for kind in Kind]
_ANY: Final = re.compile(r".{1,128}\Z", re.DOTALL)
# What each filter may be, as a pattern and in words.
_FILTERS: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "key": (_ANY, "the id of a key, at most 128 characters"),
    "model": (_ANY, "an id of the catalogue, at most 128 characters"),
    "tag": (_ANY, "a tag, at most 128 characters"),
    "kind": (re.compile(rf"({'|'.join(_KINDS)})\Z"), f"one of {', '.join(_KINDS)}"),
    "language": (re.compile(r"[a-z]{2,3}\Z"), "a language's code such as en or fr, or und"),
    "status": (re.compile(r"[1-5]([0-9]{2}|xx)\Z"), "an HTTP status such as 402, or all of a hundred such as 4xx"),
    "code": (re.compile(r"[a-z0-9_]{1,64}\Z"), "an error's code such as budget_exceeded (docs/api.md lists them)"),
}

# The place of an entry in a stream; nothing comes before 0-0, and the store says so with an error.
_CURSOR: Final = re.compile(r"(?!0+-0+\Z)[0-9]{1,15}-[0-9]{1,15}\Z")


def stamp(seconds: float | None) -> str | None:
    """Epoch seconds as an ISO time in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def check_team(name: str) -> str:
    if not NAME.match(name):
        text = "team must be 1 to 64 letters, digits, points, hyphens and underscores."
        raise BadRequest(text, code="invalid_value", param="team")
    return name


def cursor_of(text: str | None) -> str | None:
    if text is None:
        return None
    if not _CURSOR.match(text):
        raise BadRequest("cursor must be the `next` of an earlier page.", code="invalid_value", param="cursor")
    return text


def check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_MAX or not reason.isprintable():
        text = f"reason must be 1 to {REASON_MAX} printable characters."
        raise BadRequest(text, code="invalid_value", param="reason")


def check_limit(limit: int) -> None:
    if not 1 <= limit <= 1_000:
        raise BadRequest("limit must be from 1 to 1000.", code="invalid_value", param="limit")


def check_span(since_ms: int, until_ms: int) -> tuple[int, int]:
    if since_ms > until_ms:
        raise BadRequest("since must not be later than until.", code="invalid_value", param="since")
    return since_ms, until_ms


def query_parameters(handler: BaseRouteHandler) -> dict[str, inspect.Parameter]:
    """What a handler may be asked in the query: its parameters that are neither the path's nor the body's."""
    inside = {name for path in handler.paths for name in PATH_PARAMETER.findall(path)}
    given = inspect.signature(handler.fn).parameters
    return {name: parameter for name, parameter in given.items() if name not in (*inside, "data", "request")}


def known_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A Litestar guard. A misspelled filter would be no filter, and of one that is given twice one would not count:
    their answer would be taken for what was asked."""
    known, names = query_parameters(handler), [name for name, _ in connection.query_params.multi_items()]
    for name in names:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "there are none"
            text = f"There is no parameter {name[:64]!r} here; {there}."
            raise BadRequest(text, code="invalid_value", param=name[:64])
        if names.count(name) > 1:
            raise BadRequest(f"{name} is given {names.count(name)} times.", code="invalid_value", param=name)


def filters_of(asked: Mapping[str, str | None]) -> Filters:
    """The filters among a query's parameters. An empty one counts as none, as a form sends it."""
    given = {name: value for name in FILTERS if (value := asked.get(name))}
    for name, value in given.items():
        if not _FILTERS[name][0].match(value):
            text = f"{name} must be {_FILTERS[name][1]}."
            raise BadRequest(text, code="invalid_value", param=name)
    status = given.pop("status", "")
    whole = int(status) if status.isdigit() else None
    return Filters(**given, status=whole, statuses=int(status[0]) if status and whole is None else None)
