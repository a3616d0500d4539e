"""Per model and minute, how many requests and tokens are let through: sliding 60 seconds, seen from response headers
only.

A request is counted when it arrives, its tokens when it is done and only `total - cached` of them, so that a burst
may overshoot the token window. A limit of 0 means the model is not on the plan. Measured by third parties in
2026-08; the documentation describes neither.
"""

import collections
from typing import Final, Literal

import msgspec

WINDOW_S: Final = 60.0
WIDE_REQUESTS: Final = 1_000_000
WIDE_TOKENS: Final = 1_000_000_000


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    requests: int
    tokens: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Only the dimension that refuses appears in the headers of a 429."""

    dimension: Literal["requests", "tokens"]
    limit: int


class Window:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._arrivals: collections.deque[float] = collections.deque()
        self._debits: collections.deque[tuple[float, int]] = collections.deque()
        self._debited = 0

    def enter(self, now: float) -> Refusal | None:
        self._forget(now)
        if len(self._arrivals) >= self.limits.requests:
            return Refusal(dimension="requests", limit=self.limits.requests)
        if self._debited >= self.limits.tokens:
            return Refusal(dimension="tokens", limit=self.limits.tokens)
        self._arrivals.append(now)
        return None

    def debit(self, tokens: int, now: float) -> None:
        self._forget(now)
        self._debits.append((now, tokens))
        self._debited += tokens

    def remaining(self, now: float) -> Limits:
        self._forget(now)
        return Limits(
            requests=max(0, self.limits.requests - len(self._arrivals)),
            tokens=max(0, self.limits.tokens - self._debited),
        )

    def _forget(self, now: float) -> None:
        while self._arrivals and self._arrivals[0] <= now - WINDOW_S:
            self._arrivals.popleft()
        while self._debits and self._debits[0][0] <= now - WINDOW_S:
            self._debited -= self._debits.popleft()[1]


def answer_headers(window: Window, query_cost: int, now: float, *, with_tokens: bool = True) -> list[tuple[str, str]]:
    """The headers of a plain answer. Embeddings show no pair for tokens, streams and `/v1/models` nothing at all."""
    limits, left = window.limits, window.remaining(now)
    headers = [
        ("x-ratelimit-limit-req-minute", str(limits.requests)),
        ("x-ratelimit-remaining-req-minute", str(left.requests)),
        ("x-ratelimit-tokens-query-cost", str(query_cost)),
    ]
    if with_tokens:
        headers += [
            ("x-ratelimit-limit-tokens-minute", str(limits.tokens)),
            ("x-ratelimit-remaining-tokens-minute", str(left.tokens)),
        ]
    return headers


def refusal_headers(refusal: Refusal, retry_after_s: int | None = None) -> list[tuple[str, str]]:
    name = "req" if refusal.dimension == "requests" else "tokens"
    headers = [
        (f"x-ratelimit-limit-{name}-minute", str(refusal.limit)),
        (f"x-ratelimit-remaining-{name}-minute", "0"),
    ]
    return headers if retry_after_s is None else [*headers, ("retry-after", str(retry_after_s))]
