"""One request explained: what it cost and why, attempt by attempt, token by token, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from router.core.attempts import Outcome
from router.core.explain import Attempt, ModelView, RouterObject
from router.core.money import parse_usd
from router.core.record import RequestRecord
from router.core.sites import MAIN
from router.ops.charts import Bar, waterfall
from router.ops.figures import count, dollars, exact, millis, moment, money, share
from router.ops.html import Child, Html, el
from router.ops.pages.layout import ROOT, Frame, badge, card, facts, link, page, table, team_link, tile, tiles
from router.ops.words import OUTCOMES, REFUSALS, objection, reason


def request_page(record: RequestRecord, frame: Frame) -> str:
    told = record.router
    body: list[Child] = [el("p", _story(record), class_="lead"), _tiles(record)]
    if told is not None:
        body.append(_attempts(record, told))
        body.append(_sum(record, told))
        body.append(_models(told))
    body.append(_facts(record))
    back = el(
        "p", el("a", "All requests", href=f"{ROOT}/requests"), " · ", el("span", record.request_id, class_="mono")
    )
    return page("One request explained", [back, body], frame, f"{ROOT}/requests")


def _story(record: RequestRecord) -> list[Child]:
    """The answer to "why did this cost that" in two sentences."""
    told = record.router
    if record.status >= 400 or record.model is None:
        ended = "was refused" if record.status < 500 else "failed"
        code = f", {record.code}" if record.code else ""
        why = f": {REFUSALS[record.code]}" if record.code in REFUSALS else ""
        paid = f" It cost {dollars(record.nano_usd)} all the same." if record.nano_usd else " It cost nothing."
        team = link(f"{ROOT}/budgets", team=record.team)
        see = [" ", el("a", f"The budgets of {record.team}", href=team)] if record.code == "budget_exceeded" else None
        return [f"This request {ended} with status {record.status}{code}{why}.", paid, see]
    answer = next((a for a in reversed(told.attempts) if a.outcome is Outcome.OK), None) if told else None
    used = answer.usage if answer else None
    failures = [f"{one.model}: {OUTCOMES[one.outcome]}" for one in told.attempts if one is not answer] if told else []
    before_it = f" ({', '.join(failures)})" if failures else ""
    served: list[Child] = ["Served by ", el("b", record.model), f": {reason(record.reason)}{before_it}."]
    tokens = (
        f" Its {used.input_tokens:,} tokens of input ({used.cached_tokens:,} from the cache) and "
        f"{used.output_tokens:,} of output cost {dollars(answer.nano_usd)}."
        if answer and used
        else ""
    )
    before = sum(attempt.nano_usd for attempt in told.attempts if attempt is not answer) if told else 0
    failed = f" Attempts before it cost {dollars(before)}." if before else ""
    return [served, tokens, failed, _comparison(record)]


def _comparison(record: RequestRecord) -> str:
    if record.baseline_nano_usd is None:
        return ""
    name = _baseline(record)
    if record.saved_nano_usd > 0:
        saved = share(record.saved_nano_usd, record.baseline_nano_usd)
        return f" At {name} it would have cost {dollars(record.baseline_nano_usd)}: routing saved {saved}."
    if record.saved_nano_usd < 0:
        return f" At {name} it would have cost {dollars(record.baseline_nano_usd)}, which is less."
    return f" At {name} it would have cost {dollars(record.baseline_nano_usd)}."


def _baseline(record: RequestRecord) -> str:
    named = record.router.baseline if record.router else None
    return str(named["model"]) if named else "the baseline model"


def _tiles(record: RequestRecord) -> Html:
    unsure = f"{dollars(record.unconfirmed_nano_usd)} of it unconfirmed" if record.unconfirmed_nano_usd else "confirmed"
    saved = "good" if record.saved_nano_usd > 0 else "bad" if record.saved_nano_usd < 0 else None
    tried = len(record.router.attempts) if record.router else 0
    return tiles(
        tile("cost", money(record.nano_usd), unsure),
        tile("saved", money(record.saved_nano_usd), f"against {_baseline(record)}", saved),
        tile("status", record.status, record.code or record.reason or None, "good" if record.status < 400 else "bad"),
        tile("time", millis(record.duration_ms), f"{millis(record.overhead_ms)} of it the router's"),
        tile("attempts", tried, "at most 3"),
    )


def _attempts(record: RequestRecord, told: RouterObject) -> Html:
    """The waterfall: when each attempt began, how long it took, how it ended."""
    used = sum(attempt.wait_ms + attempt.duration_ms for attempt in told.attempts)
    # Before the first attempt there is the router's own time; what is left at the end is the rest of a stream.
    whole, at = max(1.0, float(record.duration_ms), used + record.overhead_ms), record.overhead_ms
    rows: list[Sequence[Child]] = []
    for number, attempt in enumerate(told.attempts, 1):
        bars = [Bar(start=0.0, length=record.overhead_ms, kind="router", title=f"router: {millis(record.overhead_ms)}")]
        bars = bars if number == 1 else []
        if attempt.wait_ms:
            title = f"waited {millis(attempt.wait_ms)}"
            bars.append(Bar(start=at, length=attempt.wait_ms, kind="wait", title=title))
        at += attempt.wait_ms
        well = attempt.outcome is Outcome.OK
        title = f"{attempt.model}: {OUTCOMES[attempt.outcome]} after {millis(attempt.duration_ms)}"
        bars.append(Bar(start=at, length=attempt.duration_ms, kind="ok" if well else "failed", title=title))
        at += attempt.duration_ms
        outcome = el("span", badge(attempt.outcome.value, "good" if well else "bad"), " ", OUTCOMES[attempt.outcome])
        place = attempt.model if attempt.upstream == MAIN else f"{attempt.model} at {attempt.upstream}"
        cost: Child = exact(attempt.nano_usd)
        if attempt.unconfirmed:
            cost = [cost, " ", badge("unconfirmed", "warn")]
        rows.append((number, place, waterfall(bars, whole), millis(attempt.duration_ms), outcome, cost))
    heads = ("", "model", f"0 to {millis(whole)}", "took", "outcome", "cost USD")
    shown = table(heads, rows, numbers=(3, 5), empty="No attempt was made: nothing was sent to an upstream.")
    return card("Attempts", shown, name="attempts", note="blue is the router's own time, amber a wait")


def _sum(record: RequestRecord, told: RouterObject) -> Html | None:
    """How the cost is made of tokens and prices."""
    rows: list[Sequence[Child]] = []
    for number, attempt in enumerate(told.attempts, 1):
        rows += _lines(number, attempt, _view(told, attempt))
    if not rows:
        return None
    if len(told.attempts) > 1:
        rows.append((el("b", "all attempts"), "", "", "", el("b", exact(record.nano_usd))))
    heads = ("attempt", "what", "tokens", "USD per million", "USD")
    return card(
        "The sum", table(heads, rows, numbers=(2, 3, 4)), name="sum", note="rounded up to a nano once an attempt"
    )


def _view(told: RouterObject, attempt: Attempt) -> ModelView | None:
    views = (view for view in told.models if attempt.model in (view.model, f"{view.model}@{view.upstream}"))
    return next((view for view in views if view.upstream == attempt.upstream), None)


def _lines(number: int, attempt: Attempt, view: ModelView | None) -> list[Sequence[Child]]:
    name = f"{number}. {attempt.model}"
    used = attempt.usage
    if used is None or view is None or view.price is None:
        what = "held until it is known what was used" if attempt.unconfirmed else "nothing was billed"
        if attempt.nano_usd and not attempt.unconfirmed:
            what = "settled by hand"
        return [(name, what, "", "", exact(attempt.nano_usd))]
    parts = (
        ("input", used.input_tokens - used.cached_tokens, view.price["input"]),
        ("input from the cache", used.cached_tokens, view.price["cached"]),
        ("output", used.output_tokens, view.price["output"]),
    )
    lines: list[Sequence[Child]] = []
    factor = Fraction(view.price_factor)
    times = "" if factor == 1 else f" × {Decimal(factor.numerator) / factor.denominator:f}"
    for what, tokens, price in parts:
        if tokens:
            nano = tokens * parse_usd(price) * factor / 1_000_000
            # To a tenth of a nano where it is not whole: finer than the rounding that follows.
            amount = exact(int(nano)) if nano == int(nano) else f"${Decimal(round(nano * 10)) / 10_000_000_000:.10f}"
            lines.append((name if not lines else "", what, f"{tokens:,}", f"{_price(price)}{times}", amount))
    lines.append(("", f"attempt {number} in all", "", "", exact(attempt.nano_usd)))
    return lines


def _price(text: str) -> str:
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def _models(told: RouterObject) -> Html:
    place = {name: number for number, name in enumerate(told.order, 1)}
    views = sorted(
        told.models, key=lambda view: (place.get(_label(view), 999), view.expected_nano_usd or 0, view.model)
    )
    rows: list[Sequence[Child]] = []
    for view in views:
        number = place.get(_label(view))
        verdict: Child = badge(f"choice {number}", "good") if number else objection(view.objection or "")
        rows.append(
            (
                _label(view),
                verdict,
                f"{view.score:.1f}" if view.score is not None else "–",
                exact(view.expected_nano_usd) if view.expected_nano_usd is not None else "–",
                exact(view.max_nano_usd) if view.max_nano_usd is not None else "–",
            )
        )
    bar = f"good enough from {told.threshold:.1f}" if told.threshold is not None else "no bar: the app named its model"
    heads = ("model", "verdict", "score", "expected USD", "at most USD")
    return card("Every model", table(heads, rows, numbers=(2, 3, 4)), name="models", note=bar)


def _label(view: ModelView) -> str:
    return view.model if view.upstream == MAIN else f"{view.model}@{view.upstream}"


def _facts(record: RequestRecord) -> Html:
    told = record.router
    ask = told.classification if told else {}
    tokens = [count(number) for number in (record.input_tokens, record.cached_tokens, record.output_tokens)]
    needs = ask.get("needs")
    shown: dict[str, Child] = {
        "when": f"{moment(record.at_ms)} UTC",
        "team": team_link(record.team) if record.team else "–",
        "key": el("a", record.key, href=link(f"{ROOT}/requests", team=record.team, key=record.key))
        if record.key
        else "–",
        "endpoint": f"{record.endpoint}{', streamed' if record.stream else ''}",
        "asked for": record.requested_model or "–",
        "kind of work": record.kind or "–",
        "language": record.language or "–",
        "needs": ", ".join(map(str, needs)) if isinstance(needs, list) and needs else "–",
        "tokens": "{} in, {} of them cached, {} out".format(*tokens),
        "expected output": str(ask.get("output_tokens_expected", "–")),
        "tags": ", ".join(record.tags) or "–",
        "left out of the request": ", ".join(record.dropped) or "nothing",
        "the app's verdict": str(record.feedback) if record.feedback else "none",
        "rules": told.rules if told else "–",
    }
    return card("What it was", facts(shown), name="facts")
