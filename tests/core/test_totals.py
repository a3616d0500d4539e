"""Totals per account and open window: sums that do not depend on how they were cut, and forget what is over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.core.totals import TeamTotals, Unsure

DAY, MINUTE = 86_400_000, 60_000
DAILY = ("team:t:usd:day", "c", 70, 0, DAY, 0)
ROLLING = ("team:t:usd:24h", "r", 70, DAY, 24, 3)
MINUTELY = ("team:t:requests", "r", 1, MINUTE, 12, 3)
PLACE = ("team:t:concurrency", "g", 1, 0, 0, 0)
ENTRIES = (DAILY, ROLLING, MINUTELY, PLACE)


@given(st.lists(st.integers(0, 10**15)), st.integers(0, 20))
def test_totals_add_up_wherever_segments_were_cut(charges: list[int], cut: int) -> None:
    whole, first, second = TeamTotals(), TeamTotals(), TeamTotals()
    for index, nano in enumerate(charges):
        for totals in (whole, first if index < cut else second):
            totals.charge(ENTRIES, (nano, nano, 1, 0))
    first.take_in(second)
    assert first == whole
    assert sum(whole.charged.values()) == 2 * sum(charges)


def test_minutes_and_places_are_left_out() -> None:
    totals = TeamTotals()
    totals.charge(ENTRIES, (5, 6, 1, 1))
    assert totals.charged == {("team:t:usd:day", "c", 0, DAY, 0): 5, ("team:t:usd:24h", "r", DAY, 24, 3): 6}
    totals.doubt(Unsure(id="q#1", entries=ENTRIES, note="n"))
    totals.doubt(Unsure(id="q#2", entries=(MINUTELY, PLACE), note="n"))
    assert totals.unsure == {"q#1": Unsure(id="q#1", entries=(DAILY, ROLLING), note="n")}


def test_what_no_open_window_counts_is_forgotten() -> None:
    totals = TeamTotals()
    totals.charge((DAILY, ROLLING), (5, 6))
    totals.doubt(Unsure(id="q#1", entries=(DAILY,), note="n"))
    totals.prune(DAY - 1)
    assert (len(totals.charged), len(totals.unsure)) == (2, 1)
    totals.prune(DAY)
    assert list(totals.charged.values()) == [6]
    assert not totals.unsure
    # The bucket that began with the fourth hour falls out of the window a day after the hour has ended.
    totals.prune((3 + 25) * DAY // 24 - 1)
    assert totals.charged
    totals.prune((3 + 25) * DAY // 24)
    assert not totals.charged
