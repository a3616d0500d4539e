"""One admitted request: attempts until one answers, the answer relayed, every hold ended.

Until the first content has gone to the app another model may still be chosen; afterwards the stream is finished or the
app is told what broke.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from router.core.attempts import CHARGES, Charge, GiveUp, Outcome, Send, State, after
from router.core.catalog import Ability
from router.core.charges import VOIDED, Account, Amounts, settled
from router.core.explain import Attempt, cost_nano, saved_nano
from router.core.failures import failure_of, outcome_of
from router.core.journey import Journey
from router.core.money import usd
from router.core.plan import Verdict
from router.errors import RouterError, StoreUnavailable, UpstreamBadResponse
from router.recording import Recorder, explained
from router.store.ledger import Ending, Ledger, Reservation
from router.store.records import Note
from router.store.settler import Settler
from router.upstream.client import Answered, AttemptFailed, Upstream
from router.upstream.health import Health
from router.upstream.relay import relay
from router.wire.answer import complete_answer, finished_in_error, read_answer
from router.wire.chat import mistral_body
from router.wire.chunks import Chunks
from router.wire.refusal import Refusal, read_refusal
from router.wire.sse import DONE, frame
from router.wire.usage import Usage, read_usage

PATH = "/v1/chat/completions"
# An attempt with others behind it may use this share of the time that is left, so that they have a chance too.
SHARE_OF_DEADLINE = 0.6
LEASE_MARGIN_MS = 5_000
# A stream may go on after its deadline, which bounds the wait for its first content; this bounds the whole of it.
STREAM_S_MAX = 600.0


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """`frames` ends when the stream is complete; it raises RouterError, after its error frame, when it broke."""

    frames: AsyncGenerator[bytes, None]


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds. The deadline bounds a request as a whole, and only ever shrinks."""

    deadline: float = 120.0
    attempt: float = 60.0
    first_byte: float = 30.0
    first_byte_reasoning: float = 120.0
    stream_idle: float = 20.0


class _Opened(msgspec.Struct, kw_only=True):
    """A stream that has shown content: what came first, what is to come, and what to close."""

    stack: AsyncExitStack
    chunks: Chunks
    first: list[dict[str, Any]]
    rest: AsyncIterator[dict[str, Any]]


class _Tried(msgspec.Struct, kw_only=True):
    outcome: Outcome
    refusal: Refusal | None = None
    answer: dict[str, Any] | None = None
    usage: Usage | None = None
    opened: _Opened | None = None


