"""What a store that lost writes is told again, and how that is noticed.

A promoted replica may lack its primary's last writes, and an emptied store lacks all. The first shows in the
replication id, which changes with every promotion and restart; the second in an epoch, a random name that each ledger
is given once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError

from router.core.totals import TeamTotals
from router.store import names
from router.store.connect import STORE_ERRORS, away
from router.store.ledger import Ending, Ledger, Reservation
from router.store.scripts import Script, load

# A script holds the store up for all others while it runs, so its work is cut small.
BATCH_MAX: Final = 16

_pack: Final = msgspec.msgpack.encode


class Rebuilding:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._client: Any = ledger.door.client
        self._adjust = load("adjust", test_clock=ledger.test_clock)
        self._announce = load("announce", test_clock=ledger.test_clock)

    async def mark(self) -> frozenset[str]:
        """What stays the same for as long as the store surely forgot nothing. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(self._ledger.door.deadline_s):
                await self._client.set(names.EPOCH, secrets.token_hex(8), nx=True)
                epoch = await self._client.get(names.EPOCH)
                return frozenset((epoch.decode(), *await self._replications()))
        except (*STORE_ERRORS, TimeoutError) as error:
            failure = away("could not be asked whether it is the same")
            raise failure from error

    async def _replications(self) -> list[str]:
        where = {"target_nodes": RedisCluster.PRIMARIES} if isinstance(self._client, RedisCluster) else {}
        try:
            said = await self._client.execute_command("INFO", "replication", **where)
        except ResponseError:
            return []  # a user who may not ask: then only an emptied store is noticed
        servers = [said] if "master_replid" in said else list(said.values())
        return [str(server["master_replid"]) for server in servers]

    async def epochs(self, teams: Iterable[str]) -> dict[str, str]:
        """The epoch of each team's ledger, made where there was none. Raises StoreUnavailable."""
        found = {}
        try:
            async with asyncio.timeout(self._ledger.door.deadline_s):
                for team in teams:
                    await self._client.hsetnx(names.ledger(team), names.LEDGER_EPOCH, secrets.token_hex(8))
                    found[team] = (await self._client.hget(names.ledger(team), names.LEDGER_EPOCH)).decode()
        except (*STORE_ERRORS, TimeoutError) as error:
            failure = away("could not be asked for its epochs")
            raise failure from error
        return found

    async def book(self, replica: str, team: str, epoch: str, totals: TeamTotals) -> None:
        """Charge what this replica's requests have cost on a ledger that knows nothing of it; twice changes nothing."""
        rows = [
            (f"rebuild:{replica}:{epoch}:{name}:{at}", (name, kind, nano, first, second, at), nano)
            for (name, kind, first, second, at), nano in totals.charged.items()
        ]
        for start in range(0, len(rows), BATCH_MAX):
            await self._call(self._adjust, team, rows[start : start + BATCH_MAX])
        for unsure in totals.unsure.values():
            await self._ledger.deliver(team, unsure.id, Ending.UNCONFIRMED, unsure.entries, (), unsure.note, None)

    async def announce(self, holds: Iterable[Reservation], lease_ms: int) -> None:
        """Make again what of these holds the store has lost."""
        teams: defaultdict[str, list[Any]] = defaultdict(list)
        for hold in holds:
            teams[hold.team].append((hold.id, hold.note, hold.entries))
        for team, rows in teams.items():
            for start in range(0, len(rows), BATCH_MAX):
                await self._call(self._announce, team, (lease_ms, rows[start : start + BATCH_MAX]))

    async def _call(self, script: Script, team: str, what: Any) -> None:
        keys = [names.ledger(team), names.leases(team), names.unconfirmed(team)]
        args: list[bytes | int] = [_pack(what)]
        if self._ledger.test_clock:
            args.append(int(self._ledger.clock() * 1000))
        await self._ledger.door.call(script, keys, args)
