"""How each model does: who rests, who may be asked twice."""

from __future__ import annotations

from router.core.attempts import Outcome
from router.core.reasons import Why
from router.upstream.health import (
    FAILURES_IN_ROW,
    NOT_ON_PLAN_REST_S,
    REST_FIRST_S,
    REST_MAX_S,
    RETRY_COST,
    RETRY_TOKENS_MAX,
    Health,
)

PAYER = "@mistral"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_rate_limited_model_rests_twice_as_long_each_time_and_never_beyond_the_most() -> None:
    clock = Clock()
    health = Health(clock)
    rests = []
    for _ in range(7):
        health.note("m", Outcome.RATE_LIMITED, PAYER)
        rests.append(health.states()["m"]["rests_s"])
        clock.now_s += 60
    assert rests == [REST_FIRST_S, 4.0, 8.0, 16.0, REST_MAX_S, REST_MAX_S, REST_MAX_S]
    assert health.resting() == {}


def test_broken_streams_in_a_row_rest_the_model_and_one_success_clears_it() -> None:
    health = Health(Clock())
    for _ in range(FAILURES_IN_ROW - 1):
        health.note("m", Outcome.CUT, PAYER)
    assert health.resting() == {}
    health.note("m", Outcome.CUT, PAYER)
    assert health.resting() == {"m": Why.RESTING}
    other = Health(Clock())
    for _ in range(FAILURES_IN_ROW - 1):
        other.note("m", Outcome.SERVER_ERROR, PAYER)
    other.note("m", Outcome.OK, PAYER)
    other.note("m", Outcome.SERVER_ERROR, PAYER)
    assert other.resting() == {}


def test_a_model_that_is_not_on_the_plan_rests_long_and_one_403_rests_nobody() -> None:
    health = Health(Clock())
    health.note("off", Outcome.NOT_ON_PLAN, PAYER)
    health.note("guarded", Outcome.FORBIDDEN, PAYER)
    assert health.resting() == {"off": Why.RESTING}
    assert health.states()["off"]["rests_s"] == NOT_ON_PLAN_REST_S


def test_what_is_the_requests_own_fault_rests_nobody() -> None:
    health = Health(Clock())
    for outcome in (Outcome.REFUSED, Outcome.TOO_LARGE, Outcome.CONTEXT_TOO_LONG, Outcome.APP_LEFT):
        for _ in range(FAILURES_IN_ROW + 1):
            health.note("m", outcome, PAYER)
    assert health.resting() == {}


def test_repeats_are_bought_with_successes() -> None:
    health = Health(Clock())
    for _ in range(RETRY_TOKENS_MAX // RETRY_COST):
        assert health.may_retry("m")
        health.note_retry("m")
    assert not health.may_retry("m")
    for _ in range(RETRY_COST):
        health.note("m", Outcome.OK, PAYER)
    assert health.may_retry("m")
