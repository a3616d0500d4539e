"""Two groups of accounts, one request: admitted by both or by neither, ended in both, whatever fails in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.core.charges import NOTHING, Account, Denial
from router.core.policy import Scope
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import Client
from router.store.leases import Leases
from router.store.ledger import Ending, Reservation
from router.store.names import ORGANISATION
from router.store.reconciling import Reconciler, Status
from router.store.settler import Settler
from router.store.twins import Twins
from tests.store.conftest import Run
from tests.store.making import DAY, MINUTE, Till, amounts, calendar, gauge, ring, write


def shared(limit: int, **more: Any) -> Account:
    return calendar(limit, name="all", scope=Scope.ORGANISATION, **more)


class Pair(Till):
    """A till with the organisation's group beside the team's. A store is shared by tests, so each has a window of its
    own in that group: the accounts go by the team's name there."""

    def __init__(self, client: Client, team: str) -> None:
        super().__init__(client, team)
        self.settler = Settler(lambda _: None, lambda: None)
        self.twins = Twins(self.ledger, self.settler)

    def all(self, limit: int) -> Account:
        return calendar(limit, name=f"organisation:{self.team}", scope=Scope.ORGANISATION)

    async def both(self, name: str, nano: int, *accounts: Account) -> Reservation | Denial:
        name = f"{self.team}-{name}"
        return await self.twins.reserve(
            name, self.team, lambda _: accounts, amounts(nano), both=True, lease_ms=MINUTE, note=""
        )

    async def held(self, name: str, nano: int, *accounts: Account) -> Reservation:
        hold = await self.both(name, nano, *accounts)
        assert isinstance(hold, Reservation), hold
        return hold

    async def end(self, hold: Reservation, nano: int) -> None:
        await self.twins.close(hold, Ending.SETTLED, amounts(nano))

    async def group(self, account: Account) -> tuple[int, int]:
        """(spent, held) of an account, wherever it is."""
        [standing] = await self.twins.peek(self.team, [account])
        return standing.spent, standing.held


