"""The vendor's own windows, a card of the page of the upstream: what Mistral lets through a minute, model by model, as
its answers told, and how much of that is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from router.core.quotas import BULK_PERCENT, WINDOW_S
from router.ops.charts import gauge
from router.ops.figures import count, share, span
from router.ops.html import Child, Html, el
from router.ops.pages.layout import badge, card, table

MEASURES = ("requests", "tokens")


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of a window: `limit` a minute; `remaining` is believed to be left of it now, and `bulk` to bulk."""

    limit: int
    remaining: int
    bulk: int


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A model's window under one account at the vendor. `key` names the variable of a team's own key, else it is None;
    `teams` use it, all but those with a key of their own where it is None; so do `sharers` processes. `age_s` is how
    long ago an answer told of it last."""

    model: str
    key: str | None
    teams: Sequence[str] | None
    sharers: int
    measures: Mapping[str, Measured]
    age_s: float


def windows_card(windows: Sequence[Window]) -> Html:
    heads = ("model", "requests a minute", "left", "tokens a minute", "left", "left to bulk", "told", "shared by")
    empty = (
        "Nothing is learned yet. Mistral tells a model's window with each plain answer and never with a stream, so a "
        "model is listed here from its first plain answer on."
    )
    note = f"of any {WINDOW_S:.0f} s: what is used is free again so much later; bulk may use {BULK_PERCENT} %"
    rows = [_row(window) for window in windows]
    return card("Windows at Mistral", table(heads, rows, numbers=(1, 3), empty=empty), name="windows", note=note)


def _row(window: Window) -> Sequence[Child]:
    cells: list[Child] = []
    for name in MEASURES:
        cells += _measured(window.measures.get(name))
    bulk = [count(one.bulk) for name in MEASURES if (one := window.measures.get(name)) is not None]
    return (
        window.model,
        *cells,
        " · ".join(bulk),
        f"{span(window.age_s)} ago",
        _shared(window),
    )


def _measured(one: Measured | None) -> tuple[Child, Child]:
    if one is None:
        return "–", "–"
    if one.limit == 0:
        return 0, badge("not on the plan", "bad")
    left = one.remaining / one.limit
    kind = "good" if left > 0.25 else "warn" if left > 0 else "bad"
    told = f"{one.remaining:,} of {one.limit:,} left"
    return count(one.limit), [gauge(((left, kind),), told), " ", share(one.remaining, one.limit)]


def _shared(window: Window) -> Child:
    who = "every team" if window.teams is None else ", ".join(window.teams)
    if window.key is None and window.teams is not None:
        who = "every team but " + who
    key = f", by the key in {window.key}" if window.key else ""
    # On a line of its own, or the table is wider than a desk's screen.
    processes = el("div", f"{window.sharers:,} processes", class_="soft") if window.sharers > 1 else None
    return [el("span", who, class_="name"), key, processes]
