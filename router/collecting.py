"""Answers that nobody was there to take, kept for a moment for the app's own retry.

Mistral takes no idempotency key, so an app that hangs up on a slow plain call and asks again would pay twice. The
first call runs on to its end; its answer waits here, and the retry collects it instead of starting another generation.
Kept in memory only, at most a minute, each collected once, and only by the same key with the same body.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from router.core.journey import Journey
from router.serving import Whole

KEPT_S: Final = 60.0
KEPT_MAX: Final = 1_000
BYTES_MAX: Final = 64 * 1024 * 1024

Name = tuple[str, bytes]


@dataclass(slots=True)
class _Left:
    """A call whose app has gone: under way, or answered. `until_s` is when it is forgotten, once it is answered."""

    answer: asyncio.Future[Whole | None]
    request_id: str
    until_s: float = float("inf")
    size: int = 0
    claimed: bool = False


@dataclass(slots=True)
class Collected:
    """An answer and the id of the request that paid for it. `taken` is told whether it reached the app; each answer is
    collected once."""

    whole: Whole
    paid_by: str
    taken: Callable[[bool], None]


class Collection:
    """`clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: OrderedDict[Name, _Left] = OrderedDict()

    def leave(self, journey: Journey, body: bytes) -> Callable[[Whole | None], None]:
        """The app has hung up on this call. Call the result with its answer, or with None when it has none."""
        self._forget()
        left = _Left(asyncio.get_running_loop().create_future(), journey.request_id)
        name = _name(journey, body)
        self._left[name] = left
        while len(self._left) > KEPT_MAX:
            self._left.popitem(last=False)

        def arrived(answer: Whole | None) -> None:
            if left.answer.done():
                return
            left.answer.set_result(answer)
            left.until_s = self._clock() + KEPT_S
            left.size = len(answer.body) if answer is not None else 0
            self._forget()
            asyncio.get_running_loop().call_later(KEPT_S, self._forget)

        return arrived

    async def collect(self, journey: Journey, body: bytes) -> Collected | None:
        """The answer left for this call; waits for one that is still under way. None when there is none, or when the
        call does not say that it is a retry, or wants a new answer. Whoever gets one says afterwards whether it was
        `taken`."""
        wanted = journey.wanted
        if not wanted.cached or (not wanted.retry_count and wanted.idempotency_key is None):
            return None
        self._forget()
        name = _name(journey, body)
        left = self._left.get(name)
        if left is None or left.claimed:
            return None
        left.claimed = True
        try:
            async with asyncio.timeout(max(0.0, journey.deadline_s - self._clock())):
                answer = await asyncio.shield(left.answer)
        except TimeoutError:
            answer = None
        except asyncio.CancelledError:
            left.claimed = False  # the next retry finds it
            raise
        if answer is None:
            left.claimed = False
            return None

        def taken(really: bool) -> None:
            left.claimed = False
            if really and self._left.get(name) is left:
                del self._left[name]

        return Collected(answer, left.request_id, taken)

    def _forget(self) -> None:
        now_s = self._clock()
        for name in [name for name, left in self._left.items() if left.until_s <= now_s]:
            del self._left[name]
        while self._left and sum(left.size for left in self._left.values()) > BYTES_MAX:
            self._left.popitem(last=False)


def _name(journey: Journey, body: bytes) -> Name:
    """The same key, endpoint and body, and the same idempotency key where one is given."""
    digest = hashlib.sha256(journey.endpoint.encode() + b"\n" + body)
    digest.update((journey.wanted.idempotency_key or "").encode())
    return journey.key_id, digest.digest()
