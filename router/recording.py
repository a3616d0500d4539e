"""How a request's end is put on record: one record, the hour's sums, the metrics."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from router.core.charges import over_soft
from router.core.explain import answer_usage, answered_by, cost_nano, reason_of, saved_nano
from router.core.journey import Journey, left_out
from router.core.judging import Verdict
from router.core.record import RequestRecord
from router.core.savings import Elsewhere, elsewhere
from router.ops.metrics import Metrics
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

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.metrics = metrics
        self.clock = clock

    def finish(self, journey: Journey, status: int, code: str | None) -> Write:
        """Count the request, once, and say what is to be written of it."""
        now_s = self.clock()
        record = _record(journey, status, code, now_s)
        self.metrics.request_finished(
            team=record.team,
            model=record.model or "none",
            status=status,
            reason=record.reason,
            attempts=[(attempt.model, attempt.outcome.value) for attempt in journey.attempts],
            costs=[(attempt.model, attempt.nano_usd) for attempt in journey.attempts],
            saved_nano=record.saved_nano_usd,
            tokens=[
                (attempt.model, kind, count)
                for attempt in journey.attempts
                if attempt.usage is not None
                for kind, count in (
                    ("input", attempt.usage.input_tokens - attempt.usage.cached_tokens),
                    ("cached", attempt.usage.cached_tokens),
                    ("output", attempt.usage.output_tokens),
                )
            ],
            refusal=code,
            warnings=[(account.scope.value, account.measure.value) for account in over_soft(journey.standings)],
            overhead_s=journey.overhead_ms(now_s) / 1000,
            duration_s=now_s - journey.started_s,
        )
        return written(record, counted=journey.admitted, policy=journey.policy or DEFAULT)


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
        router=explained(journey),
        dearest_nano_usd=other.dearest_nano,
        baseline_nano_usd=other.baseline_nano,
        cheapest_nano_usd=other.cheapest_nano,
    )
