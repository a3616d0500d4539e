"""Routers of a test: each with a journal in a directory, a ledger and leases, and an end as sudden as a kill."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from router import children
from router.core.charges import Account, Amounts
from router.store import embedded, names
from router.store.connect import Client, Door, connect
from router.store.journal import Journal
from router.store.journal_lines import End, Intent
from router.store.leases import LEASE_MS, Leases
from router.store.ledger import Ending, Ledger, Reservation, Write, charges_of
from router.store.records import Records
from router.store.replaying import Replaying
from tests.store.making import HOUR, MIDNIGHT, amounts, calendar, gauge, ring

ACCOUNTS: tuple[Account, ...] = (calendar(10**9), calendar(10**9, name="small:usd:24h"), ring(10**6), gauge(100))
_numbers = itertools.count(1)


class Clock:
    """The same for the store and the routers of a test."""

    def __init__(self) -> None:
        self.now_ms = MIDNIGHT + 10 * HOUR

    def __call__(self) -> float:
        return (self.now_ms + 0.5) / 1000


class Office:
    """One router. `kill` leaves its files as a killed process would: as they are, and locked by nobody."""

    def __init__(self, client: Client, team: str, directory: Path, clock: Clock, **more: Any) -> None:
        self.client: Any = client
        self.team = team
        self.clock = clock
        self.ledger = Ledger(Door(client, deadline_s=60.0), clock, test_clock=True)
        self.leases = Leases(self.ledger)
        self.failed = 0
        self.replayed: Counter[str] = Counter()
        self.journal = Journal(directory, clock=clock, on_failed=self._fail, **more)
        self.replaying = Replaying(
            self.journal,
            self.ledger,
            self.leases,
            Records(client, self.ledger, clock),
            clock=clock,
            on_replayed=lambda kind: self.replayed.update([kind]),
        )

    def _fail(self) -> None:
        self.failed += 1

    def intend(self, nano: int, *accounts: Account) -> Reservation:
        """A hold that is written down, and not asked for yet."""
        name = f"q{next(_numbers)}#1"
        asked = self.ledger.unheld(name, self.team, accounts or ACCOUNTS, amounts(nano))
        self.journal.intend(Intent(id=name, team=self.team, entries=asked.entries, note="", at_ms=self.clock.now_ms))
        return asked

    async def hold(self, nano: int, *accounts: Account) -> Reservation:
        asked = self.intend(nano, *accounts)
        held = await self.ledger.reserve(asked.id, self.team, lambda _: asked.accounts, asked.held, lease_ms=LEASE_MS)
        assert isinstance(held, Reservation)
        self.leases.keep(held)
        return held

    async def send(self, nano: int, *accounts: Account) -> Reservation:
        held = await self.hold(nano, *accounts)
        self.journal.sent(held.id)
        return held

    def end(
        self, held: Reservation, actual: Amounts, ending: Ending = Ending.SETTLED, write: Write | None = None
    ) -> End:
        """How the hold ends, written down, and not told to the store."""
        self.leases.drop(held)
        end = End(
            id=held.id,
            team=held.team,
            ending=ending,
            at_ms=self.clock.now_ms,
            entries=held.entries,
            actual=charges_of(held, actual),
            write=write,
        )
        self.journal.ends(end)
        return end

    async def deliver(self, end: End, *, heard: bool = True) -> None:
        """Told to the store; without `heard` the router dies before it hears that it was taken."""
        assert end.ending is not None
        await self.ledger.deliver(end.team, end.id, end.ending, end.entries, end.actual, end.note, end.write)
        if heard:
            self.journal.done(end.id)

    async def spend(self, nano: int) -> None:
        """A whole request."""
        await self.deliver(self.end(await self.send(2 * nano), amounts(nano)))

    def kill(self) -> None:
        if self.journal._tick is not None:
            self.journal._tick.cancel()
        if self.journal._syncer is not None:  # a dead process has no thread that still holds a file
            self.journal._unsynced.put(None)
            self.journal._syncer.join()
        for segment in self.journal.segments:
            segment.let_go()
        self.journal.segments.clear()

    async def stands(self, *accounts: Account) -> list[tuple[int, int]]:
        """(spent, held) of each account."""
        found = await self.ledger.peek(self.team, accounts or ACCOUNTS)
        return [(standing.spent, standing.held) for standing in found]

    async def state(self) -> dict[bytes, bytes]:
        """All accounts and unconfirmed holds, as they are kept."""
        kept = await self.client.hgetall(names.ledger(self.team))
        unsure = await self.client.zrange(names.unconfirmed(self.team), 0, -1)
        return {**{name: raw for name, raw in kept.items() if name.startswith(b"a:")}, b"unsure": sorted(unsure)}


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))


@contextmanager
def store(directory: Path) -> Iterator[Callable[[Callable[[Client], Awaitable[Any]]], None]]:
    """A store of one's own, because it is emptied."""
    directory.mkdir()
    path = embedded.socket_path(directory)
    child = children.start(embedded.command(directory, path))
    try:
        url = embedded.wait_until_up(directory, path)

        def go(main: Callable[[Client], Awaitable[Any]]) -> None:
            async def whole() -> None:
                client = connect(url, timeout_s=30.0)
                try:
                    await main(client)
                finally:
                    await client.aclose()

            asyncio.run(whole())

        yield go
    finally:
        children.stop(child)
