"""What a key's answers usually are: quantiles that are never too low, and forget."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from router.core.habits import PAIRS_MAX, SAMPLES_MAX, SAMPLES_MIN, Habits
from router.core.kinds import Kind


def habits(lengths: list[int]) -> Habits:
    made = Habits()
    for length in lengths:
        made.note("k1", Kind.CHAT, length)
    return made


def test_too_few_answers_tell_nothing() -> None:
    made = habits([100] * (SAMPLES_MIN - 1))
    assert made.quantile("k1", Kind.CHAT, 0.95) is None
    made.note("k1", Kind.CHAT, 100)
    assert made.quantile("k1", Kind.CHAT, 0.95) == 108
    assert made.quantile("k1", Kind.CODE, 0.95) is None
    assert made.quantile("k2", Kind.CHAT, 0.95) is None


@given(st.lists(st.integers(0, 100_000), min_size=SAMPLES_MIN, max_size=300), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_quantile_is_never_below_the_true_one_and_at_most_a_fifth_above(lengths: list[int], share: float) -> None:
    true = sorted(lengths)[math.ceil(share * len(lengths)) - 1]
    told = habits(lengths).quantile("k1", Kind.CHAT, share)
    assert told is not None
    assert true <= told <= max(2, true * 1.25)


def test_what_was_long_ago_weighs_less_and_less() -> None:
    made = habits([4_000] * (SAMPLES_MAX - 1))
    for _ in range(3 * SAMPLES_MAX):
        made.note("k1", Kind.CHAT, 50)
    told = made.quantile("k1", Kind.CHAT, 0.9)
    assert told is not None
    assert told < 64


def test_answers_beyond_every_edge_have_no_quantile() -> None:
    assert habits([10_000_000] * SAMPLES_MIN).quantile("k1", Kind.CHAT, 0.95) is None


def test_the_memory_is_bounded() -> None:
    made = Habits()
    for key in range(PAIRS_MAX + 5):
        made.note(f"k{key}", Kind.CHAT, 10)
    assert len(made._counts) == PAIRS_MAX
