"""Holds of one request: taken before an attempt, ended after it, and what becomes of them when the store is away.

A request that was hung up is cancelled at every await, so the end of a hold is handed over, never awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from router.core.charges import NOTHING, Account, Amounts, Denial, Owner, accounts_of
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.policy import StoreAway
from router.core.record import name_hold
from router.errors import StoreUnavailable
from router.recording import note_of
from router.store.leases import LEASE_MS, Leases
from router.store.ledger import Ending, Ledger, Reservation, Write
from router.store.settler import Settler
from router.store.shares import Shares
from router.store.twins import Twins

# How long a refusal waits for what is being given back; a store that answers takes a few milliseconds.
FREED_S: Final = 0.3

Ends = tuple[Ending, Amounts]


class Holding:
    def __init__(self, ledger: Ledger, leases: Leases, settler: Settler, shares: Shares) -> None:
        self.ledger = ledger
        self.twins = Twins(ledger, settler)
        self.leases = leases
        self.settler = settler
        self.shares = shares

    async def take(self, journey: Journey, verdict: Verdict) -> Reservation | Denial:
        """Hold the most that the request's first attempt can cost, or say which account has no room for it.

        Raises StoreUnavailable when the store does not answer and the policy denies then.
        """
        assert verdict.most is not None, "only a priced model is in the order"
        try:
            held = await self._reserve(journey, verdict)
            # A refusal counts only when nothing is on its way back: an app that asks one thing after another must not
            # be told that its own last request, long answered, has the money or the place.
            if isinstance(held, Denial) and await self.settler.freed(journey.team, FREED_S):
                held = await self._reserve(journey, verdict)
        except asyncio.CancelledError:
            self._give_back(journey, _hold_id(journey), verdict)
            raise
        except StoreUnavailable:
            unheld = self._without_store(journey, _hold_id(journey), verdict, verdict.most)
            if unheld is None:
                raise
            return unheld
        if isinstance(held, Reservation):
            self.leases.keep(held)
            journey.standings = held.standings
            if journey.policy is not None and journey.policy.when_store_away is StoreAway.SHARE:
                self.shares.want(journey.team, vector(journey, verdict))
        return held

    async def follow(self, journey: Journey, last: Reservation, ends: Ends, verdict: Verdict) -> Reservation | None:
        """The next attempt's hold, taken in the step that ends the last one's. None when it is not afforded; the last
        one's hold has then ended all the same."""
        assert verdict.most is not None, "only a priced model is in the order"
        self.leases.drop(last)
        self.shares.end(last.id, ends[1].nano)
        most = msgspec.structs.replace(verdict.most, requests=0)
        hold_id = _hold_id(journey)
        try:
            advanced = await self.twins.advance(
                last,
                *ends,
                hold_id,
                vector(journey, verdict),
                most,
                lease_ms=LEASE_MS,
                note=note_of(journey, verdict),
            )
        except StoreUnavailable:
            # Nobody knows what the store did. Both ends are delivered until it has taken them.
            self.settler.hand_over(lambda: self._close(last, ends), frees=journey.team)
            return self._without_store(journey, hold_id, verdict, most)
        except asyncio.CancelledError:
            self._give_back(journey, hold_id, verdict, most)
            raise
        self.shares.charged(last.id)
        if not isinstance(advanced, Reservation):
            return None
        self.leases.keep(advanced)
        journey.standings, journey.freed_nano = advanced.standings, 0
        return advanced

    def release(self, journey: Journey, hold: Reservation) -> None:
        """Give back a hold under which nothing was sent."""
        self.leases.drop(hold)
        self.settler.hand_over(lambda: self.twins.close(hold, Ending.VOIDED, NOTHING), frees=journey.team)

    def end(self, journey: Journey, hold: Reservation, ends: Ends, write: Write) -> None:
        """End the request's last hold, and write its record in the same step."""
        self.leases.drop(hold)
        self.shares.end(hold.id, ends[1].nano)
        self.settler.hand_over(lambda: self._close(hold, ends, write), frees=journey.team)

    def record(self, journey: Journey, write: Write) -> None:
        """Write the record of a request that holds nothing (any more)."""
        self.settler.hand_over(lambda: self.ledger.record(journey.team, journey.request_id, write))

    async def _reserve(self, journey: Journey, verdict: Verdict) -> Reservation | Denial:
        assert verdict.most is not None and journey.policy is not None, "the caller has looked"
        both = journey.policy.counts_organisation
        held = await self.twins.reserve(
            _hold_id(journey),
            journey.team,
            vector(journey, verdict),
            verdict.most,
            both=both,
            lease_ms=LEASE_MS,
            note=note_of(journey, verdict),
        )
        if both and isinstance(held, Denial):
            journey.first_hold += 1
        return held

    async def _close(self, hold: Reservation, ends: Ends, write: Write | None = None) -> None:
        await self.twins.close(hold, *ends, write)
        self.shares.charged(hold.id)

    def _without_store(self, journey: Journey, hold_id: str, verdict: Verdict, most: Amounts) -> Reservation | None:
        """What the policy has instead of a hold: None when it denies, or has spent its share. The store may have taken
        the hold and only been late to say so. Otherwise the cost is booked when the store is back."""
        accounts = vector(journey, verdict)
        away = journey.policy.when_store_away if journey.policy is not None else StoreAway.DENY
        drawn = away is StoreAway.SHARE and self.shares.draw(hold_id, journey.team, accounts, most.nano)
        if not drawn and away is not StoreAway.ALLOW:
            self._give_back(journey, hold_id, verdict, most)
            return None
        journey.degraded = "store"
        note = note_of(journey, verdict)
        return self.twins.unheld(hold_id, journey.team, accounts(journey.at_ms), most, note=note)

    def _give_back(self, journey: Journey, hold_id: str, verdict: Verdict, most: Amounts | None = None) -> None:
        """End a hold that was asked for and may exist, though nothing was sent under it."""
        asked = most or verdict.most
        assert asked is not None, "only a priced model is reserved"
        hold = self.twins.unheld(hold_id, journey.team, vector(journey, verdict)(journey.at_ms), asked)
        self.settler.hand_over(lambda: self.twins.close(hold, Ending.VOIDED, NOTHING), frees=journey.team)


def _hold_id(journey: Journey) -> str:
    """The name of the next attempt's hold."""
    return name_hold(journey.request_id, journey.first_hold + len(journey.attempts))


def vector(journey: Journey, verdict: Verdict) -> Callable[[int], tuple[Account, ...]]:
    """The accounts that an attempt on that model is counted on, for the windows that hold an instant (ms)."""
    policy, tags = journey.policy, journey.request.tags if journey.request else ()
    assert policy is not None, "only an authenticated request has a policy"
    owner = Owner(team=journey.team, key=journey.key_id, model=verdict.card.name, tags=tags)
    grants = journey.grants
    return lambda now_ms: accounts_of(policy, owner, now_ms, grants)
