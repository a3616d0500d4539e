"""An operator's switches, the same on every replica: models that are off, and the model that serves every chat request.

While the store is away the last known switches hold on, each until it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from router.core.switches import NONE_SWITCHED, PinAll, Switch, Switches
from router.store import names
from router.store.connect import DEADLINE_S, Client
from router.store.shared import Shared


class Switchboard:
    """`clock` is epoch seconds."""

    def __init__(
        self, client: Client, clock: Callable[[], float] = time.time, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._clock = clock
        self._shared = Shared(
            client, key=names.SWITCHES, what="switches", empty=NONE_SWITCHED, clock=clock, deadline_s=deadline_s
        )
        self.watch = self._shared.watch

    def current(self) -> Switches:
        """What holds now, as far as this process has heard."""
        known = self._shared.known
        return known.at(self._clock()) if known is not NONE_SWITCHED else NONE_SWITCHED

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
        await self._shared.read()
        return self.current()

    async def _change(self, change: Callable[[Switches], Switches]) -> Switches:
        return await self._shared.change(lambda known: change(known.at(self._clock())))
