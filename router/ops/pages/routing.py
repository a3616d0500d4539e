"""Why models were chosen, what became of their attempts, how long answers took, what was refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from router.core.attempts import Outcome
from router.core.rollup import Histogram, Rollup
from router.ops.charts import Column, Line, ceiling, gauge, legend, lines, stacked
from router.ops.figures import count, millis, share
from router.ops.html import Child, Html, breakable, el
from router.ops.pages.layout import ROOT, Frame, asking, badge, card, choices, hidden, link, page, plot, select, table
from router.ops.pages.over_time import Span, marks, points_of, when
from router.ops.words import OUTCOMES, reason

PATH = f"{ROOT}/routing"


class Routing(msgspec.Struct, frozen=True, kw_only=True):
    """`span` is what the address asks for, `rollup` what was added up over it."""

    rollup: Rollup
    span: Span
    team: str
    teams: Sequence[str]


def routing_page(shown: Routing, frame: Frame) -> str:
    query = {"team": shown.team}
    bar = el(
        "div",
        choices("range", shown.span.name, shown.span.allowed, PATH, query),
        asking(
            PATH,
            hidden("range", shown.span.name),
            select("team", "team", shown.team, {"": "every team", **{t: t for t in shown.teams}}),
        ),
        class_="bar",
    )
    rollup = shown.rollup
    cards = el("div", reasons(rollup), escalations(rollup), refusals(rollup), _statuses(shown), class_="cards pairs")
    return page("Routing", [bar, latency(shown.rollup, shown.span), cards, _models(rollup)], frame, PATH)


def reasons(rollup: Rollup) -> Html:
    rows = [(reason(value), bar, told, part) for value, bar, told, part in _shares(rollup.reasons)]
    return card(
        "Why the model was chosen",
        table(("reason", "", "requests", ""), rows, numbers=(2, 3)),
        name="reasons",
        wide=False,
    )


def escalations(rollup: Rollup) -> Html:
    named = {f"{left} → {taken}": number for (left, taken), number in rollup.escalations.items()}
    rows = list(_shares(named))
    shown = table(
        ("from → to", "", "times", ""), rows, numbers=(2, 3), empty="No request had to move to another model."
    )
    return card("Escalations", shown, name="escalations", wide=False)


def refusals(rollup: Rollup) -> Html:
    rows = [
        (el("a", breakable(code), href=link(f"{ROOT}/requests", code=code)), bar, told, part)
        for code, bar, told, part in _shares(rollup.refusals)
    ]
    shown = table(("code", "", "requests", ""), rows, numbers=(2, 3), empty="Nothing was refused, nothing failed.")
    return card("Refusals and failures", shown, name="refusals", wide=False)


def latency(rollup: Rollup, span: Span) -> Html:
    """Quantiles over time, and to the first token."""
    points = points_of(rollup)
    labels = [when(point.at_ms, rollup.step_ms) for point in points]
    curves = [
        Line(name=name, colour=colour, values=tuple(_ms(point.latency, q) for point in points))
        for name, q, colour in (("p50", 0.5, 1), ("p95", 0.95, 0))
    ]
    top = ceiling([value for curve in curves for value in curve.values if value is not None])
    words = [[millis(value) for value in curve.values] for curve in curves]
    drawn = plot(
        lines(curves, top, labels, words),
        scale=[millis(top), millis(top / 2), "0"],
        marks=marks(points, rollup.step_ms),
        key=legend(("p50", "p95"), ("c1", "c0")),
        told=f"How long answers took, over {span.words}.",
    )
    first, whole, added = rollup.first_chunk_all, rollup.latency_all, rollup.added
    rows = [
        (name, *(millis(_ms(histogram, q)) for q in (0.5, 0.95, 0.99)), count(histogram.total))
        for name, histogram in (
            ("a whole answer", whole),
            ("time to first token, streamed", first),
            ("added by the router", added),
        )
    ]
    figures = table(("", "p50", "p95", "p99", "of"), rows, numbers=(1, 2, 3, 4))
    return card("Latency", drawn, figures, name="latency", note="answers; a quantile is as fine as its bucket")


def _statuses(shown: Routing) -> Html:
    points = points_of(shown.rollup)
    groups = (("served", 200, 400), ("refused", 400, 500), ("failed", 500, 600))
    columns = [
        Column(
            label=when(point.at_ms, shown.rollup.step_ms),
            values=tuple(
                sum(n for status, n in point.statuses.items() if low <= status < high) for _, low, high in groups
            ),
        )
        for point in points
    ]
    names = [name for name, _, _ in groups]
    colours = ("good", "warn", "bad")
    top = ceiling([sum(column.values) for column in columns])
    words = [[f"{int(value):,}" for value in column.values] for column in columns]
    drawn = plot(
        stacked(columns, names, top, words, colours),
        scale=[count(math.ceil(top)), count(math.ceil(top / 2)), "0"],
        marks=marks(points, shown.rollup.step_ms),
        key=legend(names, colours),
        told=f"Requests over {shown.span.words}, by how they ended.",
    )
    return card("How requests ended", drawn, name="statuses", wide=False)


def _models(rollup: Rollup) -> Html:
    rows: list[Sequence[Child]] = []
    tried: dict[str, dict[str, int]] = {}
    for (model, outcome), number in rollup.attempts.items():
        tried.setdefault(model, {})[outcome] = number
    for model, outcomes in sorted(tried.items(), key=lambda pair: (-sum(pair[1].values()), pair[0])):
        whole, ok = sum(outcomes.values()), outcomes.get("ok", 0)
        failed = [
            [badge(f"{number:,} {outcome}", "bad"), " "]
            for outcome, number in sorted(outcomes.items(), key=lambda pair: (-pair[1], pair[0]))
            if outcome != "ok"
        ]
        took, first = rollup.latency.get(model), rollup.first_chunk.get(model)
        rows.append(
            (
                el("a", model, href=link(f"{ROOT}/requests", model=model)),
                count(whole),
                share(ok, whole),
                millis(_ms(took, 0.5)),
                millis(_ms(took, 0.95)),
                millis(_ms(first, 0.5)),
                millis(_ms(first, 0.95)),
                failed or "–",
            )
        )
    heads = ("model", "attempts", "answered", "p50", "p95", "first token p50", "p95", "what else became of them")
    return card("Models", table(heads, rows, numbers=(1, 2, 3, 4, 5, 6)), name="models", note=_outcome_words(tried))


def _outcome_words(tried: Mapping[str, Mapping[str, int]]) -> str:
    """The outcomes that are shown, in words."""
    seen = {outcome for outcomes in tried.values() for outcome in outcomes} - {"ok"}
    known = [outcome for outcome in Outcome if outcome.value in seen]
    return "; ".join(f"{outcome.value}: {OUTCOMES[outcome]}" for outcome in known)


def _shares(counted: Mapping[str, int]) -> list[tuple[str, Html, str, str]]:
    """Names, the most counted first, each with a bar, its count and its share."""
    whole = sum(counted.values())
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:20]
    return [
        (name, gauge(((number / whole, "share"),), share(number, whole)), count(number), share(number, whole))
        for name, number in ordered
    ]


def _ms(histogram: Histogram | None, q: float) -> float | None:
    seconds = histogram.quantile(q) if histogram is not None else None
    return None if seconds is None else seconds * 1000
