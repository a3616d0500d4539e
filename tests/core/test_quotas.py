"""What one process knows of a model's minute at the vendor."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.quotas import BULK_PERCENT, FEELERS, NEVER_S, STEP_S, WINDOW_S, Share, Window, bulk_part
from router.wire.rates import Rate, Told, read_rates

NOW = 1_000.0


def told(requests: tuple[int, int] | None = None, tokens: tuple[int, int] | None = None) -> Mapping[Rate, Told]:
    """(limit, remaining) of each."""
    pairs = ((Rate.REQUESTS, requests), (Rate.TOKENS, tokens))
    return {rate: Told(limit=pair[0], remaining=pair[1]) for rate, pair in pairs if pair is not None}


def wait_s(window: Window, now_s: float = NOW, tokens: int = 1, *, bulk: bool = False, sharers: int = 1) -> float:
    return window.opens_in(now_s, tokens, bulk=bulk, sharers=sharers)


# --- Headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "rates"),
    [
        ({}, {}),
        ({"limit-req-minute": "50", "remaining-req-minute": "49"}, told(requests=(50, 49))),
        ({"limit-tokens-minute": "60", "remaining-tokens-minute": "0"}, told(tokens=(60, 0))),
        ({"limit-req-minute": "0"}, told(requests=(0, 0))),
        ({"limit-req-minute": "50"}, {}),
        ({"limit-req-minute": "-1", "remaining-req-minute": "1"}, {}),
        ({"limit-req-minute": "many", "remaining-req-minute": "1"}, {}),
        ({"limit-req-minute": "9" * 400, "remaining-req-minute": "1"}, {}),
        ({"limit-req-minute": "٣", "remaining-req-minute": "1"}, {}),
        ({"limit-tokens-minute": "5", "remaining-tokens-minute": "9"}, told(tokens=(5, 5))),
    ],
)
def test_headers_tell_of_windows_and_nonsense_tells_nothing(
    headers: dict[str, str], rates: Mapping[Rate, Told]
) -> None:
    assert read_rates({f"x-ratelimit-{name}": value for name, value in headers.items()}) == rates


# --- One window -------------------------------------------------------------------------------------------------------


def test_a_window_that_nobody_told_of_is_open() -> None:
    window = Window()
    window.use({Rate.REQUESTS: 1_000, Rate.TOKENS: 10**9}, NOW)
    assert wait_s(window, tokens=10**9) == 0


def test_what_was_used_frees_after_a_minute_and_never_before() -> None:
    window = Window()
    window.learn(told(requests=(2, 2), tokens=(1_000, 1_000)), NOW)
    window.use({Rate.REQUESTS: 1, Rate.TOKENS: 600}, NOW)
    assert wait_s(window, tokens=400) == 0
    assert WINDOW_S <= wait_s(window, tokens=401) <= WINDOW_S + STEP_S
    window.use({Rate.REQUESTS: 1, Rate.TOKENS: 0}, NOW + 30)
    waits = wait_s(window, NOW + 30)
    assert WINDOW_S - 30 <= waits <= WINDOW_S - 30 + STEP_S, "the first request leaves the window first"
    assert wait_s(window, NOW + 30 + waits - STEP_S - 1) > 0
    assert wait_s(window, NOW + 30 + waits) == 0


def test_what_the_vendor_counted_and_we_did_not_leaves_the_window_evenly() -> None:
    window = Window()
    window.learn(told(requests=(100, 0)), NOW)
    assert 0 < wait_s(window) <= 2
    assert wait_s(window, NOW + 30) == 0
    assert [left for _, left in window.left(NOW + 30).values()] == [50]
    assert [left for _, left in window.left(NOW + 60).values()] == [100]


def test_less_than_we_counted_is_no_news() -> None:
    window = Window()
    window.use({Rate.REQUESTS: 8, Rate.TOKENS: 0}, NOW)
    window.learn(told(requests=(10, 9)), NOW)
    assert [left for _, left in window.left(NOW).values()] == [2], "seven may still be on their way"


def test_a_limit_of_zero_is_asked_again_only_after_a_long_while() -> None:
    window = Window()
    window.learn(told(requests=(0, 0)), NOW)
    assert wait_s(window) == NEVER_S
    assert wait_s(window, NOW + NEVER_S - 1) == 1
    assert wait_s(window, NOW + NEVER_S) == 0


def test_what_is_larger_than_the_window_has_room_in_an_empty_one() -> None:
    window = Window()
    window.learn(told(tokens=(1_000, 1_000)), NOW)
    assert wait_s(window, tokens=5_000) == 0
    window.use({Rate.TOKENS: 1}, NOW)
    assert wait_s(window, tokens=5_000) > 0


def test_bulk_goes_only_while_less_than_its_part_is_used_by_whomever() -> None:
    window = Window()
    window.learn(told(requests=(100, 100)), NOW)
    window.use({Rate.REQUESTS: BULK_PERCENT - 1}, NOW)
    assert wait_s(window, bulk=True) == 0
    window.use({Rate.REQUESTS: 1}, NOW)
    assert wait_s(window, bulk=True) > 0
    assert wait_s(window) == 0
    assert bulk_part(1) == 1, "a window of one request is not shut to bulk for good"
    assert bulk_part(0) == 0


def test_bulk_feels_its_way_until_the_vendor_has_told_a_window_or_a_minute_has_taught_nothing() -> None:
    window = Window()
    window.use({Rate.REQUESTS: FEELERS}, NOW)
    window.under_way = FEELERS
    assert wait_s(window, NOW + 1, bulk=True) == 1
    assert wait_s(window, NOW + 1) == 0
    assert wait_s(window, NOW + WINDOW_S, bulk=True) == 0, "who only streams is never told"
    window.learn(told(tokens=(1_000, 1_000)), NOW + 1)
    assert wait_s(window, NOW + 1, bulk=True) == 0


def test_bulk_takes_the_others_to_be_as_busy_as_this_process_until_they_are_heard() -> None:
    window = Window()
    window.learn(told(requests=(100, 100)), NOW)
    window.use({Rate.REQUESTS: 17}, NOW)
    assert wait_s(window, bulk=True, sharers=4) == 0
    window.use({Rate.REQUESTS: 1}, NOW)
    assert 0 < wait_s(window, bulk=True, sharers=4) <= 2, "four times 18 and one more are above 70"
    assert wait_s(window, sharers=4) == 0
    share = window.told(NOW)
    window.hear(share, share)
    assert wait_s(window, bulk=True, sharers=4) == 0, "the others have told that they did nothing"


AMOUNTS = st.lists(st.tuples(st.floats(0, 200), st.integers(1, 500)), max_size=40)


@given(AMOUNTS, st.floats(200, 300), st.integers(1, 2_000))
def test_a_window_is_never_laxer_than_the_true_minute(uses: list[tuple[float, int]], now_s: float, asked: int) -> None:
    window = Window()
    window.learn(told(tokens=(2_000, 2_000)), 0.0)
    for at_s, amount in sorted(uses):
        window.use({Rate.TOKENS: amount}, at_s)
    waits = wait_s(window, now_s, asked)
    opened = now_s + waits
    truly = sum(amount for at_s, amount in uses if at_s > opened - WINDOW_S)
    assert truly + asked <= 2_000
    assert waits <= WINDOW_S + STEP_S + 1
    assert wait_s(window, opened, asked) == 0, "when the time has come there is room"


@given(AMOUNTS, AMOUNTS)
def test_what_is_told_and_heard_back_counts_once(
    ours: list[tuple[float, int]], theirs: list[tuple[float, int]]
) -> None:
    one, other = Window(), Window()
    for window, uses in ((one, ours), (other, theirs)):
        window.learn(told(tokens=(10**9, 10**9)), 200.0)
        for at_s, amount in uses:
            window.use({Rate.TOKENS: amount}, at_s)
    first, second = one.told(200.0), other.told(200.0)
    both = Share(used=(*first.used, *second.used), learned=first.learned)
    for window, share in ((one, first), (other, second)):
        before = window.told(200.0)
        window.hear(share, both)
        assert before == share
        assert window.told(200.0).used == ()
    [left] = {window.left(200.0)[Rate.TOKENS][1] for window in (one, other)}
    assert 10**9 - left >= sum(amount for at_s, amount in [*ours, *theirs] if at_s > 200.0 - WINDOW_S)


def test_what_is_used_while_the_store_is_asked_is_kept_for_the_next_time() -> None:
    window = Window()
    window.use({Rate.REQUESTS: 1}, NOW)
    on_its_way = window.told(NOW)
    window.use({Rate.REQUESTS: 2}, NOW)
    window.learn(told(requests=(50, 40)), NOW)
    window.hear(on_its_way, on_its_way)
    again = window.told(NOW)
    assert sum(used.amount for used in again.used) == 2
    assert [word.limit for word in again.learned] == [50]
    window.hear(again, Share(used=(*on_its_way.used, *again.used)))
    assert window.told(NOW) == Share()
