"""Spans for OpenTelemetry: one for each request, and a child for each attempt, by the conventions for generative AI.

An app's own trace is continued and passed on upstream. No prompt, no answer and no secret is in them. They are sent in
the background; what a collector does not take in time is dropped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, format_span_id, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from router import __version__
from router.core.attempts import Outcome
from router.core.explain import Attempt
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.record import RequestRecord
from router.core.sites import MAIN
from router.ops.traces import Traces
from router.wire.usage import Usage

log = logging.getLogger("router.spans")

# An app may write what it likes where a model's name belongs.
NAME_MAX: Final = 128
_MS: Final = 1_000_000  # in nanoseconds
# gen_ai.operation.name knows these; another endpoint is its own operation.
_OPERATIONS: Final = {"chat": "chat", "responses": "chat", "messages": "chat", "fim": "text_completion"}
_VENDOR: Final = "mistral_ai"  # gen_ai.provider.name

_Told = Mapping[str, str | int | float | bool | None]


class Trace:
    """What has been begun of one request: its span, and its attempts' with their starts in epoch ns."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.attempts: list[tuple[Span, int]] = []


class Spans(Traces):
    """`clock` is epoch nanoseconds. Where spans go is read from the environment, by OpenTelemetry's own variables."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        own = Resource({SERVICE_NAME: "mistral-router", SERVICE_VERSION: __version__})
        # What the environment says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) goes before our own.
        resource = Resource.create().merge(own).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("mistral-router", __version__)
        self._incoming = TraceContextTextMapPropagator()
        self._clock = clock

    def asks(self, journey: Journey, verdict: Verdict) -> str | None:
        trace = self._begun(journey)
        began_ns = self._clock()
        span = self._tracer.start_span(
            f"{_operation(journey)} {verdict.card.name}",
            context=set_span_in_context(trace.span, Context()),
            kind=SpanKind.CLIENT,
            start_time=began_ns,
        )
        trace.attempts.append((span, began_ns))
        own = span.get_span_context()
        return f"00-{format_trace_id(own.trace_id)}-{format_span_id(own.span_id)}-{int(own.trace_flags):02x}"

    def finished(self, journey: Journey, record: RequestRecord) -> None:
        try:
            self._finish(journey, record)
        except Exception:  # the request's money is booked after this, whatever becomes of its trace
            log.exception("the trace of %s is not whole", record.request_id)

    def _finish(self, journey: Journey, record: RequestRecord) -> None:
        trace, operation = self._begun(journey), _operation(journey)
        # An attempt is begun and ended in this order; the last may not have come to its end.
        for (span, began_ns), attempt in zip(trace.attempts, journey.attempts, strict=False):
            _tell(span, {"gen_ai.operation.name": operation, **_of_attempt(attempt)})
            if attempt.outcome is not Outcome.OK:
                _failed(span, attempt.outcome.value)
            span.end(began_ns + attempt.duration_ms * _MS)
        for span, _ in trace.attempts[len(journey.attempts) :]:
            span.end(self._clock())
        span = trace.span
        _tell(span, {"gen_ai.operation.name": operation, **_of_request(journey, record)})
        if record.status >= 500:
            _failed(span, record.code or str(record.status))
        elif record.code is not None:
            span.set_attribute("error.type", record.code)
        span.end(self._clock())

    def close(self) -> None:
        self._provider.shutdown()

    def _begun(self, journey: Journey) -> Trace:
        if not isinstance(journey.trace, Trace):
            parent = journey.wanted.traceparent
            context = self._incoming.extract({"traceparent": parent}, Context()) if parent else Context()
            name = journey.request.model[:NAME_MAX] if journey.request else ""
            span = self._tracer.start_span(
                f"{_operation(journey)} {name}".strip(),
                context=context,
                kind=SpanKind.SERVER,
                start_time=journey.at_ms * _MS,
            )
            journey.trace = Trace(span)
        return journey.trace


def _operation(journey: Journey) -> str:
    return _OPERATIONS.get(journey.endpoint, journey.endpoint)


def _of_request(journey: Journey, record: RequestRecord) -> _Told:
    return {
        "gen_ai.provider.name": _VENDOR,
        "gen_ai.request.model": record.requested_model[:NAME_MAX] or None,
        "gen_ai.response.model": record.model,
        "gen_ai.response.id": record.request_id,
        **_tokens([attempt.usage for attempt in journey.attempts if attempt.usage is not None]),
        "http.response.status_code": record.status,
        "router.endpoint": record.endpoint,
        "router.team": record.team or None,
        "router.key": record.key or None,
        "router.reason": record.reason or None,
        "router.kind": record.kind or None,
        "router.language": record.language or None,
        "router.stream": record.stream,
        "router.attempts": len(journey.attempts),
        "router.cost_nano_usd": record.nano_usd,
        "router.saved_nano_usd": record.saved_nano_usd,
        "router.unconfirmed_nano_usd": record.unconfirmed_nano_usd,
        "router.overhead_ms": record.overhead_ms,
        "router.first_chunk_ms": None if journey.first_chunk_s is None else round(journey.first_chunk_s * 1000, 3),
    }


def _of_attempt(attempt: Attempt) -> _Told:
    return {
        "gen_ai.provider.name": _VENDOR if attempt.upstream == MAIN else attempt.upstream,
        "gen_ai.request.model": attempt.model,
        **_tokens([attempt.usage] if attempt.usage is not None else []),
        "router.upstream": attempt.upstream,
        "router.outcome": attempt.outcome.value,
        "router.wait_ms": attempt.wait_ms,
        "router.cost_nano_usd": attempt.nano_usd,
        "router.unconfirmed": attempt.unconfirmed,
    }


def _tokens(usages: Sequence[Usage]) -> _Told:
    if not usages:
        return {}
    return {
        "gen_ai.usage.input_tokens": sum(usage.input_tokens for usage in usages),
        "gen_ai.usage.cache_read.input_tokens": sum(usage.cached_tokens for usage in usages),
        "gen_ai.usage.output_tokens": sum(usage.output_tokens for usage in usages),
    }


def _tell(span: Span, told: _Told) -> None:
    span.set_attributes({name: value for name, value in told.items() if value is not None})


def _failed(span: Span, why: str) -> None:
    span.set_attribute("error.type", why)
    span.set_status(Status(StatusCode.ERROR))
