"""What the ledger should do, told naively: every charge is kept for ever, and every sum is made anew over the list.

Written from the rules (docs/architecture.md), not from the scripts: nothing here is packed, rotated or updated in
place, so a mistake in one is not a mistake in the other.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from router.core.charges import FOREVER_MS, Account, Amounts, Kind
from router.store.ledger import Ending, Reservation

HOUR_MS = 3_600_000
TOMBSTONE_MS = 600_000
UNCONFIRMED_MS = 400 * 86_400_000
RECONCILED_MS = 400 * 86_400_000
REAPED = 8
REAPED_BEFORE_REFUSAL = 256
GAUGE_HINT_MS = 1_000
HELD, FINAL = "H", ("S", "V")


@dataclass
class Charge:
    """What one hold means to one account. `at_ms` is the instant that counts, `window` a calendar's begin."""

    name: str
    kind: Kind
    window: int
    length: int
    buckets: int
    at_ms: int
    amount: int
    hold: Hold
    direct: bool = False  # the store never heard of a hold
    actual: int = 0

    @property
    def counts(self) -> int:
        """Reserved while nobody knows better, what really was once it is known."""
        if self.kind is Kind.GAUGE:
            return self.amount if self.hold.state == HELD else 0
        return self.actual if self.hold.state in FINAL else self.amount

    @property
    def width(self) -> int:
        return self.length // self.buckets

    @property
    def bucket(self) -> int:
        return self.at_ms // self.width

    @property
    def leaves_ms(self) -> int:
        """The first instant at which a ring no longer counts it."""
        return (self.bucket + self.buckets + 1) * self.width


@dataclass
class Hold:
    id: str
    state: str
    digest: str = ""
    note: str = ""
    told: bool = False
    reconciled: int | None = None
    admitted_ms: int = 0
    until_ms: int = 0
    charges: list[Charge] = field(default_factory=list)


@dataclass
class View:
    """How an account stands. `wait_ms` is 0 when the amount fits, None when it never will."""

    account: Account
    amount: int
    spent: int
    held: int
    reset_ms: int
    wait_ms: int | None


@dataclass
class Answer:
    status: str
    now_ms: int
    views: list[View] = field(default_factory=list)
    failing: View | None = None
    hold: Hold | None = None
    fresh: bool = False


