"""The ledger: hold an upper bound on every account of a request, and later charge what really was.

Each verb is one script, one round trip, and harmless when it is delivered twice under the same id.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from router.core.charges import Account, Amounts, Denial, Kind, Standing
from router.core.record import name_record
from router.core.sums import Figures
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import STORE_ERRORS, Door, away
from router.store.scripts import load

_pack: Final = msgspec.msgpack.encode


class Ending(enum.Enum):
    """What becomes of a hold: charged as it was, given back, or kept whole because nobody knows."""

    SETTLED = "S"
    VOIDED = "V"
    UNCONFIRMED = "X"


# By account: name, kind, amount, begin | length, end | buckets, and where in the account the hold is.
Entries = tuple[tuple[str, str, int, int, int, int], ...]


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A hold. `entries` is all that the store needs to end it, even if it lost it; `twin` is the same request's hold in
    the organisation's group, where that is limited too."""

    id: str
    team: str
    entries: Entries
    accounts: tuple[Account, ...]
    standings: tuple[Standing, ...]
    held: Amounts
    note: str = ""
    twin: Reservation | None = None


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """A record and its details, written with the end of its hold. `sums` are added to the hour and the day by name."""

    record: bytes
    details: bytes
    hour: int
    sums: dict[str, Figures]
    kept: int
    details_kept: int
    sums_ms: int


