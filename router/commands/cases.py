"""Requests to plan again: from the records of a running router, or from a file that another system wrote."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from router.commands.desk import Desk
from router.commands.remote import Remote, RemoteError
from router.core.explain import answer_usage
from router.core.policy import rolling_ms
from router.core.record import RequestRecord
from router.core.remembered import remembered
from router.core.replay import Case
from router.errors import RouterError
from router.wire.usage import Usage, read_usage

PAGE: Final = 1_000
# What is named of a file's unreadable lines; all are counted.
UNREAD_NAMED: Final = 20


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file, counted from 1, and why it is no request."""

    line: int
    reason: str


class Cases(msgspec.Struct, frozen=True, kw_only=True):
    """`cases` in the order of their time. `left_out` counts records that cannot be planned again, `unread_lines` lines
    that are no request, of which `unread` names the first. `charged_nano` is what the recorded requests really cost;
    None for a file."""

    source: str
    cases: list[Case]
    left_out: int = 0
    unread_lines: int = 0
    unread: list[Unread] = []
    charged_nano: int | None = None


class _Line(msgspec.Struct, kw_only=True):
    """A line that holds a request beside its usage; a bare body has neither, and `request` is empty then."""

    request: msgspec.Raw = msgspec.Raw()
    usage: Any = None


def recorded(
    data_dir: Path, wanted: Callable[[str], bool], *, team: str | None, since: str | None, until: str | None
) -> Cases:
    """The records of a running router, of the teams that are `wanted`. Raises RemoteError."""
    remote = Remote(data_dir)
    query = {"team": team, "since": moment(since), "until": moment(until), "limit": str(PAGE)}
    cases: list[Case] = []
    left_out = charged = 0
    cursor = None
    while True:
        page = remote.call("GET", "/admin/v1/records", query={**query, "cursor": cursor})
        for raw in page["records"]:
            if not wanted(raw["team"]):
                continue
            case, nano = _remembered(raw)
            if case is None:
                left_out += 1
            else:
                cases.append(case)
                charged += nano
        cursor = page["next"]
        if cursor is None:
            break
    cases.sort(key=lambda case: case.at_ms or 0)
    return Cases(source=remote.url, cases=cases, left_out=left_out, charged_nano=charged)


def _remembered(raw: dict[str, Any]) -> tuple[Case | None, int]:
    """The case of a record and what it was charged; None when it was refused before it was understood, or is older
    than what is kept for this."""
    try:
        record = msgspec.convert(raw, RequestRecord)
    except msgspec.ValidationError as error:
        raise RemoteError(f"The router's records are of another version ({error}): use its own command.") from None
    told = record.router
    if told is None or told.basis is None:
        return None, 0
    case = Case(
        ask=remembered(told.basis, told.classification, record.tags),
        model=record.requested_model,
        team=record.team,
        wishes=told.basis.wishes,
        key=record.key,
        at_ms=record.at_ms,
        usage=answer_usage(told.attempts),
    )
    return case, record.nano_usd


def moment(text: str | None) -> str | None:
    """What the operations plane takes for a date, a time, or a length back from now such as 24h or 7d."""
    length = rolling_ms(text) if text is not None else None
    return text if length is None else str(int(time.time() * 1000) - length)


def from_lines(name: str, lines: Iterable[bytes], desk: Desk, team: str) -> Cases:
    """The requests of a file, a line each; empty lines don't count."""
    cases: list[Case] = []
    unread: list[Unread] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cases.append(_read(line, desk, team))
        except (RouterError, ValueError, RecursionError) as error:
            unread.append(Unread(line=number, reason=_told(error)))
    return Cases(source=name, cases=cases, unread_lines=len(unread), unread=unread[:UNREAD_NAMED])


def _read(line: bytes, desk: Desk, team: str) -> Case:
    """Raises BadRequest, or ValueError for a line that is not JSON or has a usage that makes no sense."""
    whole = msgspec.json.decode(line, type=_Line)
    wrapped = bytes(whole.request)
    request, ask = desk.read(wrapped or line)
    usage = _usage(whole.usage) if wrapped else None
    return Case(ask=ask, model=request.model, team=team, usage=usage)


def _usage(raw: Any) -> Usage | None:
    usage = read_usage(raw)
    if raw is not None and usage is None:
        raise ValueError("usage: needs prompt_tokens and completion_tokens, as the API reports them")
    return usage


def _told(error: Exception) -> str:
    text = error.message if isinstance(error, RouterError) else str(error)
    return re.sub(r"\s+", " ", text)[:200]


def asking(cases: Cases, model: str) -> Cases:
    """The same requests, as though each asked for `model`."""
    asked = [msgspec.structs.replace(case, model=model) for case in cases.cases]
    return msgspec.structs.replace(cases, cases=asked)
