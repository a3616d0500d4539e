"""One attempt: sent to one model, up to a whole answer or a stream's first content."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from router.core.attempts import Outcome, Timing
from router.core.catalog import Ability
from router.core.failures import outcome_of
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.sites import Tongue
from router.ops.traces import Traces
from router.upstream.client import Answered, AttemptFailed
from router.upstream.clients import Clients
from router.upstream.relay import relay
from router.wire.answer import finished_in_error, read_answer
from router.wire.body import mistral_body, path_of
from router.wire.chunks import Chunks
from router.wire.manner import Manner
from router.wire.openai_body import openai_call
from router.wire.rates import NO_RATES, Rates, read_rates
from router.wire.refusal import Refusal, read_refusal
from router.wire.requests import AnyRequest
from router.wire.usage import Usage, read_usage

# An attempt with others behind it may use this share of the time that is left, so that they have a chance too.
SHARE_OF_DEADLINE: Final = 0.6


class Opened(msgspec.Struct, kw_only=True):
    """A stream that has shown content: what came first, what is to come, and what to close."""

    stack: AsyncExitStack
    chunks: Chunks
    first: list[dict[str, Any]]
    rest: AsyncIterator[dict[str, Any]]


class Tried(msgspec.Struct, kw_only=True):
    outcome: Outcome
    refusal: Refusal | None = None
    answer: dict[str, Any] | None = None
    usage: Usage | None = None
    opened: Opened | None = None
    rates: Rates = NO_RATES


class Attempting:
    """`clock` is the monotonic clock that journeys are timed with."""

    def __init__(self, clients: Clients, timing: Timing, clock: Callable[[], float], traces: Traces) -> None:
        self.clients = clients
        self.timing = timing
        self.clock = clock
        self.traces = traces

    async def once(self, journey: Journey, verdict: Verdict, *, last: bool) -> Tried:
        """One attempt on one model, up to a whole answer or a stream's first content."""
        request = journey.request
        assert request is not None, "only a parsed request is served"
        path, body = _call(request, verdict)
        left_s = journey.deadline_s - self.clock()
        share_s = left_s if last else left_s * SHARE_OF_DEADLINE
        traceparent = self.traces.asks(journey, verdict)
        try:
            if request.stream:
                patience = self.timing.first_byte_reasoning if journey.reasons else self.timing.first_byte
                return await self._open_stream(journey, verdict, path, body, min(share_s, patience), traceparent)
            bound_s = share_s if last else min(share_s, self.timing.attempt)
            answered = await self.clients.of(verdict.site).fetch(path, body, timeout_s=bound_s, traceparent=traceparent)
        except AttemptFailed as failure:
            return Tried(outcome=failure.outcome)
        return _read(request, answered)

    async def _open_stream(
        self, journey: Journey, verdict: Verdict, path: str, body: bytes, first_s: float, traceparent: str | None
    ) -> Tried:
        stack, began_s = AsyncExitStack(), self.clock()
        try:
            status, said = await stack.enter_async_context(
                self.clients.of(verdict.site).stream(
                    path,
                    body,
                    first_byte_s=first_s,
                    idle_s=self.timing.stream_idle,
                    traceparent=traceparent,
                )
            )
            if isinstance(said, Answered):
                refusal = read_refusal(said.body, said.headers)
                await stack.aclose()
                return Tried(outcome=outcome_of(status, refusal), refusal=refusal, rates=read_rates(said.headers))
            chunks = Chunks(model=verdict.card.name, dialect=journey.dialect)
            rest = relay(said, chunks)
            first: list[dict[str, Any]] = []
            try:
                # What comes before content is no answer yet, so the bound holds on.
                async with asyncio.timeout(first_s - (self.clock() - began_s)):
                    async for chunk in rest:
                        first.append(chunk)
                        if chunks.has_content:
                            break
            except (AttemptFailed, TimeoutError) as failure:
                await stack.aclose()
                outcome = failure.outcome if isinstance(failure, AttemptFailed) else Outcome.TIMED_OUT
                return Tried(outcome=outcome, usage=read_usage(chunks.usage))
            opened = Opened(stack=stack, chunks=chunks, first=first, rest=rest)
            return Tried(outcome=Outcome.OK, opened=opened)
        except BaseException:
            await stack.aclose()
            raise


def _call(request: AnyRequest, verdict: Verdict) -> tuple[str, bytes]:
    """The path and the body of an attempt, in the words of its upstream."""
    card = verdict.card
    manner = Manner(
        model=card.served_as,
        max_tokens=verdict.max_tokens,
        reasons=Ability.REASONING in card.abilities,
        profile=card.schema_profile,
        serial=verdict.serial,
    )
    match verdict.site.dialect:
        case Tongue.MISTRAL:
            return path_of(request), mistral_body(request, manner)
        case Tongue.OPENAI:
            return openai_call(request, manner)


def _read(request: AnyRequest, answered: Answered) -> Tried:
    rates = read_rates(answered.headers)
    if answered.status != 200:
        refusal = read_refusal(answered.body, answered.headers)
        return Tried(outcome=outcome_of(answered.status, refusal), refusal=refusal, rates=rates)
    answer = read_answer(request, answered.body)
    if answer is None:
        return Tried(outcome=Outcome.BAD_RESPONSE, rates=rates)
    usage = read_usage(answer.get("usage"))
    outcome = Outcome.FINISHED_IN_ERROR if finished_in_error(answer) else Outcome.OK
    return Tried(outcome=outcome, answer=answer, usage=usage, rates=rates)
