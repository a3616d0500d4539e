"""What is kept of a request when it is over, and the id that it goes by. No prompt and no answer is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from router.core.explain import RouterObject

_ID_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: sorts by time, no look-alikes


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a request afterwards. Money is nano-USD; `nano_usd` includes what is unconfirmed. The three from
    `dearest_nano_usd` on are what the answer's tokens would have cost elsewhere (core/savings.py), at the prices of the
    rules that `router` names; None without an answer. `first_chunk_ms` is when a stream showed its first content; None
    where nothing was streamed. `first_hold` is the number of the first attempt's hold."""

    request_id: str
    at_ms: int
    duration_ms: int
    team: str
    key: str
    endpoint: str
    requested_model: str
    model: str | None
    status: int
    code: str | None
    stream: bool
    kind: str
    language: str
    tags: tuple[str, ...]
    reason: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    nano_usd: int
    saved_nano_usd: int
    unconfirmed_nano_usd: int
    overhead_ms: float
    dropped: tuple[str, ...]
    router: RouterObject | None
    feedback: Any = None
    first_chunk_ms: float | None = None
    dearest_nano_usd: int | None = None
    baseline_nano_usd: int | None = None
    cheapest_nano_usd: int | None = None
    first_hold: int = 1


def name_hold(request_id: str, number: int) -> str:
    """The name of a hold; a request's holds count from 1."""
    return f"{request_id}#{number}"


def name_record(request_id: str) -> str:
    """The name under which the record of a request that holds nothing (any more) is written."""
    return f"{request_id}#record"


def corrected(record: RequestRecord, charged: Sequence[int | None]) -> RequestRecord:
    """The record after an operator's word: attempt by attempt what is charged in place of an unconfirmed hold, None
    where nothing was said. What was saved stays as it was told."""
    if record.router is None or all(nano is None for nano in charged):
        return record
    attempts = [
        attempt if nano is None else replace(attempt, nano_usd=nano, unconfirmed=False)
        for attempt, nano in zip(record.router.attempts, charged, strict=True)
    ]
    cost = sum(attempt.nano_usd for attempt in attempts)
    return replace(
        record,
        nano_usd=cost,
        unconfirmed_nano_usd=sum(attempt.nano_usd for attempt in attempts if attempt.unconfirmed),
        router=replace(record.router, attempts=attempts, cost_nano_usd=cost),
    )


class Sums(msgspec.Struct, kw_only=True):
    """Added-up usage. `nano_usd` includes `unconfirmed_nano_usd`."""

    nano_usd: int = 0
    saved_nano_usd: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    unconfirmed_nano_usd: int = 0

    def add(self, figures: Sequence[int], *, unconfirmed: int = 0) -> None:
        """`figures` are the first fields, in their order; `unconfirmed` is the part of the money that is unsure."""
        nano, saved, requests, fresh, cached, output = (*figures, 0, 0, 0, 0, 0)[:6]
        # One by one, because a month of many teams is a hundred thousand rows.
        self.nano_usd += nano
        self.saved_nano_usd += saved
        self.requests += requests
        self.input_tokens += fresh
        self.cached_tokens += cached
        self.output_tokens += output
        self.unconfirmed_nano_usd += unconfirmed


# The figures of a row of sums, in their order.
FIGURES: Final = Sums.__struct_fields__[:-1]


def request_id(now_ms: int, noise: bytes) -> str:
    """An id that begins with its time: `req_`, ten characters of milliseconds, sixteen of noise (10 bytes)."""
    number = (now_ms << 80) | int.from_bytes(noise[:10], "big")
    letters = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        letters.append(_ID_ALPHABET[digit])
    return "req_" + "".join(reversed(letters))


def began_ms(name: str) -> int | None:
    """When the request of that id began; None when it is not one of ours."""
    body = name.removeprefix("req_")
    if len(body) != 26 or any(letter not in _ID_ALPHABET for letter in body):
        return None
    number = 0
    for letter in body:
        number = number * 32 + _ID_ALPHABET.index(letter)
    return number >> 80
