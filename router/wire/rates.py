"""What an answer's headers tell of the vendor's rate windows: per model and minute, requests and tokens.

`x-ratelimit-{limit,remaining}-{req,tokens}-minute`. Plain answers carry both pairs (embeddings only that of requests),
a 429 the pair that refused it, streams none (recorded 2026).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import msgspec


class Rate(enum.Enum):
    """What is counted per minute."""

    REQUESTS = "requests"
    TOKENS = "tokens"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A window as the vendor sees it: what it lets through, and how much of that is left. A limit of zero is a model
    that is not on the plan."""

    limit: int
    remaining: int


Rates = Mapping[Rate, Told]
NO_RATES: Final[Rates] = {}
_SHORT: Final = {Rate.REQUESTS: "req", Rate.TOKENS: "tokens"}
# Beyond this no window is meant, and a header of a thousand digits would be no number for the store.
_MOST: Final = 10**12


def read_rates(headers: Mapping[str, str]) -> Rates:
    """The windows that the headers (names in lower case) tell of; what makes no sense is passed over."""
    told = {}
    for rate, short in _SHORT.items():
        limit = _number(headers.get(f"x-ratelimit-limit-{short}-minute"))
        remaining = _number(headers.get(f"x-ratelimit-remaining-{short}-minute"))
        if limit == 0:
            remaining = 0
        if limit is not None and remaining is not None:
            told[rate] = Told(limit=limit, remaining=min(remaining, limit))
    return told


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > len(str(_MOST)):
        return None
    return int(text)
