"""What the store's tests reserve on: accounts of each kind, and a till with a clock that one sets."""

from __future__ import annotations

from typing import Any

import msgspec

from router.core.charges import Account, Amounts, Denial, Kind, Measure
from router.core.policy import Scope
from router.store import names
from router.store.connect import Client, Door
from router.store.ledger import Ending, Ledger, Reservation, Write

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = 20_750 * DAY  # UTC, in October 2026
NOTHING = Amounts(nano=0, tokens=0, requests=0)


def calendar(limit: int, *, name: str = "budget", begin: int = MIDNIGHT, length: int = DAY, **more: Any) -> Account:
    return _account(name, Measure.USD, Kind.CALENDAR, limit, begin, begin + length, **more)


def ring(limit: int, *, name: str = "requests", measure: Measure = Measure.REQUESTS, **more: Any) -> Account:
    return _account(name, measure, Kind.RING, limit, MINUTE, 12, **more)


def gauge(limit: int, *, name: str = "concurrency", **more: Any) -> Account:
    return _account(name, Measure.CONCURRENCY, Kind.GAUGE, limit, 0, 0, **more)


def _account(name: str, measure: Measure, kind: Kind, limit: int, begin: int, end: int, **more: Any) -> Account:
    fields: dict[str, Any] = {"scope": Scope.TEAM, "id": "t", "window": "day", "enforced": True, **more}
    return Account(name=name, measure=measure, kind=kind, limit=limit, begin=begin, end=end, **fields)


def amounts(nano: int = 0, *, tokens: int = 0, requests: int = 1, concurrency: int = 1) -> Amounts:
    return Amounts(nano=nano, tokens=tokens, requests=requests, concurrency=concurrency)


def write(record: bytes = b"record", **sums: int) -> Write:
    """`sums` stand in the day: their names are in small letters."""
    added = {name: (figure,) for name, figure in sums.items()}
    return Write(record=record, details=b"", hour=7, sums=added, kept=1_000, details_kept=1_000, sums_ms=DAY)


async def sums_at(client: Client, team: str, *, hour: int | None = None, day: int = 0) -> dict[str, list[int]]:
    """What was added up in an hour, or in a day, by name."""
    store: Any = client
    numbers = await store.hgetall(names.summed(team, day if hour is None else hour // 24))
    named = {number: name.decode() for name, number in numbers.items()}
    assert len(named) == len(numbers), "each name has a number of its own"
    found = await store.hgetall(names.day_sums(team, day) if hour is None else names.hour_sums(team, hour))
    return {named[number]: msgspec.msgpack.decode(figures) for number, figures in found.items()}


class Till:
    """One team's ledger at an instant of the test's choosing."""

    def __init__(self, client: Client, team: str, now_ms: int = MIDNIGHT + 10 * HOUR) -> None:
        self.client: Any = client
        self.team = team
        self.now_ms = now_ms
        # Half a millisecond in, so that no rounding on the way moves the instant.
        self.ledger = Ledger(Door(client, deadline_s=60.0), lambda: (self.now_ms + 0.5) / 1000, test_clock=True)

    async def ask(self, name: str, wanted: Amounts, *accounts: Account, **more: Any) -> Reservation | Denial:
        options = {"lease_ms": MINUTE, **more}
        return await self.ledger.reserve(name, self.team, lambda _: accounts, wanted, **options)

    async def hold(self, name: str, wanted: Amounts, *accounts: Account, **more: Any) -> Reservation:
        held = await self.ask(name, wanted, *accounts, **more)
        assert isinstance(held, Reservation), held
        return held

    async def refused(self, name: str, wanted: Amounts, *accounts: Account, **more: Any) -> Denial:
        denial = await self.ask(name, wanted, *accounts, **more)
        assert isinstance(denial, Denial), denial
        return denial

    async def settle(self, held: Reservation, actual: Amounts, record: Write | None = None) -> bool:
        return await self.ledger.close(held, Ending.SETTLED, actual, record)

    async def void(self, held: Reservation, record: Write | None = None) -> bool:
        return await self.ledger.close(held, Ending.VOIDED, NOTHING, record)

    async def lose(self, held: Reservation, record: Write | None = None) -> bool:
        """No usage came: the hold stays, unconfirmed."""
        return await self.ledger.close(held, Ending.UNCONFIRMED, held.held, record)

    async def stands(self, account: Account) -> tuple[int, int]:
        """(spent, held)"""
        [standing] = await self.ledger.peek(self.team, [account])
        return standing.spent, standing.held

    async def state(self) -> dict[bytes, Any]:
        """All that the ledger keeps, as it is kept; without the clock."""
        kept = await self.client.hgetall(names.ledger(self.team))
        kept.pop(b"!now", None)
        leases = await self.client.zrange(names.leases(self.team), 0, -1, withscores=True)
        return {**{name: msgspec.msgpack.decode(raw) for name, raw in kept.items()}, b"leases": leases}

    async def written(self) -> tuple[list[bytes], dict[str, int]]:
        """The records, and the sums of the day of `write`."""
        records = await self.client.xrange(names.records(self.team))
        sums = await sums_at(self.client, self.team)
        return [fields[b"r"] for _, fields in records], {name: figures[0] for name, figures in sums.items()}
