"""What happens after an attempt: the same model again, the next model, or give up; and what the attempt is charged.

Two tables are the policy. `MOVES` says what may follow each outcome: the first move that is still open is taken.
`CHARGES` says what becomes of the hold. Only what surely did no work is repeated on the same model, because Mistral
takes no idempotency key; a timeout moves on, since the first try may have been billed already.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

ATTEMPTS_MAX: Final = 3
# Full jitter below min(2 s, 100 ms · 2ⁿ): AWS's 2026 standard mode starts at 50 ms, gRPC's at 100.
BACKOFF_FIRST_S: Final = 0.1
BACKOFF_MAX_S: Final = 2.0
# Capacity comes back in seconds, not in milliseconds; the vendor's own client waits half a second and more.
CAPACITY_WAIT_S: Final = 1.0
# A request that has less than this left is not sent again: it would only be cut off, and billed.
REMAINING_MIN_S: Final = 0.25


class Timing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds. The deadline bounds a request as a whole, and only ever shrinks."""

    deadline: float = 120.0
    attempt: float = 60.0
    first_byte: float = 30.0
    first_byte_reasoning: float = 120.0
    stream_idle: float = 20.0
    # Well below the minute after which common proxies cut a silent connection.
    keep_alive: float = 10.0
    stop_grace: float = 30.0


class Outcome(enum.Enum):
    """How one attempt ended."""

    OK = "ok"
    CONNECT_FAILED = "connect_failed"  # refused, no route, TLS: nothing was sent
    RESET = "reset"  # closed before an answer; the work may have been done
    TIMED_OUT = "timed_out"
    BAD_RESPONSE = "bad_response"  # a 200 that is not an answer
    RATE_LIMITED = "rate_limited"
    NOT_ON_PLAN = "not_on_plan"  # a 429 whose limit is zero: never allowed
    CAPACITY = "capacity"  # code 3505
    SERVER_ERROR = "server_error"  # 500 and unknown 5xx
    UNAVAILABLE = "unavailable"  # 503
    BAD_GATEWAY = "bad_gateway"  # 502: the front could not reach the back
    GATEWAY_TIMEOUT = "gateway_timeout"  # 408, 504, 520 and above: the back may have worked
    AUTH_REFUSED = "auth_refused"  # 401: our vendor key
    BILLING_REFUSED = "billing_refused"  # 402: our vendor account
    FORBIDDEN = "forbidden"  # 403: labs model, tier, guardrail
    MODEL_UNKNOWN = "model_unknown"  # 404, or 400 with code 1500
    CONTEXT_TOO_LONG = "context_too_long"
    REFUSED = "refused"  # 400, 422: the request itself
    TOO_LARGE = "too_large"  # 413
    FINISHED_IN_ERROR = "finished_in_error"  # finish_reason "error" before any content
    CUT = "cut"  # a stream that broke after content had gone out
    APP_LEFT = "app_left"  # the app hung up


class Move(enum.Enum):
    RETRY = "retry"  # the same model again
    ESCALATE = "escalate"  # the next candidate
    ELSEWHERE = "elsewhere"  # the next candidate that is paid from another account


class Charge(enum.Enum):
    """What becomes of an attempt's hold when no usage is known."""

    VOID = "void"
    UNCONFIRMED = "unconfirmed"


