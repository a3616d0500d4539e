"""What every account of money has counted in its open window: read for a backup, and raised again by a restore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from router.core.charges import Kind, Measure
from router.core.policy import rolling_ms
from router.store import names
from router.store.connect import STORE_ERRORS, away
from router.store.ledger import Ledger
from router.store.rebuilding import BATCH_MAX
from router.store.reconciling import measure_of
from router.store.scripts import load

PAGE: Final = 500


class Total(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at` is where a calendar window begins (epoch ms), or the number of a ring's bucket, of which there are `buckets`
    and one; `nano_usd` is what was charged there, with what was unconfirmed."""

    team: str
    account: str
    kind: Kind
    at: int
    buckets: int
    nano_usd: int


class Saving:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._client: Any = ledger.door.client
        self._raise = load("raise", test_clock=ledger.test_clock)

    async def read(self) -> list[Total]:
        """Of all teams, by team and account. Raises StoreUnavailable."""
        found: list[Total] = []
        try:
            teams = sorted(raw.decode() for raw in await self._client.smembers(names.TEAMS))
            for team in (*teams, names.ORGANISATION):
                cursor, kept = 0, dict[bytes, bytes]()
                while True:
                    cursor, some = await self._client.hscan(names.ledger(team), cursor, match="a:*", count=PAGE)
                    kept |= some
                    if cursor == 0:
                        break
                for field, packed in sorted(kept.items()):
                    found += _totals(team, field.decode().removeprefix("a:"), msgspec.msgpack.decode(packed))
        except STORE_ERRORS as error:
            failure = away("could not be read")
            raise failure from error
        return found

    async def restore(self, totals: Iterable[Total]) -> int:
        """Raise accounts to what was saved, where they have counted less; how many. Twice changes nothing."""
        teams: dict[str, list[Total]] = {}
        for total in totals:
            teams.setdefault(total.team, []).append(total)
        raised = 0
        for team, some in teams.items():
            keys = [names.ledger(team), names.leases(team), names.unconfirmed(team)]
            for start in range(0, len(some), BATCH_MAX):
                rows = [
                    (one.account, one.kind.value, one.nano_usd, 0, one.buckets, one.at)
                    for one in some[start : start + BATCH_MAX]
                ]
                args: list[bytes | int] = [msgspec.msgpack.encode(rows)]
                if self._ledger.test_clock:
                    args.append(int(self._ledger.clock() * 1000))
                raised += await self._ledger.door.call(self._raise, keys, args)
        return raised


def _totals(team: str, account: str, numbers: Sequence[int]) -> list[Total]:
    """What accounts.lua packs for a calendar window or a ring of money; nothing for what is over within a minute."""
    if measure_of(account) is not Measure.USD:
        return []
    if rolling_ms(account.rpartition(":usd:")[2].partition("@")[0]) is not None:
        newest, buckets = numbers[0], len(numbers) - 2
        places = range(newest - buckets, newest + 1)
        counted = [(Kind.RING, at, buckets, numbers[1 + at % (buckets + 1)]) for at in places]
    else:
        counted = [(Kind.CALENDAR, numbers[0], 0, numbers[1] + numbers[3])]
    return [
        Total(team=team, account=account, kind=kind, at=at, buckets=buckets, nano_usd=nano)
        for kind, at, buckets, nano in counted
        if nano > 0
    ]
