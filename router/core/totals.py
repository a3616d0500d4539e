"""What this replica's requests have cost, per account and open window: from it a store that lost everything is rebuilt.

Minutes and places are left out: they are over before anybody could bring them back.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from router.core.charges import MINUTE_MS, Kind

# By account: name, kind, amount, begin | length, end | buckets, and where in the account it is.
Entry = tuple[str, str, int, int, int, int]
# The same without the amount, which is added up.
Slot = tuple[str, str, int, int, int]


class Unsure(msgspec.Struct, frozen=True, kw_only=True):
    """A charge that is unconfirmed. It keeps its id, so that it is never there twice and can be reconciled."""

    id: str
    entries: tuple[Entry, ...]
    note: str


class TeamTotals(msgspec.Struct, kw_only=True):
    """`epoch` names the ledger of the team that these charges are in, None before one is known. `since_ms` is when that
    took the place of one that was lost; 0 for the first."""

    epoch: str | None = None
    since_ms: int = 0
    charged: dict[Slot, int] = {}
    unsure: dict[str, Unsure] = {}

    def charge(self, entries: Iterable[Entry], actual: Iterable[int]) -> None:
        """Add what one hold was charged."""
        for (name, kind, _, first, second, at), nano in zip(entries, actual, strict=True):
            if nano and _lasts(kind, first):
                slot = (name, kind, first, second, at)
                self.charged[slot] = self.charged.get(slot, 0) + nano

    def doubt(self, unsure: Unsure) -> None:
        """Add a charge that nobody could vouch for."""
        lasting = tuple(entry for entry in unsure.entries if _lasts(entry[1], entry[3]))
        if lasting:
            self.unsure[unsure.id] = msgspec.structs.replace(unsure, entries=lasting)

    def take_in(self, other: TeamTotals) -> None:
        """Add what others come to."""
        for slot, nano in other.charged.items():
            self.charged[slot] = self.charged.get(slot, 0) + nano
        self.unsure |= other.unsure

    def prune(self, now_ms: int) -> None:
        """Forget what no open window counts any more."""
        self.charged = {slot: nano for slot, nano in self.charged.items() if _open(*slot[1:], now_ms)}
        self.unsure = {
            name: unsure
            for name, unsure in self.unsure.items()
            if any(_open(kind, first, second, at, now_ms) for _, kind, _, first, second, at in unsure.entries)
        }


def _lasts(kind: str, first: int) -> bool:
    return kind == Kind.CALENDAR.value or (kind == Kind.RING.value and first > MINUTE_MS)


def _open(kind: str, first: int, second: int, at: int, now_ms: int) -> bool:
    if kind == Kind.CALENDAR.value:
        return now_ms < second
    return now_ms < (at + second + 1) * first // second
