"""What all processes know of the windows upstream: one small hash for each account there, exchanged once a second.

Nobody's request waits for it. What a process used is added to the hash, what the vendor told last replaces what it told
before, and the same exchange brings what all the others did. The store's clock dates everything, and only ages travel,
so that the processes' own clocks need not agree.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from router.core.quotas import STEP_S, WINDOW_S, Learned, Share, Shares, Used
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import DEADLINE_S, STORE_ERRORS, Client, away
from router.store.scripts import load_alone
from router.wire.rates import Rate

EXCHANGE_S: Final = 1.0
# All processes together ask this often at most; the more there are, the longer each pauses.
EXCHANGES_A_SECOND: Final = 100
EXCHANGE_MAX_S: Final = 5.0
# A process that has not been heard of for so long is gone, and counts no more as one that uses windows.
GONE_S: Final = 12.0
# Limits change with the vendor's plan only, so yesterday's are better than none.
KEPT_S: Final = 86_400.0

_SCRIPT: Final = load_alone("quotas")


class Knowledge(Protocol):
    """What this process knows of an account's windows."""

    def told(self, account: str) -> Shares: ...

    def hear(self, account: str, told: Shares, heard: Shares, sharers: int) -> None: ...


class SharedQuotas:
    """`clock` is the monotonic clock that the shares are dated with."""

    def __init__(
        self, client: Client, clock: Callable[[], float] = time.monotonic, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._client: Any = client
        self._clock = clock
        self._deadline_s = deadline_s
        self._process = uuid.uuid4().hex[:16]

    async def watch(self, accounts: Callable[[], Iterable[str]], known: Knowledge) -> None:
        """Run for ever: tell what is new of each account, and hear the others."""
        while True:
            sharers = 1
            for account in accounts():
                # While the store is away each process goes by what it sees itself, and tells it afterwards.
                with contextlib.suppress(StoreUnavailable):
                    sharers = max(sharers, await self.exchange(account, known))
            await asyncio.sleep(min(EXCHANGE_MAX_S, max(EXCHANGE_S, sharers / EXCHANGES_A_SECOND)))

    async def exchange(self, account: str, known: Knowledge) -> int:
        """Once, for one account: how many processes share its windows. Raises StoreUnavailable; what was told is then
        told again."""
        told = known.told(account)
        now_ms, sharers, fields = await self._ask(names.quotas(account), self._arguments(told))
        known.hear(account, told, _heard(fields, now_ms / 1000, self._clock()), sharers)
        return int(sharers)

    def _arguments(self, told: Shares) -> list[Any]:
        now_s = self._clock()
        used = [(quota, one) for quota, share in told.items() for one in share.used]
        bounds = [_ms(seconds) for seconds in (STEP_S, WINDOW_S, GONE_S, KEPT_S)]
        arguments: list[Any] = [self._process, *bounds, len(used)]
        for quota, use in used:
            arguments += [f"{use.rate.value}:{quota}", _ms(max(0.0, now_s - use.end_s)), use.amount]
        for quota, share in told.items():
            for word in share.learned:
                arguments += [f"{word.rate.value}:{quota}", _ms(now_s - word.at_s), word.limit, word.unknown]
        return arguments

    async def _ask(self, key: str, arguments: list[Any]) -> Any:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._client.eval(_SCRIPT.source, 1, key, *arguments)
        except (*STORE_ERRORS, TimeoutError) as error:
            failure: StoreUnavailable = away("could not be asked about windows upstream")
            raise failure from error


def _heard(fields: list[bytes], store_s: float, now_s: float) -> dict[str, Share]:
    """The hash as shares of one's own clock, which shows `now_s` when the store's shows `store_s`."""
    rates = {rate.value: rate for rate in Rate}  # a later version may count more
    used: defaultdict[str, list[Used]] = defaultdict(list)
    learned: defaultdict[str, list[Learned]] = defaultdict(list)
    for field, value in zip(fields[::2], fields[1::2], strict=True):
        kind, _, rest = field.decode().partition(":")
        if kind == "u":
            step, measure, quota = rest.split(":", 2)
            end_s = now_s - (store_s - (int(step) + 1) * STEP_S)
            if measure in rates:
                used[quota].append(Used(rate=rates[measure], end_s=end_s, amount=int(value)))
        else:
            measure, _, quota = rest.partition(":")
            at_ms, limit, unknown = map(int, value.split())
            at_s = now_s - (store_s - at_ms / 1000)
            if measure in rates:
                learned[quota].append(Learned(rate=rates[measure], limit=limit, unknown=unknown, at_s=at_s))
    return {
        quota: Share(used=tuple(used.get(quota, ())), learned=tuple(learned.get(quota, ())))
        for quota in {*used, *learned}
    }


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
