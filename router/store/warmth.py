"""Where conversations were answered last: a hint for the next turn, shared by all replicas, never waited for long."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from router.core.warmth import Warm
from router.store import names
from router.store.connect import STORE_ERRORS, Door
from router.store.scripts import load_alone

# The vendor says nothing of how long it caches. Beyond a pause of ten minutes a conversation is taken for cold.
KEPT_MS: Final = 600_000
KEPT_MAX: Final = 10_000
# A hint is not worth more waiting than this; what it saves is a part of a cent.
LOOK_S: Final = 0.05

_decode: Final = msgspec.msgpack.Decoder(Warm)


class Warmth:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._script = load_alone("warm")

    async def of(self, team: str, conversation: str) -> Warm | None:
        """Where the conversation was answered last; None when that is not known, or the store is slow to say."""
        client: Any = self._door.client
        try:
            async with asyncio.timeout(LOOK_S):
                packed = await client.hget(names.warm(team), conversation)
            return _decode.decode(packed) if packed is not None else None
        except (*STORE_ERRORS, TimeoutError, msgspec.DecodeError):
            return None

    async def remember(self, team: str, conversation: str, warm: Warm) -> None:
        """Raises StoreUnavailable."""
        keys = [names.warm(team), names.warm_ages(team)]
        await self._door.call(
            self._script, keys, [conversation, msgspec.msgpack.encode(warm), str(KEPT_MS), str(KEPT_MAX)]
        )
