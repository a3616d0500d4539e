"""Money as integers of nano-USD (10⁻⁹ USD), and prices that multiply exactly.

Token prices go below one micro-dollar, so a nano is the smallest unit that keeps every published price an integer per
token. Floats and money never meet. One generation is summed exactly with all its factors and rounded up once.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

NANO: Final = 1_000_000_000
# A script in the store counts in doubles, exact to 2**53 nano = 9.007 M USD; half of it leaves room for sums.
USD_MAX: Final = 4_000_000
_TOKENS: Final = 1_000_000
_NANO_USD: Final = Decimal("1e-9")


def parse_usd(text: str) -> int:
    """Nano-USD of a decimal string in USD. Raises ValueError for what is not one, is negative, too large or finer
    than a nano."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f'{text!r} is not an amount in USD, such as "250.00"') from None
    if not value.is_finite() or value < 0:
        raise ValueError(f"{text!r} is not an amount in USD of zero or more")
    if value > USD_MAX:
        raise ValueError(f"{text!r} is beyond the largest amount that is counted exactly, {USD_MAX} USD")
    exact = value.quantize(_NANO_USD)  # a product would be rounded to 28 digits, and the difference lost
    if exact != value:
        raise ValueError(f"{text!r} is finer than a nano-dollar (nine decimals)")
    return int(exact * NANO)


def usd(nano: int, decimals: int = 9) -> str:
    """`nano` as USD text with that many decimals; rounded half to even when fewer than nine are asked for."""
    return f"{Decimal(nano) / NANO:.{decimals}f}"


def tokens_cost(priced: list[tuple[int, int]], factor: Fraction = Fraction(1)) -> int:
    """Nano-USD of one generation: `priced` pairs tokens with nano-USD per million tokens; rounded up once."""
    total = sum(tokens * price for tokens, price in priced)
    return -(-total * factor.numerator // (factor.denominator * _TOKENS))
