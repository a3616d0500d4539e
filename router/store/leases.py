"""Leases: a hold lives for a minute, and on for as long as its router renews it.

So a killed router's holds free their places within a minute, while a request that takes ten keeps its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

from router.errors import StoreUnavailable
from router.store.ledger import Ledger, Reservation

LEASE_MS: Final = 60_000
RENEW_S: Final = 20.0
# A script holds the store up for all others while it runs, so its work is cut small.
BATCH_MAX: Final = 16


class Leases:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._held: dict[tuple[str, str], Reservation] = {}

    @property
    def held(self) -> list[Reservation]:
        """What is under way, in either group of accounts."""
        return list(self._held.values())

    def keep(self, hold: Reservation) -> None:
        """Renew this hold's lease from now on."""
        self._held.update({(one.team, one.id): one for one in _both(hold)})

    def drop(self, hold: Reservation) -> None:
        """The hold ends: its lease may run out."""
        for one in _both(hold):
            self._held.pop((one.team, one.id), None)

    def under_way(self, team: str) -> bool:
        """Whether this process holds something for the team."""
        return any(holder == team for holder, _ in self._held)

    async def watch(self) -> None:
        """Run for ever: renew what is held."""
        while True:
            await asyncio.sleep(RENEW_S)
            await self.renew()

    async def renew(self) -> None:
        """Renew every lease once. A store that is away is tried again the next time; a lease outlives two misses."""
        teams: defaultdict[str, list[str]] = defaultdict(list)
        for team, hold_id in self._held:
            teams[team].append(hold_id)
        for team, ids in teams.items():
            for start in range(0, len(ids), BATCH_MAX):
                try:
                    await self._ledger.renew(team, ids[start : start + BATCH_MAX], LEASE_MS)
                except StoreUnavailable:
                    break  # another team's shard may well answer


def _both(hold: Reservation) -> tuple[Reservation, ...]:
    return (hold,) if hold.twin is None else (hold, hold.twin)
