"""What may follow an attempt: the tables whole, and what holds for every sequence of outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.attempts import (
    ATTEMPTS_MAX,
    BACKOFF_MAX_S,
    CAPACITY_WAIT_S,
    CHARGES,
    MOVES,
    REMAINING_MIN_S,
    Charge,
    GiveUp,
    Move,
    Outcome,
    Send,
    State,
    after,
)

RETRY, ESCALATE, ELSEWHERE = Move.RETRY, Move.ESCALATE, Move.ELSEWHERE
VOID, UNCONFIRMED = Charge.VOID, Charge.UNCONFIRMED

# The vendor's guidance and the design's rules, told a second time, independently of the code: what may follow, what is
# charged when no usage came, and why.
POLICY: dict[Outcome, tuple[tuple[Move, ...], Charge, str]] = {
    Outcome.OK: ((), UNCONFIRMED, "an answer without usage was delivered, so it is billed"),
    Outcome.CONNECT_FAILED: ((RETRY, ESCALATE), VOID, "nothing was sent"),
    Outcome.RESET: ((ESCALATE,), UNCONFIRMED, "the work may be done; never twice on one model"),
    Outcome.TIMED_OUT: ((ESCALATE,), UNCONFIRMED, "a timeout moves on: the upstream may bill the first try"),
    Outcome.BAD_RESPONSE: ((ESCALATE,), UNCONFIRMED, "something was generated"),
    Outcome.RATE_LIMITED: ((ESCALATE,), VOID, "no waiting time is named; another model has its own window"),
    Outcome.NOT_ON_PLAN: ((ESCALATE,), VOID, "a limit of zero is never; no waiting helps"),
    Outcome.CAPACITY: ((ESCALATE, RETRY), VOID, "another model at once; alone, once more after a second"),
    Outcome.SERVER_ERROR: ((ESCALATE,), VOID, "a 500 may repeat itself on the same prompt"),
    Outcome.UNAVAILABLE: ((ESCALATE, RETRY), VOID, "a refusal to start"),
    Outcome.BAD_GATEWAY: ((RETRY, ESCALATE), VOID, "the back end was not reached"),
    Outcome.GATEWAY_TIMEOUT: ((ESCALATE,), UNCONFIRMED, "the back end may have worked"),
    Outcome.AUTH_REFUSED: ((ELSEWHERE,), VOID, "one key for all models of an upstream"),
    Outcome.BILLING_REFUSED: ((ELSEWHERE,), VOID, "one account for all models of an upstream"),
    Outcome.FORBIDDEN: ((ESCALATE,), VOID, "this model, not the others"),
    Outcome.MODEL_UNKNOWN: ((ESCALATE,), VOID, "this model, not the others"),
    Outcome.CONTEXT_TOO_LONG: ((ESCALATE,), VOID, "a larger window may hold it"),
    Outcome.REFUSED: ((), VOID, "the request itself: another model would refuse it too"),
    Outcome.TOO_LARGE: ((), VOID, "the request itself"),
    Outcome.FINISHED_IN_ERROR: ((ESCALATE,), UNCONFIRMED, "it was generated, in vain"),
    Outcome.CUT: ((), UNCONFIRMED, "the app has content already"),
    Outcome.APP_LEFT: ((), UNCONFIRMED, "nobody is there to answer"),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_moves_and_its_charge(outcome: Outcome) -> None:
    moves, charge, reason = POLICY[outcome]
    assert (MOVES[outcome], CHARGES[outcome]) == (moves, charge), reason


def test_only_what_surely_did_no_work_is_repeated_on_the_same_model() -> None:
    repeated = {outcome for outcome in Outcome if Move.RETRY in MOVES[outcome]}
    assert all(CHARGES[outcome] is Charge.VOID for outcome in repeated)


def follow(
    outcome: Outcome,
    candidates: int = 2,
    *,
    remaining_s: float = 60.0,
    jitter: float = 0.5,
    retry_allowed: bool = True,
    **at: int,
) -> Send | GiveUp:
    state = State(payers=("mistral",) * candidates, **at)
    return after(state, outcome, remaining_s=remaining_s, jitter=jitter, retry_allowed=retry_allowed)


NEXT = State(payers=("mistral",) * 2, index=1, attempts=2)
LATER = State(payers=("mistral",) * 2, index=1, attempts=3)
SAME = State(payers=("mistral",), index=0, attempts=2, retries=1)


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        (follow(Outcome.RATE_LIMITED), Send(state=NEXT, wait_s=0.0)),
        (follow(Outcome.RATE_LIMITED, 1), GiveUp(outcome=Outcome.RATE_LIMITED)),
        (follow(Outcome.CAPACITY), Send(state=NEXT, wait_s=0.0)),
        (follow(Outcome.CAPACITY, 1), Send(state=SAME, wait_s=CAPACITY_WAIT_S + 0.05)),
        (follow(Outcome.CAPACITY, 1, retry_allowed=False), GiveUp(outcome=Outcome.CAPACITY)),
        (follow(Outcome.CAPACITY, 1, remaining_s=1.2), GiveUp(outcome=Outcome.CAPACITY)),
        (follow(Outcome.BAD_GATEWAY, 1, jitter=0.0), Send(state=SAME, wait_s=0.0)),
        (follow(Outcome.BAD_GATEWAY, retry_allowed=False), Send(state=NEXT, wait_s=0.0)),
        (follow(Outcome.BAD_GATEWAY, attempts=2, retries=1), Send(state=LATER, wait_s=0.0)),
        (follow(Outcome.BAD_GATEWAY, 1, attempts=2, retries=1), GiveUp(outcome=Outcome.BAD_GATEWAY)),
        (follow(Outcome.RATE_LIMITED, 9, index=2, attempts=ATTEMPTS_MAX), GiveUp(outcome=Outcome.RATE_LIMITED)),
        (follow(Outcome.RATE_LIMITED, remaining_s=REMAINING_MIN_S - 0.01), GiveUp(outcome=Outcome.RATE_LIMITED)),
        (follow(Outcome.RATE_LIMITED, remaining_s=REMAINING_MIN_S), Send(state=NEXT, wait_s=0.0)),
    ],
)  # fmt: skip
def test_the_first_move_that_is_open_is_taken(decided: Send | GiveUp, expected: Send | GiveUp) -> None:
    assert decided == expected


RUNS = st.lists(
    st.tuples(st.sampled_from(Outcome), st.floats(0, 1, exclude_max=True), st.booleans(), st.floats(0, 5)), max_size=8
)


@given(st.integers(1, 6), RUNS, st.floats(0, 120))
def test_whatever_happens_the_attempts_end_within_their_bounds(
    candidates: int, run: list[tuple[Outcome, float, bool, float]], deadline_s: float
) -> None:
    state, remaining_s = State(payers=("mistral",) * candidates), deadline_s
    tries: list[int] = [0]
    for outcome, jitter, retry_allowed, took_s in run:
        remaining_s -= took_s
        decided = after(state, outcome, remaining_s=remaining_s, jitter=jitter, retry_allowed=retry_allowed)
        if isinstance(decided, GiveUp):
            assert decided.outcome is outcome
            break
        assert POLICY[outcome][0], f"nothing follows {outcome}"
        assert 0 <= decided.wait_s <= CAPACITY_WAIT_S + BACKOFF_MAX_S
        assert decided.wait_s + REMAINING_MIN_S <= remaining_s
        assert decided.state.attempts == state.attempts + 1 == len(tries) + 1
        assert decided.state.index - state.index in (0, 1)
        assert decided.state.index < candidates
        assert retry_allowed or decided.state.index > state.index
        state = decided.state
        tries.append(state.index)
    assert len(tries) <= ATTEMPTS_MAX
    assert all(tries.count(index) <= 2 for index in tries), "one model is repeated once at most"


@given(RUNS)
def test_a_rejected_request_is_never_sent_again(run: list[tuple[Outcome, float, bool, float]]) -> None:
    for outcome, jitter, retry_allowed, _ in run:
        state = State(payers=("mistral",) * 5)
        decided = after(state, outcome, remaining_s=60, jitter=jitter, retry_allowed=retry_allowed)
        assert isinstance(decided, GiveUp) == (MOVES[outcome] in ((), (ELSEWHERE,)))


@pytest.mark.parametrize("outcome", [Outcome.AUTH_REFUSED, Outcome.BILLING_REFUSED])
def test_a_refused_key_moves_to_the_next_candidate_of_another_upstream(outcome: Outcome) -> None:
    state = State(payers=("mistral", "mistral", "own", "mistral"))
    moved = after(state, outcome, remaining_s=60, jitter=0.5, retry_allowed=True)
    assert moved == Send(state=State(payers=state.payers, index=2, attempts=2), wait_s=0.0)
    assert isinstance(moved, Send)
    assert after(moved.state, outcome, remaining_s=60, jitter=0.5, retry_allowed=True) == Send(
        state=State(payers=state.payers, index=3, attempts=3), wait_s=0.0
    )