class Serving:
    def __init__(
        self,
        *,
        upstream: Upstream,
        ledger: Ledger,
        settler: Settler,
        health: Health,
        recorder: Recorder,
        timing: Timing,
        jitter: Callable[[], float],
    ) -> None:
        self.upstream = upstream
        self.ledger = ledger
        self.settler = settler
        self.health = health
        self.recorder = recorder
        self.timing = timing
        self.jitter = jitter
        self.clock = recorder.clock

    async def serve(
        self, journey: Journey, hold: Reservation, accounts: Callable[[str, int], tuple[Account, ...]]
    ) -> Whole | Streamed:
        """The answer. `hold` is the first attempt's reservation; `accounts` gives the vector for a model at an instant.

        Raises RouterError when nothing answered. Whatever happens, also when the caller is cancelled, the hold that is
        open is handed to the settler.
        """
        plan = journey.plan
        assert plan is not None, "only a planned request is served"
        state = State(candidates=len(plan.order))
        waited_ms, open_hold = 0, True
        began_s = self.clock()
        try:
            while True:
                verdict = plan.order[state.index]
                began_s = self.clock()
                tried = await self._try(journey, verdict, last=state.index + 1 == len(plan.order))
                journey.upstream_s += self.clock() - began_s
                if tried.outcome is Outcome.OK:
                    open_hold = False
                    self.health.note(verdict.card.name, Outcome.OK)
                    if tried.opened is not None:
                        return Streamed(frames=self._frames(journey, hold, verdict, tried.opened, waited_ms))
                    return self._answer(journey, hold, verdict, tried, waited_ms)
                self.health.note(verdict.card.name, tried.outcome)
                ending, actual = self._note_attempt(journey, hold, verdict, tried, waited_ms, began_s)
                step = after(
                    state,
                    tried.outcome,
                    remaining_s=journey.deadline_s - self.clock(),
                    jitter=self.jitter(),
                    retry_allowed=self.health.may_retry(verdict.card.name),
                )
                failure = failure_of(tried.outcome, tried.refusal, len(journey.attempts))
                match step:
                    case GiveUp():
                        open_hold = False
                        self._end(journey, hold, ending, actual, failure.status, failure.code)
                        raise failure
                    case Send(state=following, wait_s=wait_s):
                        if following.index == state.index:
                            self.health.note_retry(verdict.card.name)
                        state, waited_ms = following, round(wait_s * 1000)
                        await asyncio.sleep(wait_s)
                        advanced = await self._advance(journey, hold, ending, actual, plan.order[state.index], accounts)
                        if advanced is None:
                            open_hold = False
                            self._record(journey, failure.status, failure.code)
                            raise failure
                        hold = advanced
        finally:
            if open_hold:
                self._abandon(journey, hold, plan.order[state.index], waited_ms, began_s)

    async def _try(self, journey: Journey, verdict: Verdict, *, last: bool) -> _Tried:
        """One attempt on one model, up to a whole answer or a stream's first content."""
        request = journey.request
        assert request is not None, "only a parsed request is served"
        card = verdict.card
        body = mistral_body(
            request, model=card.name, max_tokens=verdict.max_tokens, reasons=Ability.REASONING in card.abilities
        )
        left_s = journey.deadline_s - self.clock()
        share_s = left_s if last else left_s * SHARE_OF_DEADLINE
        traceparent = journey.wanted.traceparent
        try:
            if request.stream:
                patience = self.timing.first_byte_reasoning if request.reasoning == "high" else self.timing.first_byte
                return await self._open_stream(journey, verdict, body, min(share_s, patience))
            bound_s = share_s if last else min(share_s, self.timing.attempt)
            answered = await self.upstream.fetch(PATH, body, timeout_s=bound_s, traceparent=traceparent)
        except AttemptFailed as failure:
            return _Tried(outcome=failure.outcome)
        return _read(answered)

    async def _open_stream(self, journey: Journey, verdict: Verdict, body: bytes, first_s: float) -> _Tried:
        stack = AsyncExitStack()
        try:
            status, said = await stack.enter_async_context(
                self.upstream.stream(
                    PATH,
                    body,
                    first_byte_s=first_s,
                    idle_s=self.timing.stream_idle,
                    traceparent=journey.wanted.traceparent,
                )
            )
            if isinstance(said, Answered):
                refusal = read_refusal(said.body, said.headers)
                await stack.aclose()
                return _Tried(outcome=outcome_of(status, refusal), refusal=refusal)
            chunks = Chunks(model=verdict.card.name, dialect=journey.wanted.dialect)
            rest = relay(said, chunks)
            first: list[dict[str, Any]] = []
            try:
                async for chunk in rest:
                    first.append(chunk)
                    if chunks.has_content:
                        break
            except AttemptFailed as failure:
                await stack.aclose()
                return _Tried(outcome=failure.outcome, usage=read_usage(chunks.usage))
            opened = _Opened(stack=stack, chunks=chunks, first=first, rest=rest)
            return _Tried(outcome=Outcome.OK, opened=opened)
        except BaseException:
            await stack.aclose()
            raise

    def _answer(self, journey: Journey, hold: Reservation, verdict: Verdict, tried: _Tried, waited_ms: int) -> Whole:
        answer = tried.answer
        assert answer is not None, "an outcome OK without a stream has an answer"
        ending, actual = self._note_attempt(journey, hold, verdict, tried, waited_ms, self.clock())
        complete_answer(answer, model=verdict.card.name, dialect=journey.wanted.dialect)
        if isinstance(answer.get("usage"), dict):
            answer["usage"]["cost"] = cost_nano(journey.attempts) / 1e9
        if journey.wanted.explain:
            answer["router"] = explained(journey)
        body = msgspec.json.encode(answer)
        self._end(journey, hold, ending, actual, 200, None)
        return Whole(body=body)

    async def _frames(
        self, journey: Journey, hold: Reservation, verdict: Verdict, opened: _Opened, waited_ms: int
    ) -> AsyncGenerator[bytes, None]:
        """The stream as it goes to the app. Its hold is ended in `finally`, without waiting, because an app that hangs
        up cancels every await."""
        chunks, began_s = opened.chunks, self.clock()
        outcome, status, code = Outcome.APP_LEFT, 499, "app_left"
        ending, actual, noted = Ending.UNCONFIRMED, hold.held, False
        try:
            for chunk in opened.first:
                yield frame(msgspec.json.encode(chunk))
            async for chunk in opened.rest:
                if self.clock() - began_s > STREAM_S_MAX:
                    raise AttemptFailed(Outcome.CUT)
                yield frame(msgspec.json.encode(chunk))
            tried = _Tried(outcome=Outcome.OK, usage=read_usage(chunks.usage))
            ending, actual = self._note_attempt(journey, hold, verdict, tried, waited_ms, began_s)
            noted, status, code = True, 200, ""
            request = journey.request
            last = chunks.last(
                usage=self._usage(journey, chunks.usage),
                router=explained(journey) if journey.wanted.explain else _summary(journey),
                apart=bool(request and request.include_usage),
            )
            for chunk in last:
                yield frame(msgspec.json.encode(chunk))
            yield frame(DONE)
        except AttemptFailed:
            outcome, status, code = Outcome.CUT, 200, "stream_broken"
            error = UpstreamBadResponse("The upstream broke off in the middle of the answer.", code="stream_broken")
            yield frame(msgspec.json.encode({"error": error_object(error)}))
            raise error from None
        finally:
            if not noted:
                self.health.note(verdict.card.name, outcome)
                ending, actual = self._note_attempt(journey, hold, verdict, _Tried(outcome=outcome), waited_ms, began_s)
            journey.upstream_s += self.clock() - began_s
            self._end(journey, hold, ending, actual, status, code or None)
            await opened.stack.aclose()

    def _usage(self, journey: Journey, usage: Any) -> dict[str, Any] | None:
        return {**usage, "cost": cost_nano(journey.attempts) / 1e9} if isinstance(usage, dict) else None

    def _note_attempt(
        self, journey: Journey, hold: Reservation, verdict: Verdict, tried: _Tried, waited_ms: int, began_s: float
    ) -> tuple[Ending, Amounts]:
        """Add the attempt to the journey, and say how its hold ends."""
        plan = journey.plan
        assert plan is not None, "only a planned request is served"
        if tried.usage is not None:
            ending, actual = Ending.SETTLED, settled(verdict.card, tried.usage, plan.factor)
        elif CHARGES[tried.outcome] is Charge.UNCONFIRMED:
            ending, actual = Ending.UNCONFIRMED, hold.held
        else:
            ending, actual = Ending.VOIDED, VOIDED
        # The app asked once: a further attempt takes no further place in its requests per minute.
        actual = msgspec.structs.replace(actual, requests=hold.held.requests)
        journey.attempts.append(
            Attempt(
                model=verdict.card.name,
                outcome=tried.outcome,
                wait_ms=waited_ms,
                nano_usd=actual.nano,
                duration_ms=round((self.clock() - began_s) * 1000),
                unconfirmed=ending is Ending.UNCONFIRMED,
                usage=tried.usage,
            )
        )
        journey.freed_nano = hold.held.nano - actual.nano
        return ending, actual

    async def _advance(
        self,
        journey: Journey,
        hold: Reservation,
        ending: Ending,
        actual: Amounts,
        verdict: Verdict,
        accounts: Callable[[str, int], tuple[Account, ...]],
    ) -> Reservation | None:
        """The next attempt's hold, in the step that ends the last one's. None when it is not afforded; the last one
        has then ended all the same."""
        assert verdict.most is not None, "only a priced model is in the order"
        most = msgspec.structs.replace(verdict.most, requests=0)
        following = f"{journey.request_id}#{len(journey.attempts) + 1}"
        try:
            advanced = await self.ledger.advance(
                hold,
                ending,
                actual,
                following,
                lambda now_ms: accounts(verdict.card.name, now_ms),
                most,
                lease_ms=self.lease_ms(journey),
                note=note_of(journey, verdict),
            )
        except StoreUnavailable:
            return None
        if isinstance(advanced, Reservation):
            journey.standings, journey.freed_nano = advanced.standings, 0
            return advanced
        return None

    def _abandon(self, journey: Journey, hold: Reservation, verdict: Verdict, waited_ms: int, began_s: float) -> None:
        """The line was left in the middle of an attempt: its hold stays, unconfirmed."""
        tried = _Tried(outcome=Outcome.APP_LEFT)
        ending, actual = self._note_attempt(journey, hold, verdict, tried, waited_ms, began_s)
        self._end(journey, hold, ending, actual, 499, "app_left")

    def _end(
        self, journey: Journey, hold: Reservation, ending: Ending, actual: Amounts, status: int, code: str | None
    ) -> None:
        write = self.recorder.finish(journey, status, code)
        self.settler.hand_over(lambda: self.ledger.close(hold, ending, actual, write))

    def _record(self, journey: Journey, status: int, code: str) -> None:
        write = self.recorder.finish(journey, status, code)
        self.settler.hand_over(lambda: self.ledger.record(journey.team, journey.request_id, write))

    def lease_ms(self, journey: Journey) -> int:
        return max(1, round((journey.deadline_s - self.clock()) * 1000)) + LEASE_MARGIN_MS


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