def test_a_request_is_held_and_charged_in_both_groups(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        own, everybody = calendar(100), till.all(50)
        hold = await till.held("q#1", 40, own, everybody)
        assert [standing.account for standing in hold.standings] == [own, everybody]
        assert [await till.group(account) for account in (own, everybody)] == [(0, 40), (0, 40)]
        await till.twins.close(hold, Ending.SETTLED, amounts(25), write(b"one", n=25))
        assert [await till.group(account) for account in (own, everybody)] == [(25, 0), (25, 0)]
        assert await till.written() == ([b"one"], {"n": 25})
        assert await client.exists(names.records(ORGANISATION)) == 0, "the record stands with its team"

    run(main)


def test_what_one_group_grants_is_given_back_when_the_other_refuses(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        for own, everybody, refusing in (
            (calendar(100), till.all(30), "organisation"),
            (calendar(30), till.all(100), "team"),
        ):
            accounts = (own, ring(5), gauge(2), everybody)
            denial = await till.both(f"{refusing}#1", 40, *accounts)
            assert isinstance(denial, Denial)
            assert denial.standing.account.scope.value == refusing
            assert await till.settler.drain(10)
            assert [await till.group(account) for account in accounts] == [(0, 0)] * 4
            # An id that was given back is used up; under the next all is as it was.
            again = await till.held(f"{refusing}#2", 20, *accounts)
            await till.twins.close(again, Ending.VOIDED, NOTHING)

    run(main)


def test_of_two_refusals_the_longer_is_told(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        short, never = ring(1, name="short"), till.all(30)
        await till.end(await till.held("q#1", 1, short, till.all(1)), 1)
        denial = await till.both("q#2", 40, short, never)
        assert isinstance(denial, Denial)
        assert (denial.standing.account, denial.retry_after_ms) == (never, None)

    run(main)


def test_an_end_that_reached_one_group_only_is_delivered_again_without_harm(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        accounts = (calendar(100), till.all(100))
        for index, half in enumerate(("own", "twin")):
            hold = await till.held(f"q{index}#1", 40, *accounts)
            assert hold.twin is not None
            one = hold if half == "own" else hold.twin
            await till.ledger.close(one, Ending.SETTLED, amounts(10))
            for _ in range(3):
                await till.end(hold, 10)
        assert [await till.group(account) for account in accounts] == [(20, 0), (20, 0)]

    run(main)


def test_the_next_attempt_is_held_in_both_groups_or_in_none(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        accounts = (calendar(100), till.all(60))

        async def follow(last: Reservation, name: str, nano: int) -> Reservation | Denial:
            options: dict[str, Any] = {"lease_ms": MINUTE, "note": ""}
            name = f"{team}-{name}"
            return await till.twins.advance(
                last, Ending.SETTLED, amounts(5), name, lambda _: accounts, amounts(nano), **options
            )

        first = await till.held("q#1", 40, *accounts)
        second = await follow(first, "q#2", 50)
        assert isinstance(second, Reservation)
        assert [await till.group(account) for account in accounts] == [(5, 50), (5, 50)]
        third = await follow(second, "q#3", 70)
        assert isinstance(third, Denial)
        assert third.standing.account.scope is Scope.ORGANISATION
        assert await till.settler.drain(10)
        assert [await till.group(account) for account in accounts] == [(10, 0), (10, 0)]

    run(main)


def test_a_router_that_dies_between_the_groups_leaves_a_hold_that_its_lease_ends(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        own, everybody = calendar(100), till.all(100)
        name = f"{team}-q#1"
        for group, account in ((ORGANISATION, everybody), (team, own)):
            lone = await till.ledger.reserve(name, group, lambda _: (account, gauge(9)), amounts(40), lease_ms=MINUTE)  # noqa: B023
            assert isinstance(lone, Reservation)
            till.now_ms += MINUTE + 1
            assert name in await till.ledger.unconfirmed(group)
            [place] = await till.ledger.peek(group, [gauge(9)])
            assert place.held == 0, "its place is free"
        assert await till.group(everybody) == (40, 0), "never below the bill"
        reconciler = Reconciler(till.ledger)
        assert (await reconciler.end(team, name, None)).status is Status.ENDED
        assert [await till.group(account) for account in (own, everybody)] == [(0, 0), (0, 0)]
        assert (await reconciler.end(team, name, None)).status is Status.SAME

    run(main)


def test_leases_are_renewed_in_both_groups(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        accounts = (calendar(100), till.all(100))
        leases = Leases(till.ledger)
        hold = await till.held("q#1", 40, *accounts)
        leases.keep(hold)
        assert leases.under_way(team)
        for _ in range(3):
            till.now_ms += MINUTE - 1
            await leases.renew()
        assert [await till.group(account) for account in accounts] == [(0, 40), (0, 40)]
        assert hold.id not in {**await till.ledger.unconfirmed(team), **await till.ledger.unconfirmed(ORGANISATION)}
        leases.drop(hold)
        assert not leases.under_way(team)
        till.now_ms += MINUTE + 1
        await leases.renew()
        assert hold.id in await till.ledger.unconfirmed(team)
        assert hold.id in await till.ledger.unconfirmed(ORGANISATION)

    run(main)


def test_neither_group_is_ever_exceeded_and_nothing_stays_held(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        teams = [Pair(client, f"{team}.{index}") for index in range(3)]
        everybody = teams[0].all(50 * 7)
        own = calendar(20 * 7)
        fit = {"team": 20 * 7, "all": 50 * 7}

        async def one(till: Pair, index: int) -> int:
            hold = await till.both(f"q{index}#1", 7, own, everybody)
            return isinstance(hold, Reservation)

        async def watch() -> None:
            while True:
                for till in teams:
                    assert sum(await till.group(own)) <= fit["team"]
                assert sum(await teams[0].group(everybody)) <= fit["all"]
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        admitted = await asyncio.gather(*(one(till, index) for till in teams for index in range(60)))
        for till in teams:
            assert await till.settler.drain(30)
        assert not watching.done()
        watching.cancel()
        # One that a team refuses is held by the organisation for an instant, so another may be refused meanwhile; what
        # is left is there for who asks next.
        assert sum(await teams[0].group(everybody)) == 7 * sum(admitted)
        later = [await one(till, 100 + index) for till in teams for index in range(20)]
        for till in teams:
            assert await till.settler.drain(30)
        assert sum(admitted) + sum(later) == 50
        assert sum(await teams[0].group(everybody)) == fit["all"]
        assert sum([sum(await till.group(own)) for till in teams]) == fit["all"]

    run(main)


def test_a_team_of_any_name_has_accounts_of_its_own(run: Run) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, "organisation")
        own, everybody = calendar(100, name="same", length=2 * DAY), shared(100, length=2 * DAY)
        hold = await till.held("q#1", 40, own, everybody)
        await till.end(hold, 5)
        assert names.ledger("organisation") != names.ledger(ORGANISATION)
        assert await client.hexists(names.ledger("organisation"), "a:all") == 0
        assert await client.hexists(names.ledger(ORGANISATION), "a:same") == 0

    run(main)


def test_a_store_that_loses_one_group_says_so_and_what_was_asked_for_can_be_given_back(
    run: Run, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(client: Client) -> None:
        till = Pair(client, team)
        accounts = (calendar(100), till.all(100))
        reserve = till.ledger.reserve

        async def half(name: str, group: str, *rest: Any, **more: Any) -> Any:
            if group == ORGANISATION:
                raise StoreUnavailable("this shard is away")
            return await reserve(name, group, *rest, **more)

        monkeypatch.setattr(till.ledger, "reserve", half)
        with pytest.raises(StoreUnavailable):
            await till.both("q#1", 40, *accounts)
        assert await till.group(accounts[0]) == (0, 40)
        unheld = till.twins.unheld(f"{team}-q#1", team, accounts, amounts(40))
        for _ in range(2):
            await till.twins.close(unheld, Ending.VOIDED, NOTHING)
        assert [await till.group(account) for account in accounts] == [(0, 0), (0, 0)]

    run(main)