class Held(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A hold as the store keeps it; `note` is what the router wrote when it reserved. An ended one keeps two fields."""

    state: str
    told: int
    digest: str = ""
    note: str = ""
    admitted_ms: int = 0
    entries: list[Any] = []


# holds.lua numbers its answers so.
_GRANTED, _DENIED, _STALE = 1, 0, 2
# The verbs that write a record: they take five keys and two arguments more.
_WRITING: Final = ("settle", "record")


class Ledger:
    """`clock` gives epoch seconds; it only chooses the calendar window, which the store checks against its own."""

    def __init__(self, door: Door, clock: Callable[[], float] = time.time, *, test_clock: bool = False) -> None:
        self.door = door
        self.clock = clock
        self.test_clock = test_clock
        verbs = ("reserve", "settle", "advance", "renew", "record", "peek", "sweep", "reconcile")
        self.scripts = {verb: load(verb, test_clock=test_clock) for verb in verbs}

    async def reserve(
        self,
        reservation_id: str,
        team: str,
        accounts: Callable[[int], tuple[Account, ...]],
        amounts: Amounts,
        *,
        lease_ms: int,
        digest: str = "",
        note: str = "",
    ) -> Reservation | Denial:
        """Hold `amounts` on every account, or say which refused. `accounts` makes the vector for an instant (ms).

        Raises StoreUnavailable; the hold may then exist all the same, until its lease ends.
        """
        return await self._reserve("reserve", (), reservation_id, team, accounts, amounts, lease_ms, digest, note)

    async def advance(
        self,
        ended: Reservation,
        ending: Ending,
        actual: Amounts,
        reservation_id: str,
        accounts: Callable[[int], tuple[Account, ...]],
        amounts: Amounts,
        *,
        lease_ms: int,
        note: str = "",
    ) -> Reservation | Denial:
        """End one attempt's hold and reserve the next attempt's in one round trip; the first ends in any case."""
        first = (ended.id, ending.value, ended.entries, charges_of(ended, actual), ended.note, 0)
        return await self._reserve("advance", first, reservation_id, ended.team, accounts, amounts, lease_ms, "", note)

    async def _reserve(
        self,
        verb: str,
        ending: tuple[Any, ...],
        reservation_id: str,
        team: str,
        accounts: Callable[[int], tuple[Account, ...]],
        amounts: Amounts,
        lease_ms: int,
        digest: str,
        note: str,
    ) -> Reservation | Denial:
        now_ms = int(self.clock() * 1000)
        for _ in range(2):
            vector = accounts(now_ms)
            asked = [_asked(account, amounts) for account in vector]
            body: tuple[Any, ...] = (reservation_id, digest, lease_ms, note, asked)
            reply = await self._call(verb, team, _pack((ending, body) if ending else body))
            status, store_ms = reply[0], reply[1]
            if status != _STALE:
                break
            now_ms = store_ms  # our clock is off, or a window has just ended: the store's clock decides
        if status == _GRANTED:
            return _reservation(reservation_id, team, vector, asked, amounts, note, reply)
        if status == _DENIED:
            failing, wait = reply[2], reply[3]
            return Denial(
                standing=_standings(vector, reply)[failing],
                asked=asked[failing][3],
                retry_after_ms=wait if wait >= 0 else None,
                now_ms=store_ms,
            )
        raise StoreUnavailable(f"The ledger did not take reservation {reservation_id} (status {status}).")

    async def close(
        self, reservation: Reservation, ending: Ending, actual: Amounts, write: Write | None = None
    ) -> bool:
        """End a hold, and write the request's record in the same step. False when it had ended before; a record that
        was not written then is written now."""
        charges = charges_of(reservation, actual)
        return await self.deliver(
            reservation.team, reservation.id, ending, reservation.entries, charges, reservation.note, write
        )

    async def deliver(
        self,
        team: str,
        reservation_id: str,
        ending: Ending,
        entries: Entries,
        charges: Sequence[int],
        note: str,
        write: Write | None,
    ) -> bool:
        """The same, of a hold that is known from its journal; `charges` are by its entries."""
        told = 0 if write is None else 1
        args = (reservation_id, ending.value, entries, charges, note, told, *_written(write))
        return bool(await self._call("settle", team, _pack(args), write))

    async def renew(self, team: str, ids: list[str], lease_ms: int) -> int:
        """Lengthen the leases of holds that are still open; how many were."""
        return int(await self._call("renew", team, _pack((ids, lease_ms))))

    async def record(self, team: str, request_id: str, write: Write) -> None:
        """Write the record of a request that holds nothing (any more), once."""
        await self._call("record", team, _pack((name_record(request_id), *_written(write))), write)

    def unheld(
        self, reservation_id: str, team: str, accounts: tuple[Account, ...], amounts: Amounts, *, note: str = ""
    ) -> Reservation:
        """A reservation that the store knows nothing of; ending it later books a direct charge."""
        now_ms = int(self.clock() * 1000)
        entries = tuple(
            (account.name, account.kind.value, amounts.on(account), account.begin, account.end, _at(account, now_ms))
            for account in accounts
        )
        return Reservation(
            id=reservation_id, team=team, entries=entries, accounts=accounts, standings=(), held=amounts, note=note
        )

    async def peek(self, team: str, accounts: Sequence[Account]) -> list[Standing]:
        """How the accounts stand, unchanged."""
        asked = [_asked(account, None) for account in accounts]
        _, spent, held, reset = await self._call("peek", team, _pack((asked,)))
        return [
            Standing(account=account, remaining=account.limit - s - h, reset_ms=r, spent=s, held=h)
            for account, s, h, r in zip(accounts, spent, held, reset, strict=True)
        ]

    async def sweep(self, team: str) -> None:
        """End the leases that ran out."""
        most = 64
        while await self._call("sweep", team, most) == most:
            pass

    async def unconfirmed(self, team: str) -> dict[str, Held]:
        """Every hold of the team whose usage never arrived, after ending the leases that ran out."""
        return (await self.unconfirmed_of([team]))[team]

    async def unconfirmed_of(self, teams: Sequence[str]) -> dict[str, dict[str, Held]]:
        """The same of several teams, all of which share each trip to the store."""
        await asyncio.gather(*map(self.sweep, teams))
        client: Any = self.door.client
        try:
            pipe = client.pipeline(transaction=False)
            for team in teams:
                pipe.zrange(names.unconfirmed(team), 0, -1)
            ids = {
                team: [raw.decode() for raw in found] for team, found in zip(teams, await pipe.execute(), strict=True)
            }
            for team, some in ids.items():
                if some:
                    pipe.hmget(names.ledger(team), [f"r:{name}" for name in some])
            packed = iter(await pipe.execute())
        except STORE_ERRORS as error:
            failure = away("could not be asked for unconfirmed holds")
            raise failure from error
        return {team: _unconfirmed(some, next(packed)) if some else {} for team, some in ids.items()}

    async def _call(self, verb: str, team: str, argument: bytes | int, write: Write | None = None) -> Any:
        keys = [names.ledger(team), names.leases(team), names.unconfirmed(team)]
        args: list[bytes | int] = [argument]
        if verb in _WRITING:
            keys += [names.records(team), *names.sums(team, write.hour if write else 0), names.details(team)]
            args += [write.record, write.details] if write else [b"", b""]
        if self.test_clock:
            args.append(int(self.clock() * 1000))
        return await self.door.call(self.scripts[verb], keys, args)


def _unconfirmed(ids: Sequence[str], packed: Sequence[bytes | None]) -> dict[str, Held]:
    found = {
        name: msgspec.msgpack.decode(raw, type=Held) for name, raw in zip(ids, packed, strict=True) if raw is not None
    }
    return {name: held for name, held in found.items() if held.state == Ending.UNCONFIRMED.value}


def _asked(account: Account, amounts: Amounts | None) -> tuple[str, str, int, int, int, int]:
    limit = account.limit if account.enforced else -1
    amount = amounts.on(account) if amounts is not None else 0
    return (account.name, account.kind.value, limit, amount, account.begin, account.end)


def _at(account: Account, now_ms: int) -> int:
    """Where in an account an instant falls: the window's begin, a ring's bucket, nothing for a gauge."""
    match account.kind:
        case Kind.CALENDAR:
            return account.begin
        case Kind.RING:
            return now_ms * account.end // account.begin
        case Kind.GAUGE:
            return 0


def _standings(accounts: Sequence[Account], reply: list[Any]) -> tuple[Standing, ...]:
    # The script's "remaining" is counted from what it was asked to enforce; a soft account still has its own limit.
    return tuple(
        Standing(
            account=account,
            remaining=remaining if account.enforced else remaining + 1 + account.limit,
            reset_ms=reset,
            spent=spent,
            held=held,
        )
        for account, remaining, reset, spent, held in zip(accounts, *reply[4:8], strict=True)
    )


def _reservation(
    reservation_id: str,
    team: str,
    vector: tuple[Account, ...],
    asked: list[tuple[str, str, int, int, int, int]],
    amounts: Amounts,
    note: str,
    reply: list[Any],
) -> Reservation:
    entries = tuple(
        (name, kind, amount, begin, end, at)
        for (name, kind, _, amount, begin, end), at in zip(asked, reply[8], strict=True)
    )
    return Reservation(
        id=reservation_id,
        team=team,
        entries=entries,
        accounts=vector,
        standings=_standings(vector, reply),
        held=amounts,
        note=note,
    )


def charges_of(reservation: Reservation, actual: Amounts) -> tuple[int, ...]:
    """What is charged on each account, by the reservation's entries."""
    return tuple(actual.on(account) for account in reservation.accounts)


def _written(write: Write | None) -> tuple[tuple[int, int], list[str | Figures], int]:
    if write is None:
        return ((0, 0), [], 0)
    kept = (write.kept, write.details_kept)
    return (kept, [item for pair in write.sums.items() for item in pair], write.sums_ms)
