"""Several replicas, one real store, an unreliable network and a wild clock; after every step the store must stand as
the reference says. One seed is one run.

Chance alone rarely hits the instants where windows, buckets and leases end, so the clock is steered to them and to the
milliseconds beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from router.core.charges import Account, Amounts, Kind, Owner
from router.store.ledger import Ending, Ledger, Reservation, Write
from router.store.reconciling import Reconciler
from tests.store.checking import DAY, HOUR, LEASE_MAX, MINUTE, NOTE, NOTHING, Checked, Vector, same_standings
from tests.store.reference import REAPED, Answer


class World(Checked):
    """One run. `seen` counts what happened in it."""

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            self.move()
            kind = self.dice.choices(STEPS, WEIGHTS)[0]
            self.seen[kind] += 1
            await getattr(self, kind)()
            await self.compare()
        await self.drain()

    # The clock.

    def move(self) -> None:
        dice, roll = self.dice, self.dice.random()
        if roll < 0.30:
            return
        if roll < 0.55:
            self.clock_ms += dice.randrange(3_000)
        elif roll < 0.90:
            edges = [edge for edge in self.edges() if edge >= self.clock_ms]
            near = sorted(edges)[: dice.choice((1, 2, 4, 16))]
            if near:
                self.clock_ms = dice.choice(near) + dice.choice((-1, 0, 0, 1))
        elif roll < 0.95:
            self.clock_ms -= dice.choice((1, 500, 5_000, MINUTE, HOUR))
        elif roll < 0.99:
            self.clock_ms += dice.choice((MINUTE, 11 * MINUTE, HOUR, 5 * HOUR, DAY))
        else:
            self.clock_ms += dice.choice((2 * DAY, 401 * DAY))

    def edges(self) -> set[int]:
        """Where something ends: buckets, true windows, leases, tombstones, calendar windows."""
        now = self.clock_ms
        found = {now - now % 5_000 + 5_000, now - now % HOUR + HOUR}
        for charges in self.reference.charges.values():
            for charge in charges[-12:]:
                if charge.kind is Kind.RING:
                    found |= {charge.leaves_ms, charge.at_ms + charge.length, charge.leaves_ms - charge.width}
        found |= {hold.until_ms for hold in self.reference.holds.values() if hold.until_ms < now + 2 * DAY}
        return found

    # Steps.

    async def reserve(self) -> None:
        self.count += 1
        name, owner, amounts = f"q{self.count}#1", self._owner(), self._amounts()
        lease_ms = self.dice.choice((1, 4_000, MINUTE, LEASE_MAX))
        skew_ms = self.dice.choice((0, 0, 0, 0, -DAY, DAY, -400, 400, HOUR))
        digest, ledger = self.dice.choice(("", "d")), self.ledger

        async def deliver() -> Reservation | None:
            return await self.check_reserve(ledger, name, owner, amounts, lease_ms, digest, skew_ms)

        await self._keep(ledger, name, owner, amounts, await self._send(deliver))

    async def close(self) -> None:
        if not self.open:
            return
        held = self.open.pop(self.dice.randrange(len(self.open)))
        ending, actual = self._ending(held)
        write = self._record(held.id) if self.dice.random() < 0.8 else None
        ledger = self.ledger

        async def deliver() -> None:
            expected = self.expect_close(held, ending, actual, write)
            self.reference.reap(REAPED)
            assert await ledger.close(held, ending, actual, write) == expected

        await self._send(deliver)

    async def close_again(self) -> None:
        """Late: after a lease or a window has ended, after another ending; an operator does the same."""
        if self.known:
            self.open.append(self.dice.choice(self.known))
            await self.close()

    async def close_unheld(self) -> None:
        """The store has never heard of it: it was away when the request was admitted."""
        self.count += 1
        accounts = self.vector(self._owner(), self.clock_ms)
        held = self.ledger.unheld(f"q{self.count}#1", self.team, accounts, self._amounts(), note=NOTE)
        self.open.append(held)
        await self.close()

    async def advance(self) -> None:
        if not self.open:
            return
        held = self.open.pop(self.dice.randrange(len(self.open)))
        ending, actual = self._ending(held)
        self.count += 1
        name, owner, amounts, ledger = f"q{self.count}#2", self._owner(), self._amounts(), self.ledger

        async def deliver() -> Reservation | None:
            def expect(accounts: tuple[Account, ...]) -> Answer:
                self.expect_close(held, ending, actual, None)
                return self.reference.reserve(name, accounts, amounts, MINUTE, "", NOTE)

            def ask(accounts: Vector) -> Any:
                return ledger.advance(held, ending, actual, name, accounts, amounts, lease_ms=MINUTE, note=NOTE)

            return await self.check(ask, expect, owner, 0)

        await self._keep(ledger, name, owner, amounts, await self._send(deliver))

    async def redeliver(self) -> None:
        """An earlier message comes again, out of order."""
        if self.sent:
            await self.dice.choice(self.sent[-30:])()

    async def clash(self) -> None:
        """The same id for something else."""
        now_ms = max(self.reference.mark_ms, self.clock_ms)
        lasting = sorted(
            name for name, hold in self.reference.holds.items() if "#r" not in name and hold.until_ms > now_ms
        )
        if lasting:
            name = self.dice.choice(lasting)
            assert await self.check_reserve(self.ledger, name, self._owner(), self._amounts(), MINUTE, "x", 0) is None

    async def reconcile(self) -> None:
        """An operator's word on a hold, mostly on one that is unconfirmed; more than was held is a bill, too."""
        unsure = sorted(name for name, hold in self.reference.holds.items() if hold.state == "X")
        known = [held.id for held in self.known[-20:]] or ["q0#1"]
        name = self.dice.choice(unsure if unsure and self.dice.random() < 0.8 else known)
        nano = self.dice.choice((None, 0, 1, 40, 261))
        nano = None if nano is None else nano * self.scale
        ledger = self.ledger

        async def deliver() -> None:
            status, charged = "UNKNOWN", None
            if name in self.reference.holds:
                self.reference.tick(self.clock_ms)
                status, charged = self.reference.reconcile(name, nano)
            self.seen[f"reconcile {status}"] += 1
            found = await Reconciler(ledger).end(self.team, name, nano)
            assert (found.status.name, found.nano_usd) == (status, charged)

        await self._send(deliver)

    async def record(self) -> None:
        name, ledger = f"q{self.dice.randrange(self.count + 1)}", self.ledger
        write = self._record(name)

        async def deliver() -> None:
            self.reference.tick(self.clock_ms)
            self.reference.record(f"{name}#record", write.record, write.sums)
            await ledger.record(self.team, name, write)

        await self._send(deliver)

    async def renew(self) -> None:
        ids = [held.id for held in self.dice.sample(self.open, min(3, len(self.open)))]
        self.reference.tick(self.clock_ms)
        assert await self.ledger.renew(self.team, ids, MINUTE) == self.reference.renew(ids, MINUTE)

    async def sweep(self) -> None:
        """What is unconfirmed; no hold and no place outlives its lease then (I6)."""
        now_ms = self.reference.tick(self.clock_ms)
        while self.reference.reap(64) == 64:
            pass
        unsure = {name: hold for name, hold in self.reference.holds.items() if hold.state == "X"}
        found = await self.ledger.unconfirmed(self.team)
        assert {name: (held.note, held.admitted_ms) for name, held in found.items()} == {
            name: (hold.note, hold.admitted_ms) for name, hold in unsure.items()
        }
        assert all(hold.until_ms > now_ms for hold in self.reference.holds.values())

    async def peek(self) -> None:
        now_ms = self.reference.tick(self.clock_ms)
        accounts = self.vector(self._owner(), now_ms)
        standings = await self.ledger.peek(self.team, accounts)
        same_standings(standings, [self.reference.view(account, 0) for account in accounts], added=False)

    async def flush_scripts(self) -> None:
        await self.client.script_flush()

    # Dice.

    async def _send(self, deliver: Callable[[], Any]) -> Any:
        """Delivered once, or twice because the first reply was lost; kept for a later duplicate."""
        self.sent.append(deliver)
        reply = await deliver()
        return await deliver() if self.dice.random() < 0.15 else reply

    async def _keep(self, ledger: Ledger, name: str, owner: Owner, amounts: Amounts, held: Reservation | None) -> None:
        if (held is None and self.dice.random() < 0.2) or self.dice.random() < 0.1:
            # No reply came: what may exist is given back, described as the router knows it.
            held = ledger.unheld(name, self.team, self.vector(owner, self.clock_ms), amounts, note=NOTE)
        if held is not None:
            self.open.append(held)
            self.known.append(held)

    def _owner(self) -> Owner:
        dice = self.dice
        tags = dice.choice(((), (), ("web",), ("web", "other")))
        return Owner(team="sim", key=dice.choice("kq"), model=dice.choice(("small", "large")), tags=tags)

    def _amounts(self) -> Amounts:
        dice = self.dice
        units = dice.choice((0, 1, 9, 40, 40, 90, 261))
        tokens = dice.choice((0, 10, 100, 250, 601))
        return Amounts(nano=units * self.scale, tokens=tokens, requests=dice.choice((1, 1, 1, 0)), concurrency=1)

    def _ending(self, held: Reservation) -> tuple[Ending, Amounts]:
        dice, most = self.dice, held.held
        ending = dice.choice((Ending.SETTLED, Ending.SETTLED, Ending.SETTLED, Ending.VOIDED, Ending.UNCONFIRMED))
        if ending is Ending.VOIDED:
            return ending, dice.choice((NOTHING, msgspec.structs.replace(NOTHING, requests=most.requests)))
        share = dice.choice((0, 1, 2, 4, 5))  # quarters: more than was held, too
        return ending, Amounts(nano=most.nano * share // 4, tokens=most.tokens * share // 4, requests=most.requests)

    def _record(self, name: str) -> Write:
        sums = {"t": (self.dice.randrange(10**11), -self.dice.randrange(9) - 1, 1), "P": (1,)}
        record = f"{name} {self.dice.random()}".encode()
        return Write(record=record, details=b"", hour=0, sums=sums, kept=100_000, details_kept=1, sums_ms=DAY)


STEPS, WEIGHTS = zip(
    *{
        "reserve": 44, "close": 24, "redeliver": 9, "advance": 6, "close_again": 4, "close_unheld": 2, "clash": 2,
        "record": 2, "renew": 3, "reconcile": 3, "sweep": 2, "peek": 2, "flush_scripts": 0.5,
    }.items(),
    strict=True,
)  # fmt: skip
