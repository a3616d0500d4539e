"""When a budget runs out: what the pace is, and what is said when it does not."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.core.charges import FOREVER_MS, Account, Kind, Measure
from router.core.forecast import PACE_LEAST_MS, Forecast, Outlook, Window, forecast, window_of
from router.core.policy import Scope

HOUR, DAY = 3_600_000, 86_400_000
MONTH = Window(begin_ms=0, end_ms=30 * DAY)
USD = 1_000_000_000


def told(window: Window = MONTH, **more: Any) -> Forecast:
    return forecast(window, **{"now_ms": 10 * DAY, "spent": 0, "held": 0, "limit": 100 * USD, **more})


def test_a_third_spent_in_a_third_of_the_window_lasts_to_its_end() -> None:
    assert told(spent=33 * USD).outlook is Outlook.LASTS


def test_half_spent_in_a_third_of_the_window_runs_out_after_two() -> None:
    found = told(spent=50 * USD)
    assert (found.outlook, found.at_ms) == (Outlook.RUNS_OUT, 20 * DAY)
    assert found.pace_nano == 50 * USD // 240


def test_who_began_late_is_not_taken_for_thrifty() -> None:
    assert told(spent=10 * USD).outlook is Outlook.LASTS
    late = told(spent=10 * USD, since_ms=8 * DAY)
    assert (late.outlook, late.at_ms) == (Outlook.RUNS_OUT, 28 * DAY)


def test_what_is_under_way_is_not_left_to_spend() -> None:
    assert told(spent=50 * USD, held=25 * USD).at_ms == 15 * DAY


def test_nothing_left_is_said_at_once_and_nothing_spent_has_no_pace() -> None:
    assert told(spent=60 * USD, held=40 * USD).outlook is Outlook.EXHAUSTED
    assert told(limit=0).outlook is Outlook.EXHAUSTED
    assert told() == Forecast(outlook=Outlook.UNSPENT, until_ms=30 * DAY)


def test_the_first_minute_of_a_day_does_not_foretell_its_end() -> None:
    day = Window(begin_ms=0, end_ms=DAY)
    found = told(day, now_ms=60_000, spent=USD, limit=25 * USD)
    assert (found.outlook, found.pace_nano) == (Outlook.LASTS, USD)


def test_a_rolling_window_that_is_full_at_this_pace_never_runs_out() -> None:
    week = Window(begin_ms=93 * DAY, end_ms=100 * DAY, rolling=True)
    assert told(week, now_ms=100 * DAY, spent=99 * USD).outlook is Outlook.LASTS


def test_a_rolling_window_that_fills_up_before_it_forgets_runs_out() -> None:
    week = Window(begin_ms=93 * DAY, end_ms=100 * DAY, rolling=True)
    found = told(week, now_ms=100 * DAY, spent=50 * USD, since_ms=98 * DAY)
    assert (found.outlook, found.at_ms, found.until_ms) == (Outlook.RUNS_OUT, 102 * DAY, 105 * DAY)


def test_a_budget_without_an_end_runs_out_at_last() -> None:
    total = Window(begin_ms=0, end_ms=None)
    found = told(total, now_ms=1_000 * DAY, since_ms=999 * DAY, spent=USD)
    assert (found.outlook, found.at_ms) == (Outlook.RUNS_OUT, 1_099 * DAY)
    fresh = told(total, now_ms=1_000 * DAY, since_ms=1_000 * DAY, spent=USD)
    assert fresh.pace_nano == USD * HOUR // PACE_LEAST_MS


def test_what_lasts_for_a_century_lasts() -> None:
    total = Window(begin_ms=0, end_ms=None)
    found = told(total, now_ms=1_000 * DAY, since_ms=1_000 * DAY - HOUR, spent=5_900, limit=4_000_000 * USD)
    assert (found.outlook, found.at_ms, found.pace_nano) == (Outlook.LASTS, None, 5_900)


def account(kind: Kind, begin: int, end: int) -> Account:
    return Account(
        name="a", scope=Scope.TEAM, id="t", measure=Measure.USD, kind=kind, window="w", limit=1, enforced=True,
        begin=begin, end=end,
    )  # fmt: skip


def test_each_kind_of_account_has_its_window() -> None:
    assert window_of(account(Kind.CALENDAR, 0, DAY), 5) == Window(begin_ms=0, end_ms=DAY)
    assert window_of(account(Kind.CALENDAR, 0, FOREVER_MS), 5) == Window(begin_ms=0, end_ms=None)
    assert window_of(account(Kind.RING, DAY, 24), 3 * DAY) == Window(begin_ms=2 * DAY, end_ms=3 * DAY, rolling=True)


amounts = st.integers(0, 4_000_000 * USD)


@given(
    st.integers(0, 40 * DAY), st.integers(1, 400 * DAY), st.integers(0, 400 * DAY), amounts, amounts, amounts,
    st.booleans(), st.one_of(st.none(), st.integers(-DAY, 500 * DAY)),
)  # fmt: skip
def test_what_is_foretold_is_ahead_and_within_the_window(
    begin: int, length: int, after: int, spent: int, held: int, limit: int, rolling: bool, since: int | None
) -> None:
    window = Window(begin_ms=begin, end_ms=begin + length, rolling=rolling)
    now = begin + length if rolling else begin + min(after, length - 1)
    found = forecast(window, now_ms=now, spent=spent, held=held, limit=limit, since_ms=since)
    assert (found.outlook is Outlook.EXHAUSTED) == (spent + held >= limit)
    assert (found.at_ms is not None) == (found.outlook is Outlook.RUNS_OUT)
    if found.at_ms is not None:
        assert found.until_ms is not None
        assert now <= found.at_ms < found.until_ms
        # At that instant, at that pace, all of it is spent: a nano an hour and a millisecond make no difference.
        reached = spent + held + (found.pace_nano + 1) * (found.at_ms - now + 1) / HOUR
        assert reached >= limit - 1


@given(amounts.filter(bool), amounts.filter(bool))
def test_a_larger_budget_never_runs_out_earlier(spent: int, more: int) -> None:
    small = told(spent=spent, limit=spent + 1)
    large = told(spent=spent, limit=spent + 1 + more)
    assert (large.at_ms or 30 * DAY) >= (small.at_ms or 30 * DAY)
