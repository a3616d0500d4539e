"""Which budgets a team has, and since when it has been spending from them."""

from __future__ import annotations

from datetime import UTC, datetime

from router.api.dashboard.sums import Days, month_of
from router.core.budgets import budgets_of
from router.core.charges import Account
from router.core.policy import Budget, Limit, Policy, Scope
from router.core.record import Sums
from router.core.rollup import Adding

DAY, HOUR = 86_400_000, 3_600_000
NOW = int(datetime(2026, 11, 25, 12, 30, tzinfo=UTC).timestamp() * 1000)
TODAY = NOW // DAY


def test_every_budget_of_a_team_is_found_once_and_no_limit_with_them() -> None:
    policy = Policy(
        team="search",
        budgets=(
            Budget(scope=Scope.TEAM, usd="10", window="month"),
            Budget(scope=Scope.TEAM, usd="1", window="24h"),
            Budget(scope=Scope.KEY, usd="2", window="day"),
            Budget(scope=Scope.KEY, id="special", usd="5", window="day"),
            Budget(scope=Scope.MODEL, id="large", usd="3", window="day"),
            Budget(scope=Scope.TAG, id="nightly", usd="4", window="week"),
        ),
        limits=(Limit(scope=Scope.KEY, requests_per_minute=5),),
    )
    found = budgets_of(policy, ["one", "special"], NOW, ())
    assert {(account.scope.value, account.id, account.window): account.limit // 10**9 for account in found} == {
        ("team", "search", "month"): 10,
        ("team", "search", "24h"): 1,
        ("key", "one", "day"): 2,
        ("key", "special", "day"): 5,
        ("model", "large", "day"): 3,
        ("tag", "nightly", "week"): 4,
    }
    assert budgets_of(Policy(team="free"), ["one"], NOW, ()) == ()


def account(scope: Scope = Scope.TEAM, name: str = "search") -> Account:
    budget = Budget(scope=scope, usd="1", window="month")
    (found,) = budgets_of(Policy(team="search", budgets=(budget,)), [name], NOW, ())
    return found


def days(**spent: int) -> Days:
    """`spent` by day of November, d24=5; the last 24 hours saw spending at 9 and at 12 today."""
    by_day = {("search", f"2026-11-{day[1:]}"): Sums(nano_usd=nano, requests=1) for day, nano in spent.items()}
    hours = Adding(NOW // HOUR * HOUR - 23 * HOUR, NOW // HOUR * HOUR + HOUR, HOUR)
    charged = [(TODAY * DAY + hour * HOUR, {1: (5, 0, 1, 0, 0, 0)}) for hour in (9, 12)]
    hours.add("search", {1: '["k1","m","code","en"]'}, charged, hourly=True)
    keys = {("k1", day): sums for (_, day), sums in by_day.items()}
    return Days(teams=by_day, keys=keys, hours=hours.rollup())


def since(told: Days, begin_ms: int, of: Account) -> int | None:
    return told.since("search", of, begin_ms, NOW)


def test_spending_begins_on_the_first_day_with_a_charge() -> None:
    told = days(d03=0, d10=5, d25=5)
    month = month_of(NOW) * DAY
    assert since(told, month, account()) == (TODAY - 15) * DAY
    assert since(told, month, account(Scope.KEY, "k1")) == (TODAY - 15) * DAY
    assert since(told, month, account(Scope.KEY, "k2")) is None


def test_of_the_last_day_the_hour_is_known() -> None:
    assert since(days(d25=5), month_of(NOW) * DAY, account()) == TODAY * DAY + 9 * HOUR
    assert since(days(d25=5), TODAY * DAY, account(Scope.KEY, "k1")) == TODAY * DAY + 9 * HOUR
    # The hours of yesterday morning are not known any more.
    assert since(days(d24=5, d25=5), (TODAY - 1) * DAY, account()) == (TODAY - 1) * DAY


def test_a_window_does_not_begin_before_itself() -> None:
    begin = TODAY * DAY + 12 * HOUR + HOUR // 4
    assert since(days(d10=5, d25=5), begin, account()) == begin


def test_the_sum_of_some_days_is_that_of_every_team() -> None:
    told = days(d24=7, d25=5)
    assert told.over(TODAY, TODAY).nano_usd == 5
    assert (told.over(TODAY - 1, TODAY).nano_usd, told.over(TODAY - 1, TODAY).requests) == (12, 2)
