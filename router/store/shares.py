"""Keeps slices of the budgets that were asked for lately, and spends from them while the store is away."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from router.core.charges import NOTHING, Account, Amounts, Denial
from router.core.shares import holds_at, leaves_enough, money_of, slice_nano
from router.errors import JournalUnavailable, StoreUnavailable
from router.store.journal import Journal
from router.store.journal_lines import intent_of
from router.store.leases import LEASE_MS, Leases
from router.store.ledger import Ending, Ledger, Reservation
from router.store.settler import Settler
from router.store.twins import Twins

LOOK_EVERY_S: Final = 2.0
# A slice that nobody has needed for so long is given back.
IDLE_S: Final = 300.0
# A team's keys, models and tags may have budgets of their own: so many of their combinations get a slice.
SLICES_MAX: Final = 4

Accounts = Callable[[int], tuple[Account, ...]]


@dataclass(slots=True, kw_only=True)
class _Slice:
    """`left` is what may still be spent from it, `draws` what is under way, by hold; `uncharged` are holds that have
    ended, and whose cost the ledger has not taken yet."""

    accounts: Accounts
    wanted_s: float
    hold: Reservation | None = None
    left: int = 0
    used: bool = False
    draws: dict[str, int] = field(default_factory=dict)
    uncharged: set[str] = field(default_factory=set)


class Shares:
    """`clock` gives epoch seconds, and `idle_clock` monotonic ones."""

    def __init__(
        self,
        ledger: Ledger,
        leases: Leases,
        settler: Settler,
        journal: Journal,
        clock: Callable[[], float] = time.time,
        idle_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._twins = Twins(ledger, settler)
        self._leases = leases
        self._settler = settler
        self._journal = journal
        self._clock = clock
        self._idle_clock = idle_clock
        self._slices: dict[str, dict[tuple[str, ...], _Slice]] = {}
        self._drawn: dict[str, _Slice] = {}

    def want(self, team: str, accounts: Accounts) -> None:
        """A request of the team is counted on these accounts: keep a slice of their money."""
        now_s = self._idle_clock()
        slices = self._slices.setdefault(team, {})
        found = slices.get(name := self._name(accounts))
        if found is not None:
            found.accounts, found.wanted_s = accounts, now_s
        elif name and len(slices) < SLICES_MAX:
            slices[name] = _Slice(accounts=accounts, wanted_s=now_s)

    def draw(self, hold_id: str, team: str, accounts: Accounts, nano: int) -> bool:
        """Take `nano` from the slice of these accounts, for a hold that the store does not know; False without room."""
        found = self._slices.get(team, {}).get(self._name(accounts))
        if found is None or found.hold is None or nano > found.left:
            return False
        if not holds_at(found.hold.accounts, int(self._clock() * 1000)):
            return False
        found.left -= nano
        found.used = True
        found.draws[hold_id] = nano
        self._drawn[hold_id] = found
        return True

    def end(self, hold_id: str, nano: int) -> None:
        """The hold has cost `nano`; nothing happens when it was not drawn from a slice."""
        found = self._drawn.get(hold_id)
        if found is not None and hold_id in found.draws:
            found.left += found.draws.pop(hold_id) - nano
            found.uncharged.add(hold_id)

    def charged(self, hold_id: str) -> None:
        """The ledger has what the hold has cost."""
        found = self._drawn.pop(hold_id, None)
        if found is not None:
            found.uncharged.discard(hold_id)

    async def watch(self) -> None:
        """Look after the slices, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Reserve what is missing, renew what was spent from, give back what is idle. A store that is away changes
        nothing."""
        for team in list(self._slices):
            for name, found in list(self._slices[team].items()):
                try:
                    await self._look(team, name, found)
                except StoreUnavailable:
                    return
            if not self._slices[team]:
                del self._slices[team]

    def give_back(self) -> None:
        """Give every slice back, at the end of the process."""
        for team, slices in self._slices.items():
            for found in slices.values():
                self._release(team, found)
        self._slices.clear()

    async def _look(self, team: str, name: tuple[str, ...], found: _Slice) -> None:
        idle = self._idle_clock() - found.wanted_s > IDLE_S
        passed = found.hold is not None and not holds_at(found.hold.accounts, int(self._clock() * 1000))
        if found.hold is not None and (idle or passed or found.used):
            # First what was spent from it is charged, then it is given back: in between both count, never neither.
            if found.draws or found.uncharged:
                return
            await self._end(found.hold)
            self._leases.drop(found.hold)
            found.hold, found.left, found.used = None, 0, False
        if idle:
            del self._slices[team][name]
        elif found.hold is None:
            await self._reserve(team, found)

    async def _reserve(self, team: str, found: _Slice) -> None:
        accounts = found.accounts
        nano = slice_nano(money_of(accounts(int(self._clock() * 1000))))
        if nano == 0:
            return
        hold_id = f"share_{secrets.token_hex(13)}#1"
        amounts = Amounts(nano=nano, tokens=0, requests=0)
        at_ms = int(self._clock() * 1000)
        asked = self._twins.unheld(hold_id, team, money_of(accounts(at_ms)), amounts)
        try:
            # A slice of a router that was killed is then given back, and not kept as a charge.
            self._journal.intend(intent_of(asked, at_ms))
        except JournalUnavailable:
            return
        try:
            held = await self._twins.reserve(
                hold_id,
                team,
                lambda now_ms: money_of(accounts(now_ms)),
                amounts,
                both=asked.twin is not None,
                lease_ms=LEASE_MS,
            )
        except StoreUnavailable:
            self._settler.hand_over(lambda: self._end(asked), frees=team)  # the store may have taken it
            raise
        if isinstance(held, Denial):
            self._journal.done(hold_id)
            return
        if not leaves_enough(held.standings):
            await self._end(held)
            return
        self._leases.keep(held)
        found.hold, found.left = held, nano

    def _release(self, team: str, found: _Slice) -> None:
        hold = found.hold
        if hold is not None:
            self._leases.drop(hold)
            self._settler.hand_over(lambda: self._end(hold), frees=team)

    async def _end(self, hold: Reservation) -> None:
        await self._twins.close(hold, Ending.VOIDED, NOTHING)
        self._journal.done(hold.id)

    def _name(self, accounts: Accounts) -> tuple[str, ...]:
        return tuple(account.name for account in money_of(accounts(int(self._clock() * 1000))))
