"""An operator's switches, the same on every replica: models that are off, and the model that serves every chat request.

All of them are one small value, so that reading it is as cheap as reading a version counter would be. It is read every
second, so a switch holds everywhere within a few seconds, also where no message could reach a replica. While the store
is away the last known switches hold on, each until it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from router.core.switches import NONE_SWITCHED, PinAll, Switch, Switches
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import DEADLINE_S, STORE_ERRORS, Client, away
from router.store.scripts import load_alone

POLL_S: Final = 1.0
# The store forgets a value this long after its last switch ended: its clock need not be ours.
KEPT_S: Final = 60.0

_SAVE: Final = load_alone("save_switches")


class Switchboard:
    """`clock` is epoch seconds."""

    def __init__(
        self, client: Client, clock: Callable[[], float] = time.time, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._client: Any = client
        self.deadline_s = deadline_s
        self._clock = clock
        self._known = NONE_SWITCHED
        self._packed = b""

    def current(self) -> Switches:
        """What holds now, as far as this process has heard."""
        return self._known.at(self._clock()) if self._known is not NONE_SWITCHED else NONE_SWITCHED

    async def disable(self, model: str, *, for_s: float, reason: str, by: str) -> Switches:
        """Switch `model`, a catalogue id, off. Raises StoreUnavailable, as all that follow."""
        now = self._clock()
        switch = Switch(since=now, until=now + for_s, reason=reason, by=by)
        return await self._change(lambda now: Switches(disabled={**now.disabled, model: switch}, pin_all=now.pin_all))

    async def enable(self, model: str) -> Switches:
        """Switch `model` on again; one that is on stays so."""

        def without(now: Switches) -> Switches:
            kept = {name: switch for name, switch in now.disabled.items() if name != model}
            return Switches(disabled=kept, pin_all=now.pin_all)

        return await self._change(without)

    async def pin_all(self, model: str, *, for_s: float, reason: str, by: str) -> Switches:
        """Have every chat request served by `model`."""
        now = self._clock()
        pin = PinAll(since=now, until=now + for_s, reason=reason, by=by, model=model)
        return await self._change(lambda now: Switches(disabled=now.disabled, pin_all=pin))

    async def unpin(self) -> Switches:
        """Route every request again; harmless when nothing was pinned."""
        return await self._change(lambda now: Switches(disabled=now.disabled))

    async def read(self) -> Switches:
        """What holds now, as the store has it."""
        self._learn(await self._ask(self._client.get(names.SWITCHES)) or b"")
        return self.current()

    async def watch(self) -> None:
        """Run for ever: learn what was switched elsewhere."""
        while True:
            with contextlib.suppress(StoreUnavailable):  # what was switched stays so while the store is away
                await self.read()
            await asyncio.sleep(POLL_S)

    async def _change(self, change: Callable[[Switches], Switches]) -> Switches:
        while True:
            now = await self.read()
            read, changed = self._packed, change(now)
            packed = msgspec.json.encode(changed)
            ends_ms = round((max(changed.until, self._clock()) + KEPT_S) * 1000)
            if await self._ask(self._client.eval(_SAVE.source, 1, names.SWITCHES, read, packed, ends_ms)):
                self._learn(packed)
                return changed

    def _learn(self, packed: bytes) -> None:
        if packed != self._packed:
            self._known = msgspec.json.decode(packed, type=Switches) if packed else NONE_SWITCHED
            self._packed = packed

    async def _ask(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await command
        except (*STORE_ERRORS, TimeoutError) as error:
            failure: StoreUnavailable = away("could not be asked about switches")
            raise failure from error
