"""What is foretold of a budget, which step follows, and until when; and that early in a window nothing is foretold."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from router.core.budget_lines import Pace, Step
from router.core.charges import FOREVER_MS, Account, Kind, Measure, Owner, Standing, accounts_of
from router.core.pacing import STEPS, forecast, pace_step, paced, warned
from router.core.policy import Policy, Scope
from router.core.refusals import too_fast

DAY = 86_400_000
BEGIN = 20_750 * DAY
LADDER = (
    Pace(above=1.0, step=Step.WARN),
    Pace(above=1.5, step=Step.ECONOMY),
    Pace(above=2.0, step=Step.SMALLER_OUTPUTS),
    Pace(above=3.0, step=Step.DENY),
)


def account(**fields: Any) -> Account:
    given: dict[str, Any] = {
        "name": "team:t:usd:day",
        "scope": Scope.TEAM,
        "id": "t",
        "measure": Measure.USD,
        "kind": Kind.CALENDAR,
        "window": "day",
        "limit": 1_000,
        "enforced": True,
        "begin": BEGIN,
        "end": BEGIN + DAY,
    }
    return Account(**{**given, **fields})


def standing(spent: int, **fields: Any) -> Standing:
    of = account(**fields)
    return Standing(account=of, remaining=of.limit - spent, reset_ms=0, spent=spent, held=0)


NOON = BEGIN + DAY // 2


def test_half_of_the_time_doubles_what_was_spent() -> None:
    assert forecast(account(), 500, NOON) == 1
    assert forecast(account(), 750, NOON) == Fraction(3, 2)
    assert forecast(account(), 0, NOON) == 0
    last = forecast(account(), 750, BEGIN + DAY - 1)
    assert last is not None
    assert round(last, 6) == Fraction(3, 4), "at the end it is what was spent"


def test_nothing_is_foretold_where_that_would_say_nothing() -> None:
    twentieth = BEGIN + DAY // 20
    assert forecast(account(), 900, twentieth - 1) is None, "too early"
    assert forecast(account(), 900, twentieth) is not None
    assert forecast(account(), 900, BEGIN - 1) is None, "another window's"
    assert forecast(account(), 900, BEGIN + DAY) is None
    assert forecast(account(begin=0, end=FOREVER_MS), 900, NOON) is None, "no end"
    assert forecast(account(kind=Kind.RING, begin=DAY, end=24), 900, NOON) is None, "no begin"
    assert forecast(account(limit=0), 900, NOON) is None


@pytest.mark.parametrize(
    ("share", "step"),
    [
        (Fraction(1), None),
        (Fraction(101, 100), Step.WARN),
        (Fraction(3, 2), Step.WARN),
        (Fraction(19, 10), Step.ECONOMY),
        (Fraction(5, 2), Step.SMALLER_OUTPUTS),
        (Fraction(100), Step.DENY),
    ],
)
def test_the_highest_rung_that_is_passed_holds(share: Fraction, step: Step | None) -> None:
    rung = pace_step(LADDER, share)
    assert (rung.step if rung else None) is step
    assert pace_step((), share) is None


def step_of(standings: list[Standing], now_ms: int) -> Step | None:
    strictest = paced(standings, now_ms)
    return strictest.pace.step if strictest is not None else None


def test_the_strictest_step_of_all_budgets_holds() -> None:
    mild, strict = standing(520, pace=LADDER), standing(990, pace=LADDER, id="strict")
    assert step_of([mild], NOON) is Step.WARN
    assert step_of([strict, mild], NOON) is step_of([mild, strict], NOON) is Step.ECONOMY
    assert step_of([standing(990)], NOON) is None
    assert step_of([standing(990, pace=LADDER, shadow=True)], NOON) is None
    assert step_of([standing(990, pace=LADDER, measure=Measure.EXPOSURE)], NOON) is None
    assert set(STEPS) == set(Step)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(BEGIN, BEGIN + DAY), st.floats(0.01, 10))
def test_a_step_ends_at_the_very_instant_that_is_told(spent: int, limit: int, now_ms: int, above: float) -> None:
    of = standing(spent, limit=limit, pace=(Pace(above=above, step=Step.DENY),))
    step = paced([of], now_ms)
    assume(step is not None)
    assert step is not None
    assert now_ms < step.until_ms <= BEGIN + DAY
    assert paced([of], step.until_ms - 1) is not None, "not a moment earlier"
    if step.until_ms < BEGIN + DAY:
        assert paced([of], step.until_ms) is None


def test_thresholds_are_told_once_passed_and_only_the_highest() -> None:
    shares = (0.5, 0.8)
    assert warned([standing(499, warn_at=shares)], NOON) == []
    [half] = warned([standing(500, warn_at=shares)], NOON)
    assert (half.why, half.text) == ("threshold", "team usd day is spent to more than 50 % of its limit")
    [most] = warned([standing(900, warn_at=shares)], NOON)
    assert "80 %" in most.text
    assert warned([standing(900, warn_at=shares, shadow=True)], NOON) == []
    both = warned([standing(900, warn_at=shares, pace=LADDER)], NOON)
    assert [one.why for one in both] == ["threshold", "pace"]
    assert both[1].text == "team usd day will be spent to 180 % of its limit at this pace"


def test_a_refusal_says_how_fast_and_until_when() -> None:
    step = paced([standing(1_800_000_000, limit=1_000_000_000, pace=LADDER)], NOON)
    assert step is not None
    refusal = too_fast(step, "t")
    assert refusal.code == "budget_exceeded"
    assert refusal.message.startswith("Team t has spent 1.80 of 1.00 USD (day): at this pace 360 % will be spent when")
    told = refusal.extra["budget"]
    assert (told["forecast"], told["forecast_max"]) == (3.6, 3.0)
    assert told["resets_at"] in refusal.message


def test_a_policys_lines_reach_its_accounts() -> None:
    rule = {
        "scope": "team", "usd": "5", "window": "day", "warn_at": [0.5], "overshoot_usd": "1",
        "pace": [{"above": 1.2, "step": "deny"}],
    }  # fmt: skip
    policy = msgspec.convert({"budget": [rule]}, Policy)
    money, _ = accounts_of(policy, Owner(team="t", key="k", model="m"), NOON)
    assert (money.warn_at, money.pace) == ((0.5,), (Pace(above=1.2, step=Step.DENY),))