MOVES: Final[dict[Outcome, tuple[Move, ...]]] = {
    Outcome.OK: (),
    # Nothing reached the upstream, so nothing can be billed twice.
    Outcome.CONNECT_FAILED: (Move.RETRY, Move.ESCALATE),
    # The generation may have run to its end behind the lost connection.
    Outcome.RESET: (Move.ESCALATE,),
    Outcome.TIMED_OUT: (Move.ESCALATE,),
    Outcome.BAD_RESPONSE: (Move.ESCALATE,),
    # The vendor names no waiting time, and another model has a window of its own.
    Outcome.RATE_LIMITED: (Move.ESCALATE,),
    Outcome.NOT_ON_PLAN: (Move.ESCALATE,),
    # It is the model's machines that are full; a pinned app has no other, so one more try after a second.
    Outcome.CAPACITY: (Move.ESCALATE, Move.RETRY),
    Outcome.SERVER_ERROR: (Move.ESCALATE,),
    # A refusal to start, so repeating it does no work twice; another model is likelier to be up.
    Outcome.UNAVAILABLE: (Move.ESCALATE, Move.RETRY),
    Outcome.BAD_GATEWAY: (Move.RETRY, Move.ESCALATE),
    Outcome.GATEWAY_TIMEOUT: (Move.ESCALATE,),
    # Every model of an upstream sits behind the same key and account.
    Outcome.AUTH_REFUSED: (Move.ELSEWHERE,),
    Outcome.BILLING_REFUSED: (Move.ELSEWHERE,),
    Outcome.FORBIDDEN: (Move.ESCALATE,),
    Outcome.MODEL_UNKNOWN: (Move.ESCALATE,),
    # The same prompt would overflow the same window again.
    Outcome.CONTEXT_TOO_LONG: (Move.ESCALATE,),
    # Another model would refuse it too, and repeating it would only cost time.
    Outcome.REFUSED: (),
    Outcome.TOO_LARGE: (),
    Outcome.FINISHED_IN_ERROR: (Move.ESCALATE,),
    # The app has content already: nothing is ever repeated behind its back.
    Outcome.CUT: (),
    Outcome.APP_LEFT: (),
}

CHARGES: Final[dict[Outcome, Charge]] = {
    outcome: Charge.UNCONFIRMED
    if outcome
    in {
        Outcome.OK,  # an answer without usage: delivered, so surely billed
        Outcome.RESET,
        Outcome.TIMED_OUT,
        Outcome.BAD_RESPONSE,
        Outcome.GATEWAY_TIMEOUT,
        Outcome.FINISHED_IN_ERROR,
        Outcome.CUT,
        Outcome.APP_LEFT,
    }
    else Charge.VOID
    for outcome in Outcome
}

_WAITS: Final = {Outcome.CAPACITY: CAPACITY_WAIT_S}


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request stands: which candidate it is on, how many attempts were made, and whose account pays for each
    candidate of the plan."""

    payers: tuple[str, ...]
    index: int = 0
    attempts: int = 1
    retries: int = 0

    @property
    def last(self) -> bool:
        """Whether no candidate is behind this one."""
        return self.index + 1 >= len(self.payers)


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Try again after `wait_s`: on `state.index`, which is the same model or the next."""

    state: State
    wait_s: float


class GiveUp(msgspec.Struct, frozen=True, kw_only=True):
    outcome: Outcome


def after(state: State, outcome: Outcome, *, remaining_s: float, jitter: float, retry_allowed: bool) -> Send | GiveUp:
    """What follows `outcome`. `jitter` is uniform in [0, 1); `retry_allowed` is the model's retry budget's word."""
    if state.attempts >= ATTEMPTS_MAX or remaining_s < REMAINING_MIN_S:
        return GiveUp(outcome=outcome)
    for move in MOVES[outcome]:
        match move:
            case Move.RETRY if retry_allowed and state.retries == 0:
                ceiling = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2**state.retries)
                wait_s = _WAITS.get(outcome, 0.0) + ceiling * jitter
                if wait_s + REMAINING_MIN_S > remaining_s:
                    continue
                same = msgspec.structs.replace(state, attempts=state.attempts + 1, retries=state.retries + 1)
                return Send(state=same, wait_s=wait_s)
            case Move.ESCALATE if not state.last:
                return Send(state=_moved(state, state.index + 1), wait_s=0.0)
            case Move.ELSEWHERE if (elsewhere := _elsewhere(state)) is not None:
                return Send(state=_moved(state, elsewhere), wait_s=0.0)
    return GiveUp(outcome=outcome)


def _moved(state: State, index: int) -> State:
    return State(payers=state.payers, index=index, attempts=state.attempts + 1)


def _elsewhere(state: State) -> int | None:
    """The next candidate that is paid from another account."""
    here = state.payers[state.index]
    following = range(state.index + 1, len(state.payers))
    return next((index for index in following if state.payers[index] != here), None)
