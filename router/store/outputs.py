"""How long a team's answers usually are, by kind of work, learned from its own settled requests.

The sums by the hour are in the store already; they are read aside, once a minute, for the teams that ask. A kind that
has been asked for too rarely is not in here, and the general figures hold for it (core/kinds.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from router.core.kinds import Kind
from router.errors import StoreUnavailable
from router.store.records import Records

LOOK_EVERY_S: Final = 60.0
# A day has all of a team's hours in it; below twenty answers one long one would set the mean.
LOOK_BACK_MS: Final = 24 * 3_600_000
REQUESTS_MIN: Final = 20
TEAMS_MAX: Final = 10_000
_KINDS: Final = frozenset(kind.value for kind in Kind)  # of another version there may be more in the sums
_NOTHING: Final[Mapping[Kind, int]] = {}


class Outputs:
    """`clock` gives epoch seconds."""

    def __init__(self, records: Records, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock
        self._known: dict[str, Mapping[Kind, int]] = {}

    def of(self, team: str) -> Mapping[Kind, int]:
        """Mean output tokens of an answer by kind, as far as they are known by now."""
        if len(self._known) < TEAMS_MAX:
            return self._known.setdefault(team, _NOTHING)
        return self._known.get(team, _NOTHING)

    async def watch(self) -> None:
        """Look again, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Read the last day's sums of every team that has asked; what the store does not answer stays as it was."""
        now_ms = int(self._clock() * 1000)
        for team in list(self._known):
            try:
                _, sums = await self._records.usage(
                    since_ms=now_ms - LOOK_BACK_MS, until_ms=now_ms + 1, group_by="kind", team=team
                )
            except StoreUnavailable:
                return
            self._known[team] = {
                Kind(name): max(1, round(found.output_tokens / found.requests))
                for name, found in sums.items()
                if name in _KINDS and found.requests >= REQUESTS_MIN and found.output_tokens > 0
            }
