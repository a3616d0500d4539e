"""The ledger's verbs for requests that two groups of accounts count: the team's own, and the organisation's.

The groups may live on different shards, so no script sees both. Each verb goes to both at once, under the same id, and
either group's word is final in its own: a request is admitted when both say yes, and what one has granted is given back
when the other refuses. Should the router die between the two, the lease of the lone hold runs out as any other's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from router.core.charges import NOTHING, Account, Amounts, Denial, Standing
from router.core.policy import Scope
from router.store.ledger import Ending, Ledger, Reservation, Write
from router.store.names import ORGANISATION
from router.store.settler import Settler

Vector = Callable[[int], tuple[Account, ...]]
First = TypeVar("First")
Second = TypeVar("Second")


class Twins:
    """`both` says that the vector has accounts of the organisation; without, a verb is one round trip, as ever."""

    def __init__(self, ledger: Ledger, settler: Settler) -> None:
        self.ledger = ledger
        self._settler = settler

    async def reserve(
        self, hold_id: str, team: str, accounts: Vector, amounts: Amounts, *, both: bool, lease_ms: int, note: str = ""
    ) -> Reservation | Denial:
        """As Ledger.reserve. After a Denial with `both` the id may be used up: ask again under another."""
        if not both:
            return await self.ledger.reserve(hold_id, team, accounts, amounts, lease_ms=lease_ms, note=note)
        pair = await _together(
            self.ledger.reserve(hold_id, team, _own(accounts), amounts, lease_ms=lease_ms, note=note),
            self.ledger.reserve(hold_id, ORGANISATION, _shared(accounts), amounts, lease_ms=lease_ms, note=note),
        )
        return self._joined(*pair, team)

    async def advance(
        self,
        ended: Reservation,
        ending: Ending,
        actual: Amounts,
        hold_id: str,
        accounts: Vector,
        amounts: Amounts,
        *,
        lease_ms: int,
        note: str,
    ) -> Reservation | Denial:
        """As Ledger.advance, in both groups when the hold that ends is in both."""
        twin = ended.twin
        if twin is None:
            return await self.ledger.advance(
                ended, ending, actual, hold_id, accounts, amounts, lease_ms=lease_ms, note=note
            )
        pair = await _together(
            self.ledger.advance(ended, ending, actual, hold_id, _own(accounts), amounts, lease_ms=lease_ms, note=note),
            self.ledger.advance(
                twin, ending, actual, hold_id, _shared(accounts), amounts, lease_ms=lease_ms, note=note
            ),
        )
        return self._joined(*pair, ended.team)

    async def close(
        self, reservation: Reservation, ending: Ending, actual: Amounts, write: Write | None = None
    ) -> bool:
        """As Ledger.close; the record stands in the team's group. To be repeated until both went through."""
        first = self.ledger.close(reservation, ending, actual, write)
        if reservation.twin is None:
            return await first
        ended, _ = await _together(first, self.ledger.close(reservation.twin, ending, actual))
        return ended

    def unheld(
        self, hold_id: str, team: str, accounts: Sequence[Account], amounts: Amounts, *, note: str = ""
    ) -> Reservation:
        """As Ledger.unheld, in the groups that the accounts are of."""
        own, shared = split(accounts)
        hold = self.ledger.unheld(hold_id, team, own, amounts, note=note)
        return replace(hold, twin=self.ledger.unheld(hold_id, ORGANISATION, shared, amounts)) if shared else hold

    async def peek(self, team: str, accounts: Sequence[Account]) -> list[Standing]:
        """As Ledger.peek, the team's own accounts first."""
        own, shared = split(accounts)
        groups = [(team, own), (ORGANISATION, shared)]
        asked = [self.ledger.peek(group, some) for group, some in groups if some]
        return [standing for standings in await asyncio.gather(*asked) for standing in standings]

    def _joined(self, own: Reservation | Denial, shared: Reservation | Denial, team: str) -> Reservation | Denial:
        if isinstance(own, Reservation) and isinstance(shared, Reservation):
            return replace(own, twin=shared, standings=(*own.standings, *shared.standings))
        for granted in (own, shared):
            if isinstance(granted, Reservation):
                self._give_back(granted, team)
        denials = [one for one in (own, shared) if isinstance(one, Denial)]
        return max(denials, key=_wait_ms)

    def _give_back(self, granted: Reservation, team: str) -> None:
        self._settler.hand_over(lambda: self.ledger.close(granted, Ending.VOIDED, NOTHING), frees=team)


def split(accounts: Sequence[Account]) -> tuple[tuple[Account, ...], tuple[Account, ...]]:
    """The team's own accounts, and the organisation's."""
    own = tuple(account for account in accounts if account.scope is not Scope.ORGANISATION)
    return own, tuple(account for account in accounts if account.scope is Scope.ORGANISATION)


def _own(accounts: Vector) -> Vector:
    return lambda now_ms: split(accounts(now_ms))[0]


def _shared(accounts: Vector) -> Vector:
    return lambda now_ms: split(accounts(now_ms))[1]


def _wait_ms(denial: Denial) -> float:
    """Of two refusals the longer is told: before it ends, nothing helps."""
    return float("inf") if denial.retry_after_ms is None else denial.retry_after_ms


async def _together(first: Awaitable[First], second: Awaitable[Second]) -> tuple[First, Second]:
    """Both to their ends, also when one fails, so that nothing is still on its way when an error is told."""
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(other, BaseException):
        raise other
    return one, other
