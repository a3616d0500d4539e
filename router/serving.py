"""One admitted request: attempts until one answers, the answer relayed, every hold ended.

Until the first content has gone to the app another model may still be chosen; afterwards the stream is finished or
the app is told what broke. An app that hangs up cancels its stream's every await, so the end of a hold is handed over,
never awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import msgspec

from router.attempting import Attempting, Opened, Tried
from router.core.attempts import CHARGES, Charge, GiveUp, Outcome, Send, State, after
from router.core.charges import VOIDED, settled
from router.core.explain import Attempt
from router.core.failures import failure_of
from router.core.habits import Habits
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.warmth import Warm
from router.errors import JournalUnavailable, UpstreamBadResponse
from router.holding import Ends, Holding
from router.recording import Recorder
from router.store.ledger import Ending, Reservation
from router.store.settler import Settler
from router.store.warmth import Warmth
from router.telling import explained, priced, summary
from router.upstream.client import AttemptFailed
from router.upstream.health import Health
from router.upstream.quotas import Draw, Quotas
from router.wire.answer import complete_answer, said_in
from router.wire.usage import Usage, counted_usage, read_usage
from router.wire.voice import Voice

# A stream may go on after its deadline, which bounds the wait for its first content; this bounds the whole of it.
STREAM_S_MAX: Final = 600.0
# nginx's status for an app that hung up: nobody receives it, but the record needs one.
APP_LEFT_STATUS: Final = 499


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """`frames` ends when the stream is complete; it raises RouterError, after its error frame, when it broke. Whoever
    holds it takes the first frame, which is there already, and closes it: only then its hold ends."""

    frames: AsyncGenerator[bytes, None]


class _Turn(msgspec.Struct, kw_only=True):
    """An attempt that is under way, the hold that covers it, and what it was counted with upstream. `ends` says how the
    hold ends, once that is known."""

    hold: Reservation
    draw: Draw
    verdict: Verdict
    waited_ms: int
    began_s: float
    ends: Ends | None = None


class Serving:
    def __init__(
        self,
        *,
        attempting: Attempting,
        holding: Holding,
        habits: Habits,
        settler: Settler,
        warmth: Warmth,
        health: Health,
        quotas: Quotas,
        recorder: Recorder,
        jitter: Callable[[], float],
        count: Callable[[str], int],
    ) -> None:
        self.attempting = attempting
        self.holding = holding
        self.habits = habits
        self.settler = settler
        self.warmth = warmth
        self.health = health
        self.quotas = quotas
        self.recorder = recorder
        self.jitter = jitter
        self.count = count
        self.clock = recorder.clock

    async def serve(self, journey: Journey, hold: Reservation, draw: Draw) -> Whole | Streamed:
        """The answer. `hold` is the first attempt's reservation, `draw` what it was counted with upstream.

        Raises RouterError when nothing answered. Whatever happens, also when the caller is cancelled, the hold and the
        draw that are open then are ended.
        """
        plan = journey.plan
        assert plan is not None, "only a planned request is served"
        state = State(payers=tuple(verdict.site.payer for verdict in plan.order))
        turn: _Turn | None = _Turn(hold=hold, draw=draw, verdict=plan.order[0], waited_ms=0, began_s=self.clock())
        try:
            while turn is not None:
                journey.asking = turn.verdict.card.name
                self._sent(turn)
                tried = await self.attempting.once(journey, turn.verdict, last=state.last)
                journey.upstream_s += self.clock() - turn.began_s
                if tried.opened is not None:
                    journey.first_chunk_s = self.clock() - journey.started_s
                    answered, turn = turn, None
                    return Streamed(frames=self._frames(journey, answered, tried.opened))
                self._learn(journey, turn, tried.outcome)
                if tried.outcome is Outcome.OK:
                    whole = self._answer(journey, turn, tried)
                    turn = None
                    return whole
                self._note(journey, turn, tried)
                failure = failure_of(tried.outcome, tried.refusal, len(journey.attempts))
                step = after(
                    state,
                    tried.outcome,
                    remaining_s=journey.deadline_s - self.clock(),
                    jitter=self.jitter(),
                    retry_allowed=self.health.may_retry(turn.verdict.quota),
                )
                match step:
                    case GiveUp():
                        last, turn = turn, None
                        self._end(journey, last, failure.status, failure.code)
                    case Send(state=following, wait_s=wait_s):
                        if following.index == state.index:
                            self.health.note_retry(turn.verdict.quota)
                        state = following
                        await asyncio.sleep(wait_s)
                        turn = await self._advance(journey, turn, plan.order[state.index], round(wait_s * 1000))
                        if turn is None:
                            write = self.recorder.finish(journey, failure.status, failure.code)
                            self.holding.record(journey, write)
            raise failure
        except BaseException as error:
            if turn is not None:
                if turn.ends is None:
                    self._note(journey, turn, Tried(outcome=Outcome.APP_LEFT))
                self._end(journey, turn, *_left_by(error))
            raise

    def _sent(self, turn: _Turn) -> None:
        """The attempt is about to cost something. Raises JournalUnavailable, and then nothing is sent."""
        try:
            self.holding.sent(turn.hold)
        except JournalUnavailable:
            turn.ends = Ending.VOIDED, VOIDED
            raise

    def _answer(self, journey: Journey, turn: _Turn, tried: Tried) -> Whole:
        answer = tried.answer
        assert answer is not None, "an outcome OK without a stream has an answer"
        self._note(journey, turn, tried)
        complete_answer(answer, model=turn.verdict.card.name, dialect=journey.dialect)
        said = [text for choice in answer.get("choices", ()) for text in said_in(choice["message"])]
        answer["usage"] = self._priced(answer.get("usage"), journey, turn, said)
        if journey.wanted.explain:
            answer["router"] = explained(journey)
        self._stay(journey, turn, tried.usage)
        body = _voice(journey).whole(answer)
        self._end(journey, turn, 200, None)
        return Whole(body=body)

    async def _frames(self, journey: Journey, turn: _Turn, opened: Opened) -> AsyncGenerator[bytes, None]:
        """The stream as it goes to the app."""
        chunks, voice, began_s = opened.chunks, _voice(journey), self.clock()
        outcome, status, code = Outcome.APP_LEFT, APP_LEFT_STATUS, "app_left"
        try:
            for chunk in opened.first:
                if said := voice.chunk(chunk):
                    yield said
            async for chunk in opened.rest:
                if self.clock() - began_s > STREAM_S_MAX:
                    raise AttemptFailed(Outcome.CUT)
                if said := voice.chunk(chunk):
                    yield said
            self.health.note(turn.verdict.quota, Outcome.OK, turn.verdict.site.payer)
            usage = read_usage(chunks.usage)
            self._note(journey, turn, Tried(outcome=Outcome.OK, usage=usage))
            assert turn.ends is not None, "it was noted just now"
            self.holding.known(turn.hold, turn.ends)  # the app may read on only after the record could be made
            self._stay(journey, turn, usage)
            status, code = 200, ""
            last = chunks.last(
                usage=self._priced(chunks.usage, journey, turn, chunks.said),
                router=explained(journey) if journey.wanted.explain else summary(journey),
                apart=journey.request is not None and journey.request.include_usage,
            )
            yield voice.end(last)
        except AttemptFailed:
            outcome, status, code = Outcome.CUT, 200, "stream_broken"
            error = UpstreamBadResponse("The upstream broke off in the middle of the answer.", code=code)
            yield voice.broken(error)
            raise error from None
        finally:
            if turn.ends is None:
                self.health.note(turn.verdict.quota, outcome, turn.verdict.site.payer)
                self._note(journey, turn, Tried(outcome=outcome, usage=read_usage(chunks.usage)))
            journey.upstream_s += self.clock() - began_s
            self._end(journey, turn, status, code or None)
            await opened.stack.aclose()

    def _stay(self, journey: Journey, turn: _Turn, usage: Usage | None) -> None:
        """Remember where the conversation was answered, for its next turn."""
        if journey.conversation is None or usage is None:
            return
        conversation, verdict = journey.conversation.id, turn.verdict
        warm = Warm(model=verdict.card.name, upstream=verdict.site.name, tokens=usage.input_tokens)
        self.settler.hand_over(lambda: self.warmth.remember(journey.team, conversation, warm))

    def _priced(self, usage: Any, journey: Journey, turn: _Turn, said: list[str]) -> dict[str, Any]:
        """The usage as it came, or else counted, with the request's cost."""
        if not isinstance(usage, dict):
            usage = counted_usage(turn.verdict.input_tokens, self.count("".join(said)))
        return priced(usage, journey)

    def _learn(self, journey: Journey, turn: _Turn, outcome: Outcome) -> None:
        """How the model did. A time-out that the app chose shorter than ours says nothing about the model."""
        chosen_s = journey.wanted.timeout_s
        hasty = chosen_s is not None and chosen_s < self.attempting.timing.first_byte
        if not (hasty and outcome is Outcome.TIMED_OUT):
            self.health.note(turn.verdict.quota, outcome, turn.verdict.site.payer)

    def _note(self, journey: Journey, turn: _Turn, tried: Tried) -> None:
        """The attempt is over: add it to the journey, and decide how its hold ends."""
        self.quotas.end(turn.draw, tried.outcome, tried.usage, tried.rates)
        held = turn.hold.held
        if tried.usage is not None:
            if journey.ask is not None and tried.outcome is Outcome.OK:
                each = tried.usage.output_tokens // journey.ask.answers
                self.habits.note(journey.key_id, journey.ask.kind, each)
            ending, actual = Ending.SETTLED, settled(turn.verdict.card, tried.usage, turn.verdict.site.factor)
        elif tried.outcome is Outcome.OK and held.nano == 0:  # moderation is free, and may come without usage
            ending, actual = Ending.SETTLED, held
        elif CHARGES[tried.outcome] is Charge.UNCONFIRMED:
            ending, actual = Ending.UNCONFIRMED, held
        else:
            ending, actual = Ending.VOIDED, VOIDED
        # The app asked once: only the first attempt takes a place in its requests per minute.
        turn.ends = ending, msgspec.structs.replace(actual, requests=held.requests)
        journey.freed_nano = held.nano - actual.nano
        journey.attempts.append(
            Attempt(
                model=turn.verdict.card.name,
                upstream=turn.verdict.site.name,
                outcome=tried.outcome,
                wait_ms=turn.waited_ms,
                nano_usd=actual.nano,
                duration_ms=round((self.clock() - turn.began_s) * 1000),
                unconfirmed=ending is Ending.UNCONFIRMED,
                usage=tried.usage,
            )
        )

    async def _advance(self, journey: Journey, turn: _Turn, verdict: Verdict, waited_ms: int) -> _Turn | None:
        """The next attempt, under a hold of its own. None when it is not afforded; the last one's has then ended."""
        assert turn.ends is not None, "a model follows an attempt that is over"
        hold = await self.holding.follow(journey, turn.hold, turn.ends, verdict)
        if hold is None:
            return None
        draw = self.quotas.draw(verdict)
        return _Turn(hold=hold, draw=draw, verdict=verdict, waited_ms=waited_ms, began_s=self.clock())

    def _end(self, journey: Journey, turn: _Turn, status: int, code: str | None) -> None:
        assert turn.ends is not None, "the attempt was noted"
        self.holding.end(journey, turn.hold, turn.ends, self.recorder.finish(journey, status, code))


def _voice(journey: Journey) -> Voice:
    assert journey.voice is not None, "only a parsed request is served"
    return journey.voice


def _left_by(error: BaseException) -> tuple[int, str]:
    """The record's status and code for a request that was left in the middle."""
    if isinstance(error, JournalUnavailable):
        return error.status, error.code
    hung_up = isinstance(error, asyncio.CancelledError | GeneratorExit)
    return (APP_LEFT_STATUS, "app_left") if hung_up else (500, "internal_error")
