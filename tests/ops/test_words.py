"""Figures and words: one way to tell each, and none is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.attempts import Outcome
from router.core.reasons import Reason, Why
from router.ops import words
from router.ops.figures import count, dollars, exact, millis, minute, moment, money, share, span


def test_every_reason_objection_and_outcome_has_its_words() -> None:
    assert set(words.REASONS) == set(Reason)
    assert set(words.OBJECTIONS) == set(Why)
    assert set(words.OUTCOMES) == set(Outcome)


def test_a_word_that_is_not_known_stays_as_it_is() -> None:
    assert words.reason("of_tomorrow") == words.objection("of_tomorrow") == "of_tomorrow"
    assert words.reason("pinned") == words.REASONS[Reason.PINNED]


@pytest.mark.parametrize(
    ("nano", "told"),
    [
        (0, "$0.00"), (1, "$0.000000001"), (61_800, "$0.0000618"), (1_303_000, "$0.00130"), (99_000_000, "$0.0990"),
        (1_234_567_890_123, "$1,234.57"), (-15_600_000, "−$0.0156"),
    ],
)  # fmt: skip
def test_money_is_told_with_three_figures(nano: int, told: str) -> None:
    assert dollars(nano) == told


@given(st.integers(-(10**15), 10**15))
def test_the_exact_amount_stands_behind_every_other(nano: int) -> None:
    assert f'value="{nano}"' in money(nano)
    assert exact(nano) in money(nano)
    assert float(dollars(nano).replace("−", "-").replace("$", "").replace(",", "")) == pytest.approx(
        nano / 1e9, rel=6e-3
    )


def test_other_figures() -> None:
    assert [count(number) for number in (0, 99_999, 100_000, 2_500_000)] == ["0", "99,999", "100.0 k", "2.5 M"]
    assert [share(part, 100) for part in (0, 0.5, 50)] == ["0 %", "0.5 %", "50 %"]
    assert (share(1, 0), share(99_999, 100_000), share(-1, 2)) == ("–", "99.9 %", "-50 %")
    assert [millis(ms) for ms in (None, 1.25, 1_250, 12_345)] == ["–", "1.2 ms", "1,250 ms", "12.3 s"]
    assert [span(s) for s in (0, 59, 3_600, 90_061)] == ["0 s", "59 s", "1 h", "1 d 1 h"]
    assert (moment(0), minute(0)) == ("1970-01-01 00:00:00", "Thu 01 Jan, 00:00")
