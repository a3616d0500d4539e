"""Holds of one request: taken before an attempt, ended after it, and what becomes of them when the store is away.

A request that was hung up is cancelled at every await, so the end of a hold is handed over, never awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from router.core.charges import NOTHING, Account, Amounts, Denial, Measure, Owner, accounts_of
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.policy import StoreAway
from router.core.record import name_hold, name_record
from router.errors import JournalUnavailable, StoreUnavailable
from router.recording import note_of
from router.store.journal import Journal
from router.store.journal_lines import End, ended, intent_of
from router.store.leases import LEASE_MS, Leases
from router.store.ledger import Ending, Ledger, Reservation, Write
from router.store.settler import Settler
from router.store.shares import Shares
from router.store.twins import Twins

# How long a refusal waits for what is being given back; a store that answers takes a few milliseconds.
FREED_S: Final = 0.3

Ends = tuple[Ending, Amounts]
# The accounts for the windows that hold an instant (ms).
Accounts = Callable[[int], tuple[Account, ...]]


class Holding:
    def __init__(self, ledger: Ledger, leases: Leases, settler: Settler, shares: Shares, journal: Journal) -> None:
        self.ledger = ledger
        self.twins = Twins(ledger, settler)
        self.leases = leases
        self.settler = settler
        self.shares = shares
        self.journal = journal

    async def take(self, journey: Journey, verdict: Verdict) -> Reservation | Denial:
        """Hold the most that the request's first attempt can cost, or say which account has no room for it.

        Raises StoreUnavailable when the store does not answer and the policy denies then, JournalUnavailable likewise.
        """
        assert verdict.most is not None, "only a priced model is in the order"
        asked = self._intend(journey, verdict, verdict.most)
        try:
            held = await self._reserve(journey, asked, verdict)
            # A refusal counts only when nothing is on its way back: an app that asks one thing after another must not
            # be told that its own last request, long answered, has the money or the place.
            if isinstance(held, Denial) and await self.settler.freed(journey.team, FREED_S):
                asked = self._intend(journey, verdict, verdict.most)
                held = await self._reserve(journey, asked, verdict)
        except asyncio.CancelledError:
            self._give_back(asked)
            raise
        except StoreUnavailable:
            unheld = self._without_store(journey, asked, verdict)
            if unheld is None:
                raise
            return unheld
        if isinstance(held, Reservation):
            self.leases.keep(held)
            journey.standings = held.standings
            if _away(journey) is StoreAway.SHARE:
                self.shares.want(journey.team, vector(journey, verdict))
        return held

    def sent(self, hold: Reservation) -> None:
        """The hold's attempt is about to go upstream, and may cost something from now on. Raises JournalUnavailable."""
        self.journal.sent(hold.id)

    async def follow(self, journey: Journey, last: Reservation, ends: Ends, verdict: Verdict) -> Reservation | None:
        """The next attempt's hold, taken in the step that ends the last one's. None when it is not afforded; the last
        one's hold has then ended all the same."""
        assert verdict.most is not None, "only a priced model is in the order"
        self.leases.drop(last)
        self.shares.end(last.id, ends[1].nano)
        self.known(last, ends)
        most = msgspec.structs.replace(verdict.most, requests=0)
        try:
            asked = self._intend(journey, verdict, most)
        except JournalUnavailable:
            self._hand_over(last, ends)
            return None
        try:
            advanced = await self.twins.advance(
                last,
                *ends,
                asked.id,
                _at_first(asked, vector(journey, verdict)),
                most,
                lease_ms=LEASE_MS,
                note=asked.note,
            )
        except StoreUnavailable:
            # Nobody knows what the store did. Both ends are delivered until it has taken them.
            self._hand_over(last, ends)
            return self._without_store(journey, asked, verdict)
        except asyncio.CancelledError:
            self._give_back(asked)
            raise
        self._taken(last)
        if not isinstance(advanced, Reservation):
            self.journal.done(asked.id)
            return None
        self.leases.keep(advanced)
        journey.standings, journey.freed_nano = advanced.standings, 0
        return advanced

    def known(self, hold: Reservation, ends: Ends, write: Write | None = None) -> None:
        """Write down how a hold ends, before the store is told: its usage is known, and must survive this process."""
        self.journal.ends(ended(hold, *ends, self._now_ms(), write))

    def end(self, journey: Journey, hold: Reservation, ends: Ends, write: Write) -> None:
        """End the request's last hold, and write its record in the same step."""
        self.leases.drop(hold)
        self.shares.end(hold.id, ends[1].nano)
        self.known(hold, ends, write)
        self._hand_over(hold, ends, write)

    def record(self, journey: Journey, write: Write) -> None:
        """Write the record of a request that holds nothing (any more)."""
        if not journey.attempts:
            self.settler.hand_over(lambda: self.ledger.record(journey.team, journey.request_id, write))
            return
        # What its attempts cost is in no sums yet, so a crash must not lose it.
        name = name_record(journey.request_id)
        end = End(id=name, team=journey.team, ending=None, at_ms=self._now_ms(), write=write)
        self.journal.ends(end)

        async def deliver() -> None:
            await self.ledger.record(journey.team, journey.request_id, write)
            self.journal.done(name)

        self.settler.hand_over(deliver)

    async def _reserve(self, journey: Journey, asked: Reservation, verdict: Verdict) -> Reservation | Denial:
        held = await self.twins.reserve(
            asked.id,
            journey.team,
            _at_first(asked, vector(journey, verdict)),
            asked.held,
            both=asked.twin is not None,
            lease_ms=LEASE_MS,
            note=asked.note,
        )
        if isinstance(held, Denial):
            self.journal.done(asked.id)
            if asked.twin is not None:  # one of the groups may have granted it, and has it back by now
                journey.first_hold += 1
        return held

    def _intend(self, journey: Journey, verdict: Verdict, most: Amounts) -> Reservation:
        """The next attempt's hold as it will be asked for, written down: enough to end it, should it be taken and
        nobody hear of it. Raises JournalUnavailable, unless the policy has no money that must not be lost sight of."""
        hold_id = name_hold(journey.request_id, journey.first_hold + len(journey.attempts))
        accounts, note = vector(journey, verdict)(self._now_ms()), note_of(journey, verdict)
        asked = self.twins.unheld(hold_id, journey.team, accounts, most, note=note)
        try:
            self.journal.intend(intent_of(asked, self._now_ms()))
        except JournalUnavailable:
            hard = any(account.enforced and account.measure is Measure.USD for account in accounts)
            if hard and _away(journey) is not StoreAway.ALLOW:
                raise
        return asked

    def _without_store(self, journey: Journey, asked: Reservation, verdict: Verdict) -> Reservation | None:
        """What the policy has instead of a hold: None when it denies, or has spent its share. The store may have taken
        the hold and only been late to say so. Otherwise the cost is booked when the store is back."""
        away, accounts = _away(journey), vector(journey, verdict)
        drawn = away is StoreAway.SHARE and self.shares.draw(asked.id, journey.team, accounts, asked.held.nano)
        if not drawn and away is not StoreAway.ALLOW:
            self._give_back(asked)
            return None
        journey.degraded = "store"
        return asked

    def _give_back(self, asked: Reservation) -> None:
        """End a hold that was asked for and may exist, though nothing was sent under it."""
        ends = Ending.VOIDED, NOTHING
        self.known(asked, ends)
        self._hand_over(asked, ends)

    def _hand_over(self, hold: Reservation, ends: Ends, write: Write | None = None) -> None:
        async def deliver() -> None:
            await self.twins.close(hold, *ends, write)
            self._taken(hold)

        self.settler.hand_over(deliver, frees=hold.team)

    def _taken(self, hold: Reservation) -> None:
        """The store has the hold's end."""
        self.shares.charged(hold.id)
        self.journal.done(hold.id)

    def _now_ms(self) -> int:
        return int(self.ledger.clock() * 1000)


def _away(journey: Journey) -> StoreAway:
    """What the policy would have while the store is away."""
    return journey.policy.when_store_away if journey.policy is not None else StoreAway.DENY


def _at_first(asked: Reservation, again: Accounts) -> Accounts:
    """The accounts as they were made; made again when the store finds that a window of theirs has ended."""
    made = [(*asked.accounts, *(asked.twin.accounts if asked.twin is not None else ()))]
    return lambda now_ms: made.pop() if made else again(now_ms)


def vector(journey: Journey, verdict: Verdict) -> Accounts:
    """The accounts that an attempt on that model is counted on, for the windows that hold an instant (ms)."""
    policy, tags = journey.policy, journey.request.tags if journey.request else ()
    assert policy is not None, "only an authenticated request has a policy"
    owner = Owner(team=journey.team, key=journey.key_id, model=verdict.card.name, tags=tags)
    grants = journey.grants
    return lambda now_ms: accounts_of(policy, owner, now_ms, grants)