class Reference:
    def __init__(self) -> None:
        self.mark_ms = 0
        self.holds: dict[str, Hold] = {}
        self.charges: dict[str, list[Charge]] = {}
        self.records: list[bytes] = []
        self.sums: dict[str, list[int]] = {}
        self.corrections: dict[str, int] = {}
        self.by_hand: Counter[int] = Counter()

    def clone(self) -> Reference:
        return copy.deepcopy(self)

    def tick(self, clock_ms: int) -> int:
        """Time never runs backwards."""
        self.mark_ms = max(self.mark_ms, clock_ms)
        return self.mark_ms

    def reap(self, most: int) -> int:
        due = sorted((hold.until_ms, hold.id) for hold in self.holds.values() if hold.until_ms <= self.mark_ms)[:most]
        for _, name in due:
            if self.holds[name].state == HELD:
                self._unconfirmed(self.holds[name])
            else:
                del self.holds[name]
        return len(due)

    def view(self, account: Account, amount: int) -> View | None:
        charges, now_ms = self.charges.get(account.name, []), self.mark_ms
        limit = account.limit if account.enforced else None
        if account.kind is Kind.CALENDAR:
            if not account.begin <= now_ms < account.end:
                return None
            mine = [charge for charge in charges if charge.window == account.begin]
            held = sum(charge.counts for charge in mine if charge.hold.state == HELD)
            spent = sum(charge.counts for charge in mine) - held
            reset_ms = account.end - now_ms if account.end < FOREVER_MS else -1
            wait_ms: int | None = 0
            if limit is not None and spent + held + amount > limit:
                wait_ms = None if amount > limit or reset_ms < 0 else reset_ms
            return View(account, amount, spent, held, reset_ms, wait_ms)
        if account.kind is Kind.RING:
            alive = [charge for charge in charges if now_ms < charge.leaves_ms]
            used = sum(charge.counts for charge in alive)
            instants = sorted({charge.leaves_ms for charge in alive})
            # A bucket counts as one, so what its charges add up to decides whether there is anything to wait for.
            per = Counter[int]()
            for charge in alive:
                per[charge.leaves_ms] += charge.counts
            reset_ms = max((instant for instant, sum_ in per.items() if sum_ > 0), default=now_ms) - now_ms
            wait_ms = 0
            if limit is not None and used + amount > limit:
                fits = (at for at in instants if sum(per[later] for later in per if later > at) + amount <= limit)
                at_ms = None if amount > limit else next(fits)
                wait_ms = None if at_ms is None else at_ms - now_ms
            return View(account, amount, used, 0, reset_ms, wait_ms)
        held = sum(charge.counts for charge in charges)
        wait_ms = 0
        if limit is not None and held + amount > limit:
            wait_ms = None if amount > limit else GAUGE_HINT_MS
        return View(account, amount, 0, held, 0, wait_ms)

    def reserve(
        self, name: str, accounts: Sequence[Account], amounts: Amounts, lease_ms: int, digest: str, note: str
    ) -> Answer:
        reaped = self.reap(REAPED)
        known = self.holds.get(name)
        if known is not None and known.state != HELD:
            return Answer("final", self.mark_ms)
        if known is not None and known.digest != digest:
            return Answer("clash", self.mark_ms)
        answer = self._look(accounts, amounts)
        if known is None and answer.status == "denied" and reaped == REAPED:
            self.reap(REAPED_BEFORE_REFUSAL)
            answer = self._look(accounts, amounts)
        if answer.status == "stale":
            return answer
        if known is not None:
            return Answer("granted", self.mark_ms, answer.views, hold=known)
        if answer.status == "denied":
            return answer
        hold = Hold(name, HELD, digest, note, admitted_ms=self.mark_ms, until_ms=self.mark_ms + lease_ms)
        hold.charges = [_charge(account, amounts.on(account), self.mark_ms, hold) for account in accounts]
        self._add(hold)
        for view in answer.views:
            after = self.view(view.account, 0) if view.account.kind is Kind.RING else None
            view.reset_ms = view.reset_ms if after is None else after.reset_ms
        answer.hold, answer.fresh = hold, True
        return answer

    def close(
        self,
        reservation: Reservation,
        ending: Ending,
        actual: Sequence[int],
        record: bytes | None,
        sums: Mapping[str, Sequence[int]],
    ) -> bool:
        hold = self.holds.get(reservation.id)
        if hold is not None and (hold.state in FINAL or hold.state == ending.value):
            if record is not None and not hold.told:
                hold.told = True
                self._write(record, sums)
            return False
        if hold is None:
            hold = Hold(reservation.id, "N", note=reservation.note, admitted_ms=self.mark_ms)
            hold.charges = [_entry(entry, hold) for entry in reservation.entries]
            self._add(hold)
        for charge, real in zip(hold.charges, actual, strict=True):
            charge.actual = real
        hold.told = record is not None
        if ending is Ending.UNCONFIRMED:
            self._unconfirmed(hold)
        else:
            hold.state, hold.until_ms = ending.value, self.mark_ms + TOMBSTONE_MS
        if record is not None:
            self._write(record, sums)
        return True

    def record(self, name: str, record: bytes, sums: Mapping[str, Sequence[int]]) -> None:
        if name not in self.holds:
            self.holds[name] = Hold(name, "S", told=True, until_ms=self.mark_ms + TOMBSTONE_MS)
            self._write(record, sums)
            self.reap(REAPED)

    def reconcile(self, name: str, nano: int | None) -> tuple[str, int | None]:
        """An operator's word on a hold: what it met, and what the hold is charged now as far as anybody knows."""
        self.reap(REAPED)
        hold = self.holds.get(name)
        if hold is None:
            return "UNKNOWN", None
        if hold.state == HELD:
            return "OPEN", None
        if hold.state in FINAL:
            return ("SAME" if hold.reconciled == (nano or 0) else "OTHERWISE"), hold.reconciled
        for charge in hold.charges:
            if ":usd:" in charge.name:
                charge.actual = nano or 0
            elif charge.name.endswith(":tokens"):
                charge.actual = 0 if nano is None else charge.amount
            else:
                charge.actual = charge.amount
        hold.state, hold.told, hold.reconciled = "V" if nano is None else "S", True, nano or 0
        hold.until_ms = self.mark_ms + RECONCILED_MS
        self.corrections[name] = nano or 0
        self.by_hand[hold.admitted_ms // HOUR_MS] += nano or 0
        return "ENDED", nano or 0

    def renew(self, ids: Sequence[str], lease_ms: int) -> int:
        alive = [self.holds[name] for name in ids if name in self.holds and self.holds[name].state == HELD]
        for hold in alive:
            hold.until_ms = max(hold.until_ms, self.mark_ms + lease_ms)
        return len(alive)

    def _look(self, accounts: Sequence[Account], amounts: Amounts) -> Answer:
        views = [self.view(account, amounts.on(account)) for account in accounts]
        if any(view is None for view in views):
            return Answer("stale", self.mark_ms)
        found = [view for view in views if view is not None]
        refusing = [view for view in found if view.wait_ms != 0]
        if not refusing:
            return Answer("granted", self.mark_ms, found)
        longest = max(refusing, key=lambda view: float("inf") if view.wait_ms is None else view.wait_ms)
        return Answer("denied", self.mark_ms, found, failing=longest)

    def _add(self, hold: Hold) -> None:
        self.holds[hold.id] = hold
        for charge in hold.charges:
            self.charges.setdefault(charge.name, []).append(charge)

    def _unconfirmed(self, hold: Hold) -> None:
        hold.state, hold.until_ms = "X", self.mark_ms + UNCONFIRMED_MS

    def _write(self, record: bytes, sums: Mapping[str, Sequence[int]]) -> None:
        self.records.append(record)
        for name, figures in sums.items():
            stood = self.sums.get(name, [0] * len(figures))
            self.sums[name] = [one + two for one, two in zip(stood, figures, strict=True)]


def _charge(account: Account, amount: int, now_ms: int, hold: Hold) -> Charge:
    calendar = account.kind is Kind.CALENDAR
    window, length = (account.begin, 0) if calendar else (0, account.begin)
    return Charge(account.name, account.kind, window, length, 0 if calendar else account.end, now_ms, amount, hold)


def _entry(entry: tuple[str, str, int, int, int, int], hold: Hold) -> Charge:
    """A charge for a hold that the store never had, or lost: where it belongs is what the reservation says."""
    name, kind, amount, first, second, at = entry
    match Kind(kind):
        case Kind.CALENDAR:
            return Charge(name, Kind.CALENDAR, at, 0, 0, 0, amount, hold, direct=True)
        case Kind.RING:
            return Charge(name, Kind.RING, 0, first, second, at * (first // second), amount, hold)
        case Kind.GAUGE:
            return Charge(name, Kind.GAUGE, 0, 0, 0, 0, amount, hold)
