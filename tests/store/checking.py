"""Asking the store and the reference the same, and comparing what they say and what they keep."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from router.core.charges import Account, Amounts, Denial, Kind, Owner, accounts_of
from router.core.policy import Budget, Limit, Mode, Policy, Scope
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import Client, Door
from router.store.ledger import Ending, Ledger, Reservation, Write
from router.store.totals import Note
from tests.store.making import sums_at
from tests.store.reference import HELD, REAPED, Answer, Reference, View

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
LEASE_MAX = 10 * MINUTE
BEGIN_MS = 1_793_000_000_000  # October 2026, so that runs cross the change from summer time in Paris
Change = Callable[[Ledger], None]
Vector = Callable[[int], tuple[Account, ...]]


NOTE = msgspec.json.encode(
    Note(key="k", model="small", kind="chat", language="en", tags=(), nano_usd=1, request_id="q")
).decode()
NOTHING = Amounts(nano=0, tokens=0, requests=0)
FIELDS = {"usd": "nano", "tokens": "tokens", "requests": "requests", "concurrency": "concurrency"}


def policy(scale: int) -> Policy:
    """Small limits, so that about every second request meets one. `scale` makes the money large."""

    def money(scope: Scope, units: int, window: str, **more: Any) -> Budget:
        return Budget(scope=scope, usd=f"{units * scale}e-9", window=window, **more)

    return Policy(
        team="sim",
        budgets=(
            money(Scope.TEAM, 260, "hour"),
            money(Scope.TEAM, 420, "day", zone="Europe/Paris"),
            money(Scope.KEY, 330, "24h"),
            money(Scope.MODEL, 900, "total", id="large"),
            money(Scope.TAG, 50, "hour", id="web", mode=Mode.SOFT),
            money(Scope.TEAM, 90, "month", mode=Mode.SHADOW),
        ),
        limits=(
            Limit(scope=Scope.TEAM, requests_per_minute=9, tokens_per_minute=600, concurrency=6),
            Limit(scope=Scope.KEY, requests_per_minute=5, concurrency=3),
        ),
    )


class Checked:
    """A store and its reference. `change` may alter each replica's ledger, such as its scripts, before the run."""

    def __init__(self, client: Client, seed: int, team: str, change: Change | None = None) -> None:
        self.dice = random.Random(seed)
        self.scale = self.dice.choice((1, 1, 7, 100_000_000_003))
        self.policy = policy(self.scale)
        self.limits = {a.name: a for a in self.vector(Owner(team="t", key="k", model="large"), BEGIN_MS)}
        self.client: Any = client
        self.team = team
        self.clock_ms = BEGIN_MS + self.dice.randrange(3 * DAY)
        self.reference = Reference()
        self.replicas = [self._ledger(change) for _ in range(3)]
        self.open: list[Reservation] = []
        self.known: list[Reservation] = []
        self.sent: list[Callable[[], Any]] = []
        self.count = 0
        self.seen: Counter[str] = Counter()

    def _ledger(self, change: Change | None) -> Ledger:
        # Half a millisecond in, so that no rounding on the way moves the instant.
        ledger = Ledger(Door(self.client, deadline_s=60.0), lambda: (self.clock_ms + 0.5) / 1000, test_clock=True)
        if change is not None:
            change(ledger)
        return ledger

    @property
    def ledger(self) -> Ledger:
        return self.dice.choice(self.replicas)

    def vector(self, owner: Owner, now_ms: int) -> tuple[Account, ...]:
        return accounts_of(self.policy, owner, now_ms)

    async def check_reserve(
        self, ledger: Ledger, name: str, owner: Owner, amounts: Amounts, lease_ms: int, digest: str, skew_ms: int
    ) -> Reservation | None:
        def expect(accounts: tuple[Account, ...]) -> Answer:
            return self.reference.reserve(name, accounts, amounts, lease_ms, digest, NOTE)

        def ask(accounts: Vector) -> Any:
            return ledger.reserve(name, self.team, accounts, amounts, lease_ms=lease_ms, digest=digest, note=NOTE)

        return await self.check(ask, expect, owner, skew_ms)

    async def check(
        self, ask: Callable[[Vector], Any], expect: Callable[[tuple[Account, ...]], Answer], owner: Owner, skew_ms: int
    ) -> Reservation | None:
        self.reference.tick(self.clock_ms)
        answer = expect(self.vector(owner, self.clock_ms + skew_ms))
        if answer.status == "stale":
            answer = expect(self.vector(owner, answer.now_ms))
        self.seen[answer.status] += 1
        skews = iter((skew_ms, 0))
        try:
            reply = await ask(lambda now_ms: self.vector(owner, now_ms + next(skews)))
        except StoreUnavailable:
            assert answer.status in ("final", "clash")
            return None
        assert answer.hold is not None or answer.failing is not None, f"{answer.status}, yet an answer came"
        if answer.failing is not None:
            await self._check_denial(reply, answer, owner)
            return None
        assert isinstance(reply, Reservation)
        assert answer.hold is not None
        same_standings(reply.standings, answer.views, added=answer.fresh)
        if answer.fresh:
            self._check_bounds(answer)
        return reply

    async def _check_denial(self, reply: Any, answer: Answer, owner: Owner) -> None:
        failing = answer.failing
        assert isinstance(reply, Denial)
        assert failing is not None
        told = (reply.standing.account.name, reply.asked, reply.retry_after_ms, reply.now_ms)
        assert told == (failing.account.name, failing.amount, failing.wait_ms, answer.now_ms)
        full = [view for view in answer.views if view.wait_ms != 0 and view.account.kind is Kind.GAUGE]
        if failing.wait_ms is None or full:
            return  # when somebody else ends is not known
        amounts = {view.account.measure: view.amount for view in answer.views}
        assert await self._would_fit(owner, amounts, answer.now_ms + failing.wait_ms)
        assert not await self._would_fit(owner, amounts, answer.now_ms + failing.wait_ms - 1)

    async def _would_fit(self, owner: Owner, amounts: Any, at_ms: int) -> bool:
        """Whether a copy of the ledger, left alone until then, would take the same request (I10)."""
        copy = f"{self.team}.copy"
        pipe = self.client.pipeline(transaction=False)
        for name in (names.ledger, names.leases, names.unconfirmed):
            pipe.delete(name(copy))
            pipe.copy(name(self.team), name(copy))
        await pipe.execute()
        ledger = Ledger(Door(self.client, deadline_s=60.0), lambda: (at_ms + 0.5) / 1000, test_clock=True)
        ledger.scripts = self.replicas[0].scripts
        asked = Amounts(**{FIELDS[measure.value]: amount for measure, amount in amounts.items()})
        reply = await ledger.reserve("probe", copy, lambda now: self.vector(owner, now), asked, lease_ms=1)
        return isinstance(reply, Reservation)

    def _check_bounds(self, answer: Answer) -> None:
        """At an admission no true window holds more than its limit (I1, I3). Buckets play no part here."""
        for view in answer.views:
            account = view.account
            charges = self.reference.charges[account.name]
            if account.kind is Kind.RING:
                charges = [charge for charge in charges if charge.at_ms > answer.now_ms - account.begin]
            elif account.kind is Kind.CALENDAR:
                charges = [charge for charge in charges if charge.window == account.begin]
            if account.enforced:
                assert sum(charge.counts for charge in charges) <= account.limit

    async def compare(self) -> None:
        """The store holds exactly what the reference says, no more (I4, I5, I8, I9, I13)."""
        reference = self.reference
        pipe = self.client.pipeline(transaction=False)
        pipe.hgetall(names.ledger(self.team))
        pipe.zrange(names.leases(self.team), 0, -1, withscores=True)
        pipe.zrange(names.unconfirmed(self.team), 0, -1, withscores=True)
        ledger, leases, unsure = await pipe.execute()
        kept = {name.decode(): raw for name, raw in ledger.items()}
        assert int(kept.pop("!now", 0)) == reference.mark_ms
        stored = {name[2:]: msgspec.msgpack.decode(raw) for name, raw in kept.items() if name.startswith("a:")}
        assert stored.keys() == reference.charges.keys()
        for name, numbers in stored.items():
            self._same_numbers(name, numbers)
        holds = {name[2:]: msgspec.msgpack.decode(raw) for name, raw in kept.items() if name.startswith("r:")}
        assert {name: (hold[0], bool(hold[1])) for name, hold in holds.items()} == {
            name: (hold.state, hold.told) for name, hold in reference.holds.items()
        }
        for name, hold in holds.items():
            kept = reference.holds[name].reconciled
            assert len(hold) == (6 if hold[0] in "HX" else 2 if kept is None else 7)
            assert kept is None or hold[6] == kept
        assert {name.decode(): at for name, at in leases} == {n: hold.until_ms for n, hold in reference.holds.items()}
        assert {name.decode(): at for name, at in unsure} == {
            name: hold.admitted_ms for name, hold in reference.holds.items() if hold.state == "X"
        }

    def _same_numbers(self, name: str, numbers: list[int]) -> None:
        charges = self.reference.charges[name]
        if charges[0].kind is Kind.GAUGE:
            assert numbers == [sum(charge.counts for charge in charges)]
        elif charges[0].kind is Kind.RING:
            newest, *slots = numbers
            expected = [0] * len(slots)
            assert newest == max(charge.bucket for charge in charges)
            for charge in charges:
                if charge.bucket > newest - len(slots):
                    expected[charge.bucket % len(slots)] += charge.counts
            assert slots == expected, name
        else:
            assert numbers[0] == max(charge.window for charge in charges)
            # The window before stays for late ends; a direct charge to one that is gone makes none.
            earlier = [charge.window for charge in charges if charge.window < numbers[0] and not charge.direct]
            assert numbers[4] >= max(earlier, default=-1)
            for begin, *sums in (numbers[:4], numbers[4:]):
                states = {"S": 0, "V": 0, "H": 0, "X": 0}
                for charge in charges:
                    if charge.window == begin:
                        states[charge.hold.state] += charge.counts
                assert sums == [states["S"] + states["V"], states["H"], states["X"]], name

    async def drain(self) -> None:
        """Every hold ends; nothing is left under way, and each record stands once."""
        for held in self.known:
            self.expect_close(held, Ending.VOIDED, NOTHING, None)
            self.reference.reap(REAPED)
            await self.ledger.close(held, Ending.VOIDED, NOTHING)
        self.clock_ms = self.reference.mark_ms + LEASE_MAX + 1  # a late duplicate may hold what nobody waits for
        await self.sweep()
        await self.compare()
        assert not [hold for hold in self.reference.holds.values() if hold.state == HELD]
        written = await self.client.xrange(names.records(self.team))
        assert [fields[b"r"] for _, fields in written] == self.reference.records
        sums = self.reference.sums
        assert await sums_at(self.client, self.team) == sums
        assert await sums_at(self.client, self.team, hour=0) == {name: sums[name] for name in sums if name.isupper()}
        for hour, nano in self.reference.by_hand.items():
            stood = await sums_at(self.client, self.team, hour=hour)
            assert [figures[0] for figures in stood.values()] == ([nano] if nano else [])
        corrections = await self.client.hgetall(names.corrections(self.team, 0))
        assert {name.decode(): int(value) for name, value in corrections.items()} == self.reference.corrections

    def expect_close(self, held: Reservation, ending: Ending, actual: Amounts, write: Write | None) -> bool:
        self.reference.tick(self.clock_ms)
        charges = [actual.on(account) for account in held.accounts]
        return self.reference.close(held, ending, charges, write.record if write else None, write.sums if write else {})


def same_standings(standings: Any, views: list[View | None] | list[View], *, added: bool) -> None:
    told = [(s.account.name, s.spent, s.held, s.remaining, s.reset_ms) for s in standings]
    expected = [
        (v.account.name, v.spent, v.held, v.account.limit - v.spent - v.held - (v.amount if added else 0), v.reset_ms)
        for v in views
        if v is not None
    ]
    assert told == expected
