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
from router.core.charges import NOTHING, VOIDED, Account, Amounts, settled
from router.core.explain import Attempt
from router.core.failures import failure_of
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.policy import StoreAway
from router.core.record import name_hold
from router.core.warmth import Warm
from router.errors import StoreUnavailable, UpstreamBadResponse
from router.recording import Recorder, note_of
from router.store.leases import LEASE_MS, Leases
from router.store.ledger import Ending, Ledger, Reservation
from router.store.settler import Settler
from router.store.warmth import Warmth
from router.telling import explained, priced, summary
from router.upstream.client import AttemptFailed
from router.upstream.health import Health
from router.wire.answer import complete_answer, said_in
from router.wire.usage import Usage, counted_usage, read_usage
from router.wire.voice import Voice

# A stream may go on after its deadline, which bounds the wait for its first content; this bounds the whole of it.
STREAM_S_MAX: Final = 600.0
# nginx's status for an app that hung up: nobody receives it, but the record needs one.
APP_LEFT_STATUS: Final = 499

Vector = Callable[[str, int], tuple[Account, ...]]


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """`frames` ends when the stream is complete; it raises RouterError, after its error frame, when it broke. Whoever
    holds it takes the first frame, which is there already, and closes it: only then its hold ends."""

    frames: AsyncGenerator[bytes, None]


class _Turn(msgspec.Struct, kw_only=True):
    """An attempt that is under way, and the hold that covers it. `ends` says how the hold ends, once that is known."""

    hold: Reservation
    verdict: Verdict
    waited_ms: int
    began_s: float
    ends: tuple[Ending, Amounts] | None = None


class Serving:
    def __init__(
        self,
        *,
        attempting: Attempting,
        ledger: Ledger,
        leases: Leases,
        settler: Settler,
        warmth: Warmth,
        health: Health,
        recorder: Recorder,
        jitter: Callable[[], float],
        count: Callable[[str], int],
    ) -> None:
        self.attempting = attempting
        self.ledger = ledger
        self.leases = leases
        self.settler = settler
        self.warmth = warmth
        self.health = health
        self.recorder = recorder
        self.jitter = jitter
        self.count = count
        self.clock = recorder.clock

    async def serve(self, journey: Journey, hold: Reservation, vector: Vector) -> Whole | Streamed:
        """The answer. `hold` is the first attempt's reservation; `vector` gives a model's accounts at an instant (ms).

        Raises RouterError when nothing answered. Whatever happens, also when the caller is cancelled, the hold that is
        open then is ended.
        """
        plan = journey.plan
        assert plan is not None, "only a planned request is served"
        state = State(upstreams=tuple(verdict.site.name for verdict in plan.order))
        self.leases.keep(hold)
        turn: _Turn | None = _Turn(hold=hold, verdict=plan.order[0], waited_ms=0, began_s=self.clock())
        try:
            while turn is not None:
                journey.asking = turn.verdict.card.name
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
                    retry_allowed=self.health.may_retry(turn.verdict.label),
                )
                match step:
                    case GiveUp():
                        last, turn = turn, None
                        self._end(journey, last, failure.status, failure.code)
                    case Send(state=following, wait_s=wait_s):
                        if following.index == state.index:
                            self.health.note_retry(turn.verdict.label)
                        state = following
                        await asyncio.sleep(wait_s)
                        turn = await self._advance(journey, turn, plan.order[state.index], round(wait_s * 1000), vector)
                        if turn is None:
                            self._record(journey, failure.status, failure.code)
            raise failure
        except BaseException as error:
            if turn is not None:
                if turn.ends is None:
                    self._note(journey, turn, Tried(outcome=Outcome.APP_LEFT))
                self._end(journey, turn, *_left_by(error))
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
            self.health.note(turn.verdict.label, Outcome.OK)
            usage = read_usage(chunks.usage)
            self._note(journey, turn, Tried(outcome=Outcome.OK, usage=usage))
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
                self.health.note(turn.verdict.label, outcome)
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
            self.health.note(turn.verdict.label, outcome)

    def _note(self, journey: Journey, turn: _Turn, tried: Tried) -> None:
        """The attempt is over: add it to the journey, and decide how its hold ends."""
        held = turn.hold.held
        if tried.usage is not None:
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

    async def _advance(
        self, journey: Journey, turn: _Turn, verdict: Verdict, waited_ms: int, vector: Vector
    ) -> _Turn | None:
        """The next attempt, its hold taken in the step that ends the last one's. None when it is not afforded; the
        last one's hold has then ended all the same."""
        assert verdict.most is not None and turn.ends is not None, "a priced model follows an attempt that is over"
        ending, actual = turn.ends
        self.leases.drop(turn.hold)
        name, most = verdict.card.name, msgspec.structs.replace(verdict.most, requests=0)
        hold_id = name_hold(journey.request_id, len(journey.attempts) + 1)
        try:
            advanced = await self.ledger.advance(
                turn.hold,
                ending,
                actual,
                hold_id,
                lambda now_ms: vector(name, now_ms),
                most,
                lease_ms=LEASE_MS,
                note=note_of(journey, verdict),
            )
        except StoreUnavailable:
            # Nobody knows what the store did. Both ends are delivered until it has taken them.
            self.settler.hand_over(lambda: self.ledger.close(turn.hold, ending, actual), frees=journey.team)
            accounts = vector(name, journey.at_ms)
            if journey.policy is None or journey.policy.when_store_away is not StoreAway.ALLOW:
                self.give_back(hold_id, journey.team, accounts, most)
                return None
            journey.degraded = "store"
            unheld = self.ledger.unheld(hold_id, journey.team, accounts, most, note=note_of(journey, verdict))
            return _Turn(hold=unheld, verdict=verdict, waited_ms=waited_ms, began_s=self.clock())
        except asyncio.CancelledError:
            self.give_back(hold_id, journey.team, vector(name, journey.at_ms), most)
            raise
        if not isinstance(advanced, Reservation):
            return None
        self.leases.keep(advanced)
        journey.standings, journey.freed_nano = advanced.standings, 0
        return _Turn(hold=advanced, verdict=verdict, waited_ms=waited_ms, began_s=self.clock())

    def give_back(self, hold_id: str, team: str, accounts: tuple[Account, ...], most: Amounts) -> None:
        """End a hold that was asked for and may exist, though nothing was sent under it."""
        hold = self.ledger.unheld(hold_id, team, accounts, most)
        self.settler.hand_over(lambda: self.ledger.close(hold, Ending.VOIDED, NOTHING), frees=team)

    def _end(self, journey: Journey, turn: _Turn, status: int, code: str | None) -> None:
        assert turn.ends is not None, "the attempt was noted"
        ending, actual = turn.ends
        self.leases.drop(turn.hold)
        write = self.recorder.finish(journey, status, code)
        self.settler.hand_over(lambda: self.ledger.close(turn.hold, ending, actual, write), frees=journey.team)

    def _record(self, journey: Journey, status: int, code: str) -> None:
        write = self.recorder.finish(journey, status, code)
        self.settler.hand_over(lambda: self.ledger.record(journey.team, journey.request_id, write))


def _voice(journey: Journey) -> Voice:
    assert journey.voice is not None, "only a parsed request is served"
    return journey.voice


def _left_by(error: BaseException) -> tuple[int, str]:
    """The record's status and code for a request that was left in the middle."""
    hung_up = isinstance(error, asyncio.CancelledError | GeneratorExit)
    return (APP_LEFT_STATUS, "app_left") if hung_up else (500, "internal_error")
