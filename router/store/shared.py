"""A small value that all replicas share: what an operator has changed for a while.

It is as cheap to read as a version counter would be. It is read every second, so a change holds everywhere within a few
seconds, also where no message could reach a replica. While the store is away the last known value holds on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from router.errors import StoreUnavailable
from router.store.connect import DEADLINE_S, STORE_ERRORS, Client, away
from router.store.scripts import load_alone

POLL_S: Final = 1.0
# The store forgets a value this long after its last part ended: its clock need not be ours.
KEPT_S: Final = 60.0

_SAVE: Final = load_alone("save_shared")


class Ending(Protocol):
    @property
    def until(self) -> float:
        """When the last part of it ends, in epoch seconds; 0 when there is none."""
        ...


T = TypeVar("T", bound=Ending)


class Shared(Generic[T]):
    """`key` names it in the store, `what` in errors; `empty` is what holds when nobody has said anything. `clock` is
    epoch seconds."""

    def __init__(
        self,
        client: Client,
        *,
        key: str,
        what: str,
        empty: T,
        clock: Callable[[], float] = time.time,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._client: Any = client
        self._key = key
        self._what = what
        self._empty = empty
        self._packed = b""
        self.clock = clock
        self.deadline_s = deadline_s
        self.known = empty

    async def read(self) -> T:
        """What the store has. Raises StoreUnavailable."""
        self._learn(await self._ask(self._client.get(self._key)) or b"")
        return self.known

    async def change(self, change: Callable[[T], T]) -> T:
        """Keep what `change` makes of the value; it is asked again when somebody else was faster. Raises
        StoreUnavailable, and what `change` raises."""
        while True:
            now = await self.read()
            read, changed = self._packed, change(now)
            packed = msgspec.json.encode(changed)
            ends_ms = round((max(changed.until, self.clock()) + KEPT_S) * 1000)
            if await self._ask(self._client.eval(_SAVE.source, 1, self._key, read, packed, ends_ms)):
                self._learn(packed)
                return changed

    async def watch(self) -> None:
        """Run for ever: learn what was changed elsewhere."""
        while True:
            with contextlib.suppress(StoreUnavailable):  # what was known stays so while the store is away
                await self.read()
            await asyncio.sleep(POLL_S)

    def _learn(self, packed: bytes) -> None:
        if packed != self._packed:
            self.known = msgspec.json.decode(packed, type=type(self._empty)) if packed else self._empty
            self._packed = packed

    async def _ask(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await command
        except (*STORE_ERRORS, TimeoutError) as error:
            failure: StoreUnavailable = away(f"could not be asked about {self._what}")
            raise failure from error
