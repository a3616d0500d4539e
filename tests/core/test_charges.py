"""What a request is counted on, in which window, and what it costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.catalog import ModelRow, PriceRow, Shelf
from router.core.charges import (
    FOREVER_MS,
    MINUTE_BUCKETS,
    MINUTE_MS,
    ROLLING_BUCKETS,
    Account,
    Amounts,
    Kind,
    Measure,
    Owner,
    accounts_of,
    bound,
    calendar_window,
    estimate,
    real_cost,
    settled,
)
from router.core.policy import Policy
from router.wire.usage import Usage

ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",  # summer time began at midnight: a day without its first hour
    "America/Havana",  # and ended at one: a day with two midnights
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Beirut",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Apia",  # 2011-12-30 did not happen
    "Pacific/Kiritimati",
]
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2037, 12, 31)).map(
    lambda moment: int(moment.replace(tzinfo=UTC).timestamp() * 1000)
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def first_instant(day: date, zone: str) -> int:
    """The oracle: the first minute whose local date is `day` or later, found by looking at every minute."""
    tz = ZoneInfo(zone)
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=27)
    step = timedelta(hours=1)
    while moment.astimezone(tz).date() < day:
        moment += step
    moment -= step
    while moment.astimezone(tz).date() < day:
        moment += timedelta(minutes=1)
    return round(moment.timestamp() * 1000)


def first_days(window: str, day: date) -> tuple[date, date]:
    """The first day of the window that holds `day`, and of the one after it."""
    if window == "day":
        return day, day + timedelta(days=1)
    if window == "week":
        monday = day - timedelta(days=day.isoweekday() - 1)
        return monday, monday + timedelta(days=7)
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day.replace(day=1), following


@given(st.sampled_from(["day", "week", "month"]), st.sampled_from(ZONES), INSTANTS)
def test_a_calendar_window_is_that_of_a_naive_oracle(window: str, zone: str, now_ms: int) -> None:
    local = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).date()
    first, after = first_days(window, local)
    assert calendar_window(window, zone, now_ms) == (first_instant(first, zone), first_instant(after, zone))


@given(st.sampled_from(["hour", "day", "week", "month"]), st.sampled_from(ZONES), INSTANTS)
def test_windows_hold_their_instant_and_leave_no_gap(window: str, zone: str, now_ms: int) -> None:
    begin, end = calendar_window(window, zone, now_ms)
    assert begin <= now_ms < end
    if window == "hour" and zone == "Australia/Lord_Howe":
        return  # half an hour of shift cuts the clock's hours in two
    assert calendar_window(window, zone, begin) == (begin, end)
    assert calendar_window(window, zone, end - 1) == (begin, end)
    assert calendar_window(window, zone, end)[0] == end


@pytest.mark.parametrize(
    ("window", "zone", "now", "begin", "end"),
    [
        ("hour", "UTC", "2026-11-23T10:59:59.999+00:00", "2026-11-23T10:00+00:00", "2026-11-23T11:00+00:00"),
        ("hour", "Asia/Kathmandu", "2026-11-23T10:20+00:00", "2026-11-23T10:15+00:00", "2026-11-23T11:15+00:00"),
        ("day", "Europe/Paris", "2026-11-22T23:30+00:00", "2026-11-22T23:00+00:00", "2026-11-23T23:00+00:00"),
        # The clocks go back: a day of 25 hours; forward: of 23.
        ("day", "Europe/Paris", "2026-10-25T12:00+00:00", "2026-10-24T22:00+00:00", "2026-10-25T23:00+00:00"),
        ("day", "Europe/Paris", "2026-03-29T12:00+00:00", "2026-03-28T23:00+00:00", "2026-03-29T22:00+00:00"),
        # Midnight did not happen: the day begins at one o'clock.
        ("day", "America/Sao_Paulo", "2018-11-04T12:00+00:00", "2018-11-04T03:00+00:00", "2018-11-05T02:00+00:00"),
        # Midnight happened twice: the day begins with the first.
        ("day", "America/Havana", "2026-11-01T12:00+00:00", "2026-11-01T04:00+00:00", "2026-11-02T05:00+00:00"),
        ("week", "UTC", "2026-11-22T23:59+00:00", "2026-11-16T00:00+00:00", "2026-11-23T00:00+00:00"),
        ("month", "UTC", "2028-02-29T12:00+00:00", "2028-02-01T00:00+00:00", "2028-03-01T00:00+00:00"),
        ("month", "UTC", "2026-12-31T23:59:59+00:00", "2026-12-01T00:00+00:00", "2027-01-01T00:00+00:00"),
        ("month", "Europe/Paris", "2026-10-31T23:30+00:00", "2026-10-31T23:00+00:00", "2026-11-30T23:00+00:00"),
    ],
)
def test_a_window_begins_and_ends_at_the_clock_times_of_its_zone(
    window: str, zone: str, now: str, begin: str, end: str
) -> None:
    assert calendar_window(window, zone, ms(now)) == (ms(begin), ms(end))


@pytest.mark.parametrize("now", ["1970-01-01T00:00+00:00", "2026-11-23T12:00+00:00", "2300-01-01T00:00+00:00"])
def test_a_total_never_ends(now: str) -> None:
    assert calendar_window("total", "Europe/Paris", ms(now)) == (0, FOREVER_MS)


def test_a_window_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="'year' is not a calendar window"):
        calendar_window("year", "UTC", 0)


NOW = ms("2026-11-23T12:00+00:00")
DAY = {"begin": ms("2026-11-23T00:00+00:00"), "end": ms("2026-11-24T00:00+00:00")}
OWNER = Owner(team="search", key="k1", model="small", tags=("beta",))


def accounts(owner: Owner = OWNER, **rules: list[dict[str, Any]]) -> list[Account]:
    return list(accounts_of(msgspec.convert({"team": "search", **rules}, Policy), owner, NOW))


def test_a_budget_is_one_account() -> None:
    [account] = accounts(budget=[{"scope": "team", "usd": "250.00", "window": "day"}])
    assert msgspec.to_builtins(account) == {
        "name": "team:search:usd:day",
        "scope": "team",
        "id": "search",
        "measure": "usd",
        "kind": "c",
        "window": "day",
        "limit": 250_000_000_000,
        "enforced": True,
        "shadow": False,
        "on_exhausted": "deny",
        "overshoot": 0,
        "warn_at": (),
        "pace": (),
        **DAY,
    }


def test_a_budget_that_may_be_exceeded_counts_by_how_much_it_could_be() -> None:
    budget = {"scope": "team", "usd": "250.00", "window": "day", "overshoot_usd": "5.00"}
    money, exposure = accounts(budget=[budget])
    assert (exposure.name, exposure.measure) == ("team:search:usd:day:exposure", Measure.EXPOSURE)
    assert (exposure.limit, exposure.enforced, exposure.kind) == (5_000_000_000, True, Kind.CALENDAR)
    assert (exposure.begin, exposure.end) == (money.begin, money.end)
    amounts = Amounts(nano=40, tokens=1, requests=1, exposure=60)
    assert (amounts.on(money), amounts.on(exposure)) == (40, 60)


def test_a_rolling_budget_is_a_ring() -> None:
    [account] = accounts(budget=[{"scope": "team", "usd": "1", "window": "7d"}])
    assert (account.kind, account.begin, account.end) == (Kind.RING, 7 * 86_400_000, ROLLING_BUCKETS)
    [account] = accounts(budget=[{"scope": "team", "usd": "1", "window": "24h"}])
    assert (account.name, account.begin) == ("team:search:usd:24h", 24 * 3_600_000)


def test_a_limit_is_an_account_for_each_rate_it_names() -> None:
    made = accounts(limit=[{"scope": "key", "requests_per_minute": 600, "tokens_per_minute": 0, "concurrency": 50}])
    assert [(one.name, one.kind, one.measure, one.limit, one.begin, one.end, one.window) for one in made] == [
        ("key:k1:requests", Kind.RING, Measure.REQUESTS, 600, MINUTE_MS, MINUTE_BUCKETS, "minute"),
        ("key:k1:tokens", Kind.RING, Measure.TOKENS, 0, MINUTE_MS, MINUTE_BUCKETS, "minute"),
        ("key:k1:concurrency", Kind.GAUGE, Measure.CONCURRENCY, 50, 0, 0, "now"),
    ]
    assert [one.measure for one in accounts(limit=[{"scope": "key", "concurrency": 1}])] == [Measure.CONCURRENCY]


@pytest.mark.parametrize(
    ("rule", "counted"),
    [
        ({"scope": "team"}, "search"),
        ({"scope": "key"}, "k1"),
        ({"scope": "key", "id": "k1"}, "k1"),
        ({"scope": "key", "id": "k2"}, None),
        ({"scope": "model", "id": "small"}, "small"),
        ({"scope": "model", "id": "large"}, None),
        ({"scope": "tag", "id": "beta"}, "beta"),
        ({"scope": "tag", "id": "alpha"}, None),
    ],
)
def test_a_rule_counts_those_it_is_about(rule: dict[str, str], counted: str | None) -> None:
    made = accounts(budget=[{**rule, "usd": "1", "window": "day"}], limit=[{**rule, "requests_per_minute": 1}])
    assert [account.id for account in made] == ([counted, counted] if counted else [])


def test_each_key_has_an_account_of_its_own() -> None:
    rule = {"scope": "key", "usd": "1", "window": "day"}
    names = {accounts(msgspec.structs.replace(OWNER, key=key), budget=[rule])[0].name for key in ("k1", "k2")}
    assert names == {"key:k1:usd:day", "key:k2:usd:day"}


def test_accounts_stand_in_the_policys_order_and_each_has_a_name_of_its_own() -> None:
    made = accounts(
        budget=[
            {"scope": scope, "usd": "1", "window": window}
            for scope in ("team", "key")
            for window in ("hour", "day", "week", "month", "total", "24h")
        ],
        limit=[{"scope": scope, "requests_per_minute": 1, "concurrency": 1} for scope in ("team", "key")],
    )
    names = [account.name for account in made]
    assert len(set(names)) == len(names) == 16
    assert names[0] == "team:search:usd:hour"
    assert names[-1] == "key:k1:concurrency"


@pytest.mark.parametrize("named_first", [True, False])
def test_a_rule_that_names_a_key_replaces_the_one_for_all_keys(named_first: bool) -> None:
    every, own = {"scope": "key"}, {"scope": "key", "id": "k1"}
    budgets = [{**every, "usd": "1", "window": "day"}, {**own, "usd": "5", "window": "day"}]
    limits = [{**every, "requests_per_minute": 1, "concurrency": 3}, {**own, "requests_per_minute": 5}]
    made = accounts(budget=budgets[::-1] if named_first else budgets, limit=limits[::-1] if named_first else limits)
    assert {account.name: account.limit for account in made} == {
        "key:k1:usd:day": 5_000_000_000,
        "key:k1:requests": 5,
        "key:k1:concurrency": 3,
    }
    assert len(made) == 3


def test_a_zone_moves_the_window_and_names_the_account() -> None:
    rule = {"scope": "team", "usd": "1", "window": "day"}
    [here], [there] = accounts(budget=[rule]), accounts(budget=[{**rule, "zone": "Asia/Tokyo"}])
    assert there.name == "team:search:usd:day@Asia/Tokyo"
    assert there.begin == here.begin - 9 * 3_600_000


@pytest.mark.parametrize(
    ("rule", "enforced", "shadow"),
    [
        ({}, True, False),
        ({"mode": "hard"}, True, False),
        ({"mode": "soft"}, False, False),
        ({"mode": "shadow"}, False, True),
    ],
)
def test_only_hard_rules_refuse(rule: dict[str, str], enforced: bool, shadow: bool) -> None:
    made = accounts(
        budget=[{"scope": "team", "usd": "1", "window": "day", **rule}],
        limit=[{"scope": "team", "requests_per_minute": 1, **rule}],
    )
    assert [(account.enforced, account.shadow) for account in made] == [(enforced, shadow)] * 2


def test_a_budget_that_only_warns_refuses_nobody() -> None:
    [account] = accounts(budget=[{"scope": "team", "usd": "1", "window": "day", "on_exhausted": "warn"}])
    assert not account.enforced


PRICE = PriceRow(since=date(2026, 1, 1), input="0.40", cached="0.04", output="2.00", source="made up")
CARD = Shelf({"m": ModelRow(context_tokens=128_000, prices=(PRICE,))}, date(2026, 11, 23)).cards["m"]
TOKENS = st.integers(0, 200_000)
FACTORS = st.sampled_from([Fraction(1), Fraction(11, 10), Fraction(1, 2)])


def test_cached_input_costs_its_own_rate_and_does_not_count_as_tokens() -> None:
    usage = Usage(input_tokens=1_000, cached_tokens=900, output_tokens=100)
    assert settled(CARD, usage, Fraction(1)) == Amounts(
        nano=100 * 400 + 900 * 40 + 100 * 2_000, tokens=1_000 - 900 + 100, requests=1, concurrency=0
    )


def test_the_factor_is_applied_before_the_one_rounding() -> None:
    usage = Usage(input_tokens=1, cached_tokens=1, output_tokens=0)
    assert real_cost(CARD, usage, Fraction(1, 3)) == 14  # 40 / 3
    assert estimate(CARD, input_tokens=1, output_tokens=1, factor=Fraction(11, 10)) == 2_640


def test_a_bound_holds_every_answer_and_a_place() -> None:
    assert bound(CARD, input_tokens=10, output_tokens=100, answers=3, factor=Fraction(1)) == Amounts(
        nano=10 * 400 + 300 * 2_000, tokens=310, requests=1, concurrency=1
    )


@given(TOKENS, TOKENS, TOKENS, st.integers(1, 4), FACTORS)
def test_what_is_held_covers_what_is_charged(
    input_tokens: int, cached: int, output_tokens: int, answers: int, factor: Fraction
) -> None:
    held = bound(CARD, input_tokens=input_tokens, output_tokens=output_tokens, answers=answers, factor=factor)
    usage = Usage(
        input_tokens=input_tokens, cached_tokens=min(cached, input_tokens), output_tokens=output_tokens * answers
    )
    actual = settled(CARD, usage, factor)
    assert 0 <= actual.nano <= held.nano
    assert 0 <= actual.tokens <= held.tokens
    assert actual.requests == held.requests


@pytest.mark.parametrize(
    ("measure", "amount"),
    [(Measure.USD, 1), (Measure.TOKENS, 2), (Measure.REQUESTS, 3), (Measure.CONCURRENCY, 4)],
)
def test_an_account_is_charged_in_its_own_measure(measure: Measure, amount: int) -> None:
    [some] = accounts(budget=[{"scope": "team", "usd": "1", "window": "day"}])
    account = msgspec.structs.replace(some, measure=measure)
    assert Amounts(nano=1, tokens=2, requests=3, concurrency=4).on(account) == amount
