"""Money: exact in, exact out, rounded up once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.money import NANO, USD_MAX, parse_usd, tokens_cost, usd

NANOS = st.integers(0, USD_MAX * NANO)
PRICED = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**12)), max_size=4)
FACTORS = st.sampled_from([Fraction(1), Fraction(11, 10), Fraction(1, 2), Fraction(7, 3)])


@given(NANOS)
def test_an_amount_written_and_read_is_the_same(nano: int) -> None:
    assert parse_usd(usd(nano)) == nano


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("250.00", 250 * NANO),
        ("0.000000001", 1),
        ("0.15", 150_000_000),
        ("1e3", 1000 * NANO),
        ("1.50000000000000000000000000000000000000", 1_500_000_000),
        (str(USD_MAX), USD_MAX * NANO),
    ],
)
def test_a_decimal_string_is_read_exactly(text: str, nano: int) -> None:
    assert parse_usd(text) == nano


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "is not an amount in USD, such as"),
        ("ten", "is not an amount in USD, such as"),
        ("$5", "is not an amount in USD, such as"),
        ("1,5", "is not an amount in USD, such as"),
        ("-1", "is not an amount in USD of zero or more"),
        ("-0.000000001", "is not an amount in USD of zero or more"),
        ("NaN", "is not an amount in USD of zero or more"),
        ("sNaN", "is not an amount in USD of zero or more"),
        ("Infinity", "is not an amount in USD of zero or more"),
        (f"{USD_MAX}.000000001", "is beyond the largest amount that is counted exactly, 4000000 USD"),
        ("1e999999", "is beyond the largest amount that is counted exactly, 4000000 USD"),
        ("0.0000000001", "is finer than a nano-dollar (nine decimals)"),
        ("1.0000000000000000000000000000001", "is finer than a nano-dollar (nine decimals)"),
        ("1e-999999999", "is finer than a nano-dollar (nine decimals)"),
    ],
)
def test_what_is_no_amount_is_refused_in_words(text: str, mistake: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_usd(text)
    assert str(caught.value).startswith(f"{text!r} {mistake}")


@given(st.text(max_size=12) | st.from_regex(r"-?[0-9]{0,8}(\.[0-9]{0,40})?(e-?[0-9]{1,3})?", fullmatch=True))
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        nano = parse_usd(text)
    except ValueError:
        return
    assert Fraction(nano, NANO) == Fraction(Decimal(text))


@pytest.mark.parametrize(
    ("nano", "decimals", "text"),
    [
        (0, 9, "0.000000000"),
        (1, 9, "0.000000001"),
        (-1_500_000_000, 9, "-1.500000000"),
        (1_234_567_891, 6, "1.234568"),
        (1_500_000_000, 2, "1.50"),
        (999_999_999, 2, "1.00"),
        (USD_MAX * NANO, 9, "4000000.000000000"),
    ],
)
def test_an_amount_is_written_with_the_decimals_asked_for(nano: int, decimals: int, text: str) -> None:
    assert usd(nano, decimals) == text


@given(PRICED, FACTORS)
def test_a_generation_costs_the_exact_sum_rounded_up_once(priced: list[tuple[int, int]], factor: Fraction) -> None:
    exact = sum((Fraction(tokens * price, 1_000_000) for tokens, price in priced), Fraction(0)) * factor
    assert tokens_cost(priced, factor) == ceil(exact)


@given(PRICED, FACTORS)
def test_parts_rounded_apart_are_never_cheaper(priced: list[tuple[int, int]], factor: Fraction) -> None:
    apart = sum(tokens_cost([part], factor) for part in priced)
    assert 0 <= apart - tokens_cost(priced, factor) <= max(0, len(priced) - 1)


def test_the_published_price_of_a_single_token_is_whole_nanos() -> None:
    assert tokens_cost([(1, 150_000_000)]) == 150  # 0.15 USD per million
    assert tokens_cost([(1, 15_000_000)]) == 15  # a tenth of it, cached
    assert tokens_cost([(1, 150_000_000)], Fraction(11, 10)) == 165
    assert tokens_cost([(1, 150_000_001)]) == 151  # up, always
    assert tokens_cost([]) == 0
