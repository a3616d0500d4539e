"""Unconfirmed holds and their end by hand: accounts, sums and record change together, once, and for good."""

from __future__ import annotations

import msgspec
import pytest

from router.core.charges import Amounts, Owner, accounts_of
from router.core.policy import Budget, Limit, Policy, Scope
from router.store import names
from router.store.connect import Client
from router.store.ledger import Ending, Reservation
from router.store.reconciling import Reconciled, Reconciler, Status
from router.store.records import written
from router.store.totals import HOUR_MS, Note
from tests.store.conftest import Run
from tests.store.desk import NOW, Desk, attempt, record

POLICY = Policy(
    team="t",
    budgets=(
        Budget(scope=Scope.TEAM, usd="1.00", window="day"),
        Budget(scope=Scope.KEY, usd="1.00", window="24h"),
        Budget(scope=Scope.TAG, usd="1.00", window="total", id="tokens"),
    ),
    limits=(Limit(scope=Scope.TEAM, tokens_per_minute=1_000, requests_per_minute=10, concurrency=5),),
)
ACCOUNTS = accounts_of(POLICY, Owner(team="t", key="k1", model="small", tags=("tokens",)), NOW)
HELD = 700


class Case:
    """A team with one request that was cut, and whose record says so."""

    def __init__(self, client: Client, team: str) -> None:
        self.desk, self.team = Desk(client, team), team
        self.reconciler = Reconciler(self.desk.ledger)
        tried = (attempt("small", HELD, unconfirmed=True),)
        self.record = record(team, NOW, 7, attempts=tried, unconfirmed_nano_usd=HELD, tags=("tokens",))
        self.id = f"{self.record.request_id}#1"

    async def open(self) -> Reservation:
        await self.desk.open()
        note = Note(
            key="k1", model="small", kind="code", language="en", tags=("tokens",), nano_usd=HELD,
            request_id=self.record.request_id,
        )  # fmt: skip
        held = await self.desk.ledger.reserve(
            self.id,
            self.team,
            lambda _: ACCOUNTS,
            Amounts(nano=HELD, tokens=50, requests=1, concurrency=1),
            lease_ms=60_000,
            note=msgspec.json.encode(note).decode(),
        )
        assert isinstance(held, Reservation)
        return held

    async def cut(self) -> Reservation:
        held = await self.open()
        await self.desk.ledger.close(held, Ending.UNCONFIRMED, held.held, written(self.record, counted=True))
        return held

    async def spent(self) -> list[int]:
        """Of each budget, then of tokens and requests."""
        standings = await self.desk.ledger.peek(self.team, ACCOUNTS)
        order = {"usd": 0, "tokens": 1, "requests": 2}
        told = [(order[s.account.measure.value], s.spent) for s in standings if s.account.measure.value in order]
        return [spent for _, spent in sorted(told, key=lambda pair: pair[0])]

    async def usage(self) -> tuple[int, int, int]:
        total, _ = await self.desk.records.usage(
            since_ms=NOW - HOUR_MS, until_ms=NOW + HOUR_MS, group_by="model", team=self.team
        )
        return total.nano_usd, total.unconfirmed_nano_usd, total.requests


@pytest.mark.parametrize(("nano", "tokens"), [(None, 0), (0, 50), (300, 50), (HELD, 50), (5 * HELD, 50)])
def test_a_word_is_charged_on_every_budget_in_usage_and_record(
    run: Run, team: str, nano: int | None, tokens: int
) -> None:
    async def main(client: Client) -> None:
        case = Case(client, team)
        await case.cut()
        [shown] = await case.reconciler.unconfirmed(team)
        assert (shown.id, shown.request_id, shown.key, shown.model) == (case.id, case.record.request_id, "k1", "small")
        assert (shown.nano_usd, shown.tokens, shown.at_ms) == (HELD, 50, NOW)
        assert await case.usage() == (HELD, HELD, 1)
        charged = nano or 0
        assert await case.reconciler.end(team, case.id, nano) == Reconciled(status=Status.ENDED, nano_usd=charged)
        assert await case.spent() == [charged, charged, charged, tokens, 1]
        assert await case.usage() == (charged, 0, 1)
        assert await case.reconciler.unconfirmed(team) == []
        [found], _ = await case.desk.records.query(team=team)
        assert found.router is not None
        assert (found.nano_usd, found.unconfirmed_nano_usd, found.router.cost_nano_usd) == (charged, 0, charged)
        assert [(one.nano_usd, one.unconfirmed) for one in found.router.attempts] == [(charged, False)]

    run(main)


def test_the_same_word_twice_changes_nothing_and_another_is_refused(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        case = Case(client, team)
        await case.cut()
        await case.reconciler.end(team, case.id, 300)
        stood = await case.spent(), await case.usage()
        assert await case.reconciler.end(team, case.id, 300) == Reconciled(status=Status.SAME, nano_usd=300)
        for other in (None, 0, 301):
            refused = await case.reconciler.end(team, case.id, other)
            assert refused == Reconciled(status=Status.OTHERWISE, nano_usd=300)
        assert (await case.spent(), await case.usage()) == stood

    run(main)


def test_a_usage_that_comes_after_the_word_is_refused_whole(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        case = Case(client, team)
        held = await case.open()
        await client.zadd(names.leases(team), {case.id: 1})  # its router was killed, or cannot reach the store
        assert [one.id for one in await case.reconciler.unconfirmed(team)] == [case.id]
        assert (await case.reconciler.end(team, case.id, 300)).status is Status.ENDED
        late = written(case.record, counted=True)
        assert not await case.desk.ledger.close(held, Ending.SETTLED, Amounts(nano=44, tokens=1, requests=1), late)
        assert await case.usage() == (300, 0, 0)
        assert await case.desk.records.query(team=team) == ([], None)

    run(main)


def test_a_usage_that_comes_before_the_word_stands(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        case = Case(client, team)
        held = await case.open()
        await client.zadd(names.leases(team), {case.id: 1})
        assert await case.reconciler.unconfirmed(team)
        real = Amounts(nano=44, tokens=1, requests=1)
        settled = record(team, NOW, 7, attempts=(attempt("small", 44),), tags=("tokens",))
        assert await case.desk.ledger.close(held, Ending.SETTLED, real, written(settled, counted=True))
        for word in (None, 44, 300):
            assert await case.reconciler.end(team, case.id, word) == Reconciled(status=Status.OTHERWISE, nano_usd=None)
        assert (await case.spent())[:3] == [44, 44, 44]
        assert await case.usage() == (44, 0, 1)

    run(main)


def test_an_open_hold_and_an_unknown_one_are_left_alone(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        case = Case(client, team)
        await case.open()
        assert (await case.reconciler.end(team, case.id, 0)).status is Status.OPEN
        assert (await case.reconciler.end(team, "req_nobody#1", 0)).status is Status.UNKNOWN
        assert [standing.held for standing in await case.desk.ledger.peek(team, ACCOUNTS[:1])] == [HELD]

    run(main)
