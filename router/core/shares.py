"""Slices of budgets that a process reserves beforehand, so that it can go on for a while without the store.

What is spent from a slice has been reserved in the ledger all along, so nothing is overspent, however many processes
do it and however long the store is away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from router.core.charges import Account, Kind, Measure, Standing

# Half a percent of the smallest budget, at most a dollar: ten processes tie up a twentieth.
SHARE_OF_LIMIT: Final = 200
NANO_MAX: Final = 1_000_000_000
# Below this part of a budget no slice is kept: the rest is for requests that are really there.
LEFT_MIN: Final = 20


def money_of(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """The accounts that a slice is reserved on: those whose money could be overspent."""
    return tuple(account for account in accounts if account.measure is Measure.USD and account.enforced)


def slice_nano(accounts: Sequence[Account]) -> int:
    """How much a slice of these budgets has, in nano-USD; 0 when they are too small for one."""
    return min(NANO_MAX, *(account.limit // SHARE_OF_LIMIT for account in accounts))


def leaves_enough(standings: Iterable[Standing]) -> bool:
    """Whether every budget has enough left, with the slice taken, for slices to be kept at all."""
    return all(standing.remaining * LEFT_MIN >= standing.account.limit for standing in standings)


def holds_at(accounts: Iterable[Account], now_ms: int) -> bool:
    """Whether the windows that a slice was reserved in are still those of `now_ms`."""
    return all(account.kind is not Kind.CALENDAR or account.begin <= now_ms < account.end for account in accounts)