def error_object(error: RouterError) -> dict[str, Any]:
    """The inside of an error body, in OpenAI's form."""
    return {
        "message": error.message,
        "type": error.type,
        "code": error.code,
        "param": error.param,
        "source": error.source,
        **error.extra,
    }


def _read(answered: Answered) -> _Tried:
    if answered.status != 200:
        refusal = read_refusal(answered.body, answered.headers)
        return _Tried(outcome=outcome_of(answered.status, refusal), refusal=refusal)
    answer = read_answer(answered.body)
    if answer is None:
        return _Tried(outcome=Outcome.BAD_RESPONSE)
    usage = read_usage(answer.get("usage"))
    outcome = Outcome.FINISHED_IN_ERROR if finished_in_error(answer) else Outcome.OK
    return _Tried(outcome=outcome, answer=answer, usage=usage)


def _summary(journey: Journey) -> dict[str, Any]:
    """The part of the `router` object that every stream tells at its end."""
    whole = explained(journey)
    assert whole is not None and journey.plan is not None, "a stream has a plan"
    return {
        "request_id": whole.request_id,
        "chosen": whole.chosen,
        "reason": whole.reason,
        "attempts": whole.attempts,
        "cost_usd": usd(cost_nano(journey.attempts)),
        "saved_usd": usd(saved_nano(journey.plan, journey.attempts)),
    }
