"""How a request's end is put on record: one record, the hour's sums, the metrics, a trace where they are made."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from router.core.charges import over_soft
from router.core.explain import answer_usage, answered_by, cost_nano, reason_of, saved_nano
from router.core.journey import Journey, left_out
from router.core.judging import Verdict
from router.core.pacing import warned
from router.core.record import RequestRecord
from router.core.savings import Elsewhere, elsewhere
from router.ops.registry import Metrics
from router.ops.traces import Traces
from router.store.ledger import Write
from router.store.records import DEFAULT, written
from router.store.totals import Note
from router.telling import explained


def note_of(journey: Journey, verdict: Verdict) -> str:
    """What the hold remembers, so that it can be told whose it was when this process is gone."""
    ask = journey.ask
    assert ask is not None and verdict.most is not None, "only a classified request on a priced model is reserved"
    note = Note(
        key=journey.key_id,
        model=verdict.card.name,
        kind=ask.kind.value,
        language=ask.language,
        tags=ask.tags,
        nano_usd=verdict.most.nano,
        request_id=journey.request_id,
    )
    return msgspec.json.encode(note).decode()


class Recorder:
    """`clock` is the monotonic clock that journeys are timed with."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float], traces: Traces) -> None:
        self.metrics = metrics
        self.clock = clock
        self.traces = traces

    def finish(self, journey: Journey, status: int, code: str | None) -> Write:
        """Count the request, once, and say what is to be written of it."""
        now_s = self.clock()
        record = _record(journey, status, code, now_s)
        self.metrics.request_finished(
            record,
            journey.attempts,
            warnings=[(account.scope.value, account.measure.value) for account in over_soft(journey.standings)],
            budgets=[(one.account.scope.value, one.why) for one in warned(journey.standings, journey.at_ms)],
            input_ratios=_input_ratios(journey),
            first_chunk_s=journey.first_chunk_s,
            overhead_s=journey.overhead_ms(now_s) / 1000,
            duration_s=now_s - journey.started_s,
        )
        self.traces.finished(journey, record)
        return written(record, counted=journey.admitted, policy=journey.policy or DEFAULT)


def _input_ratios(journey: Journey) -> list[tuple[str, float]]:
    """The input that each attempt was billed, divided by what the plan had estimated for its model."""
    order = journey.plan.order if journey.plan is not None else ()
    estimated = {verdict.label: verdict.input_tokens for verdict in order}
    return [
        (attempt.model, attempt.usage.input_tokens / tokens)
        for attempt in journey.attempts
        if attempt.usage is not None and (tokens := estimated.get(attempt.label))
    ]


def _record(journey: Journey, status: int, code: str | None, now_s: float) -> RequestRecord:
    request, ask, plan, attempts = journey.request, journey.ask, journey.plan, journey.attempts
    served = answered_by(attempts) or (attempts[-1].model if attempts else None)
    usages = [attempt.usage for attempt in attempts if attempt.usage is not None]
    answer = answer_usage(attempts)
    other = elsewhere(plan, answer) if plan and answer else Elsewhere()
    return RequestRecord(
        request_id=journey.request_id,
        at_ms=journey.at_ms,
        duration_ms=round((now_s - journey.started_s) * 1000),
        team=journey.team,
        key=journey.key_id,
        endpoint=journey.endpoint,
        requested_model=request.model if request else "",
        model=served,
        status=status,
        code=code,
        stream=bool(request and request.stream),
        kind=ask.kind.value if ask else "",
        language=ask.language if ask else "",
        tags=ask.tags if ask else (),
        reason=reason_of(plan, served).value if plan else "",
        input_tokens=sum(usage.input_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        nano_usd=cost_nano(attempts),
        saved_nano_usd=saved_nano(plan, attempts) if plan else 0,
        unconfirmed_nano_usd=sum(attempt.nano_usd for attempt in attempts if attempt.unconfirmed),
        overhead_ms=round(journey.overhead_ms(now_s), 3),
        first_chunk_ms=None if journey.first_chunk_s is None else round(journey.first_chunk_s * 1000, 3),
        dropped=left_out(request, plan, served) if request else (),
        router=explained(journey, refused=status >= 400),
        dearest_nano_usd=other.dearest_nano,
        baseline_nano_usd=other.baseline_nano,
        cheapest_nano_usd=other.cheapest_nano,
        first_hold=journey.first_hold,
    )
