"""The first page: what is spent and saved, what runs out first, why models were chosen, what failed, what came last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from router.core.forecast import Outlook
from router.core.record import RequestRecord, Sums
from router.core.rollup import Rollup
from router.ops.charts import Column, ceiling, colour, legend, stacked
from router.ops.figures import count, dollars, millis, moment, money, share
from router.ops.html import Child, Html, el
from router.ops.pages.budgets import Burning, burns, is_over, mark, named, outlook
from router.ops.pages.layout import (
    ROOT,
    Frame,
    asking,
    badge,
    behind,
    card,
    choices,
    hidden,
    link,
    page,
    plot,
    request_link,
    select,
    table,
    team_link,
    tile,
    tiles,
)
from router.ops.pages.over_time import Span, marks, points_of, when
from router.ops.pages.routing import escalations, latency, reasons, refusals
from router.ops.words import told_why

# As many series have a colour of their own; the rest is one.
SERIES: Final = 7
BY: Final = {"team": "by team", "key": "by key", "model": "by model"}


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """`today` and `month` are sums up to now, `rollup` what was added up over `span`; `burning` are the budgets that
    run out first, of `budgets` in all. `names` tells keys by what they were called."""

    today: Sums
    month: Sums
    rollup: Rollup
    span: Span
    by: str
    team: str
    teams: Sequence[str]
    burning: Sequence[Burning]
    budgets: int
    newest: Sequence[RequestRecord]
    names: Mapping[str, str]


def overview_page(shown: Overview, frame: Frame) -> str:
    query = {"range": shown.span.name, "by": shown.by, "team": shown.team}
    teams = {"": "every team", **{team: team for team in shown.teams}}
    bar = el(
        "div",
        choices("range", shown.span.name, shown.span.allowed, ROOT, query),
        choices("by", shown.by, BY, ROOT, query),
        asking(
            ROOT, hidden("range", shown.span.name), hidden("by", shown.by), select("team", "team", shown.team, teams)
        ),
        class_="bar",
    )
    more = el("a", f"{shown.budgets:,} in all", href=link(f"{ROOT}/budgets", team=shown.team))
    burning = (
        burns(shown.burning, frame.now_ms, title="Budgets: which runs out first", note=more) if shown.burning else None
    )
    rollup = shown.rollup
    cards = el("div", reasons(rollup), escalations(rollup), refusals(rollup), class_="cards")
    body = [
        bar,
        _tiles(shown, frame.now_ms),
        _spend(shown),
        burning,
        cards,
        latency(rollup, shown.span),
        _newest(shown),
    ]
    return page("Overview", body, frame, ROOT)


def _tiles(shown: Overview, now_ms: int) -> Html:
    rollup = shown.rollup
    total, baseline = rollup.total, rollup.total.nano_usd + rollup.total.saved_nano_usd
    ended = sum(rollup.statuses.values())
    failed = sum(number for status, number in rollup.statuses.items() if status >= 500)
    refused = sum(number for status, number in rollup.statuses.items() if 400 <= status < 500)
    unsure = shown.today.unconfirmed_nano_usd
    over = f"over {shown.span.words}"
    routing = link(f"{ROOT}/routing", team=shown.team, range=shown.span.name)
    return tiles(
        tile(
            "spent today",
            dollars(shown.today.nano_usd),
            f"{dollars(unsure)} unconfirmed" if unsure else "since 00:00 UTC",
        ),
        tile("spent this month", money(shown.month.nano_usd), f"{dollars(shown.month.saved_nano_usd)} saved"),
        tile(
            "saved",
            money(total.saved_nano_usd),
            f"{share(total.saved_nano_usd, baseline)} of the baseline, {over}",
            "good" if total.saved_nano_usd > 0 else "bad" if total.saved_nano_usd < 0 else None,
        ),
        tile(
            "requests",
            count(ended),
            f"{count(total.input_tokens + total.output_tokens)} tokens, {over}",
            href=link(f"{ROOT}/requests", team=shown.team),
        ),
        tile(
            "errors",
            share(failed, ended),
            f"{failed:,} failed, {refused:,} refused",
            "bad" if failed else "good",
            href=routing,
        ),
        tile("p95", _p95(rollup), f"of an answer, {over}", href=routing),
        _tightest(shown, now_ms),
    )


def _p95(rollup: Rollup) -> str:
    seconds = rollup.latency_all.quantile(0.95)
    return millis(seconds * 1000 if seconds is not None else None)


def _tightest(shown: Overview, now_ms: int) -> Html:
    if not shown.burning:
        return tile("tightest budget", "–", "no policy has a budget")
    first = shown.burning[0]
    note = _told(first, now_ms)
    if is_over(first, now_ms):
        # Who is refused is known by now; what can still be helped is the next.
        later = (one for one in shown.burning if one.forecast.outlook is Outlook.RUNS_OUT and not is_over(one, now_ms))
        following = next(later, None)
        note = f"{note}. Next: {_told(following, now_ms)}" if following else note
    return tile(
        "tightest budget",
        share(first.spent, first.limit),
        note,
        mark(first, now_ms),
        link(f"{ROOT}/budgets", team=shown.team),
        wide=True,
    )


def _told(one: Burning, now_ms: int) -> str:
    return f"{one.team or 'every team'} {named(one)}: {outlook(one, now_ms)}"


def _spend(shown: Overview) -> Html:
    rollup = shown.rollup
    points = points_of(rollup)
    spent = {name: sums.nano_usd for name, sums in rollup.by[shown.by].items() if sums.nano_usd or sums.requests}
    ordered = sorted(spent, key=lambda name: (-spent[name], name))
    drawn, rest = ordered[:SERIES], ordered[SERIES:]
    labels = [_named(shown, name) for name in drawn] + ([f"{len(rest):,} more"] if rest else [])
    columns, words = [], []
    for point in points:
        of = point.nano_usd.get(shown.by, {})
        values = [of.get(name, 0) for name in drawn]
        if rest:
            values.append(sum(of.values()) - sum(values))
        columns.append(Column(label=when(point.at_ms, rollup.step_ms), values=tuple(values)))
        words.append([dollars(value) for value in values])
    top = ceiling([sum(column.values) for column in columns])
    colours = [colour(index) for index in range(len(drawn))] + ["c7"]
    chart = plot(
        stacked(columns, labels, top, words, colours),
        scale=[dollars(round(top)), dollars(round(top / 2)), "0"],
        marks=marks(points, rollup.step_ms),
        key=legend(labels, colours),
        told=f"Spend over {shown.span.words}, {BY[shown.by]}.",
    )
    figures = behind("The figures", _figures(shown, ordered), name="figures")
    return card(
        "Spend",
        chart,
        figures,
        name="spend",
        note=[money(rollup.total.nano_usd), f" over {shown.span.words}, {BY[shown.by]}"],
    )


def _figures(shown: Overview, ordered: Sequence[str]) -> Html:
    rows: list[Sequence[Child]] = []
    for name in ordered[:50]:
        sums = shown.rollup.by[shown.by][name]
        where = link(f"{ROOT}/requests", **{"team": shown.team or None, shown.by: name})
        tokens = f"{count(sums.input_tokens)} / {count(sums.cached_tokens)} / {count(sums.output_tokens)}"
        rows.append(
            (
                el("a", _named(shown, name) or "–", href=where),
                count(sums.requests),
                tokens,
                money(sums.nano_usd),
                money(sums.saved_nano_usd),
            )
        )
    heads = (shown.by, "requests", "tokens in / cached / out", "spent", "saved")
    return table(heads, rows, numbers=(1, 2, 3, 4))


def _named(shown: Overview, name: str) -> str:
    return f"{shown.names[name]} ({name})" if shown.by == "key" and name in shown.names else name


def _newest(shown: Overview) -> Html:
    rows = [
        (
            request_link(record.request_id, moment(record.at_ms)),
            el("span", team_link(record.team), class_="name"),
            el("span", record.requested_model[:80] or "–", class_="name"),
            record.model or "–",
            told_why(record),
            badge(f"{record.status}", "good" if record.status < 400 else "bad"),
            money(record.nano_usd),
            money(record.saved_nano_usd),
            millis(record.duration_ms),
        )
        for record in shown.newest
    ]
    heads = ("when (UTC)", "team", "asked for", "served by", "why", "status", "cost", "saved", "time")
    more = el("a", "all requests", href=link(f"{ROOT}/requests", team=shown.team))
    return card("Newest requests", table(heads, rows, numbers=(6, 7, 8)), name="newest", note=more)
