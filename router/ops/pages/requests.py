"""The live tail: the newest requests first, filtered by what the address says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from router.core.record import RequestRecord
from router.ops.figures import count, millis, moment, money
from router.ops.html import Child, Html, el
from router.ops.pages.layout import (
    ROOT,
    Frame,
    asking,
    badge,
    card,
    entry,
    link,
    page,
    request_link,
    select,
    table,
)
from router.ops.words import told_why

PATH: Final = f"{ROOT}/requests"
ENDINGS: Final = {"": "every status", "2xx": "served (2xx)", "4xx": "refused (4xx)", "5xx": "failed (5xx)"}


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """`asked` are the filters as the address has them; `teams` and `models` what may be chosen. `following` is the
    address's cursor of the next page."""

    records: Sequence[RequestRecord]
    following: str | None
    asked: Mapping[str, str]
    teams: Sequence[str]
    models: Sequence[str]


def requests_page(tail: Tail, frame: Frame) -> str:
    asked = tail.asked
    status = asked.get("status", "")
    filters = asking(
        PATH,
        select("team", "team", asked.get("team", ""), _or_all(tail.teams, "every team")),
        select("model", "served by", asked.get("model", ""), _or_all(tail.models, "every model")),
        select("status", "status", status, ENDINGS if status in ENDINGS else {**ENDINGS, status: status}),
        entry("key", "key", asked.get("key", ""), hint="its id", size=14),
        entry("tag", "tag", asked.get("tag", ""), size=10),
        entry("kind", "kind of work", asked.get("kind", ""), hint="code", size=10),
        entry("language", "language", asked.get("language", ""), hint="en", size=6),
        entry("code", "error code", asked.get("code", ""), hint="rate_limit_exceeded", size=18),
        entry("since", "since", asked.get("since", ""), hint="2026-11-23", size=14),
        entry("until", "until", asked.get("until", ""), hint="2026-11-24T10:00Z", size=16),
    )
    rows = [_row(record, asked) for record in tail.records]
    heads = ("when (UTC)", "team", "asked for", "served by", "why", "status", "cost", "saved", "tokens", "time")
    shown = table(heads, rows, numbers=(6, 7, 8, 9), empty="No request matches.")
    paged = "older" if "cursor" in asked else "newest first"
    return page(
        "Requests",
        [filters, card("Live tail", shown, _pages(tail), name="tail", note=f"{len(rows)} shown, {paged}")],
        frame,
        PATH,
    )


def _or_all(values: Sequence[str], words: str) -> dict[str, str]:
    return {"": words, **{value: value for value in values}}


def _pages(tail: Tail) -> Html | None:
    newest = el("a", "Newest", href=link(PATH, **{**tail.asked, "cursor": None})) if "cursor" in tail.asked else None
    older = el("a", "Older", href=link(PATH, **{**tail.asked, "cursor": tail.following})) if tail.following else None
    return el("p", newest, older, class_="pages") if newest or older else None


def _row(record: RequestRecord, asked: Mapping[str, str]) -> Sequence[Child]:
    well = record.status < 400
    saved = "good" if record.saved_nano_usd > 0 else "bad" if record.saved_nano_usd < 0 else "soft"
    only = (
        el("a", record.team, href=link(PATH, **{**asked, "team": record.team, "cursor": None})) if record.team else "–"
    )
    return (
        request_link(record.request_id, moment(record.at_ms)),
        el("span", only, class_="name"),
        el("span", record.requested_model[:80] or "–", class_="name"),
        record.model or "–",
        told_why(record),
        badge(f"{record.status}", "good" if well else "bad"),
        money(record.nano_usd),
        el("span", money(record.saved_nano_usd), class_=saved),
        count(record.input_tokens + record.output_tokens),
        millis(record.duration_ms),
    )
