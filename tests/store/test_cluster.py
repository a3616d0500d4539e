"""A Redis Cluster of three primaries: each team's ledger is one slot, teams spread, and no script leaves its slot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.core.attempts import Outcome
from router.core.policy import Scope
from router.errors import InvalidKey
from router.store import names
from router.store.connect import Door, connect
from router.store.keyring import Keyring
from router.store.ledger import Ending, Reservation
from router.store.quotas import SharedQuotas
from router.store.scripts import Script, load
from router.store.settler import Settler
from router.store.twins import Twins
from router.upstream.quotas import Quotas
from router.wire.rates import Rate, Told
from tests import clustered
from tests.core.making import ask, plan
from tests.store.desk import NOW, Desk, attempt, record
from tests.store.journals import Clock, Office
from tests.store.making import MINUTE, Till, amounts, calendar, gauge, ring, write

TEAMS = ("search", "apps", "billing", "research")


@pytest.fixture(scope="module")
def cluster_url() -> Iterator[str]:
    with clustered.cluster(replicas=False) as cluster:
        yield cluster.url


def test_every_verb_works_on_a_cluster(cluster_url: str) -> None:
    async def one(client: Any, team: str) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(1))
        first = await till.hold("q#1", amounts(90), *accounts, note="n")
        second = await till.ledger.advance(
            first, Ending.UNCONFIRMED, first.held, "q#2", lambda _: accounts, amounts(10), lease_ms=MINUTE
        )
        assert not hasattr(second, "asked")
        assert await till.ledger.renew(team, ["q#2"], MINUTE) == 1
        assert await till.settle(second, amounts(3), write(b"one", n=3))  # type: ignore[arg-type]
        await till.ledger.record(team, "q2", write(b"two"))
        assert list(await till.ledger.unconfirmed(team)) == ["q#1"]
        assert await till.stands(accounts[0]) == (93, 0)
        assert await till.written() == ([b"one", b"two"], {"n": 3})

    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            await asyncio.gather(*(one(client, team) for team in TEAMS))
            held = await Till(client, TEAMS[0]).ledger.unconfirmed_of([*TEAMS, "nobody"])
            assert {team: list(some) for team, some in held.items()} == {team: ["q#1"] for team in TEAMS} | {
                "nobody": []
            }
            nodes = {client.get_node_from_key(names.ledger(team)).port for team in TEAMS}
            assert len(nodes) > 1
        finally:
            await client.aclose()

    asyncio.run(main())


def test_a_request_of_any_team_is_held_beside_the_organisation_on_a_cluster(cluster_url: str) -> None:
    everybody = calendar(250, name="organisation", scope=Scope.ORGANISATION)

    async def one(client: Any, team: str) -> bool:
        till, own = Till(client, f"{team}-3"), calendar(100)
        twins = Twins(till.ledger, Settler(lambda _: None, lambda: None))
        held = await twins.reserve(
            f"{team}#1", till.team, lambda _: (own, everybody), amounts(90), both=True, lease_ms=MINUTE, note=""
        )
        if isinstance(held, Reservation):
            await twins.close(held, Ending.SETTLED, amounts(80), write())
        return isinstance(held, Reservation)

    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            assert sum([await one(client, team) for team in TEAMS]) == 3
            [standing] = await Till(client, names.ORGANISATION).ledger.peek(names.ORGANISATION, [everybody])
            assert (standing.spent, standing.held) == (240, 0)
            groups = (names.ORGANISATION, *(f"{team}-3" for team in TEAMS))
            assert len({client.get_node_from_key(names.ledger(group)).port for group in groups}) > 1
        finally:
            await client.aclose()

    asyncio.run(main())


def test_all_keys_of_a_team_are_in_one_slot(cluster_url: str) -> None:
    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            await client.initialize()
            keys = [names.ledger, names.leases, names.unconfirmed, names.records]
            slots = {client.keyslot(name("search")) for name in keys} | {
                client.keyslot(name) for name in names.sums("search", 7)
            }
            assert len(slots) == 1
            # The first line of a script has the store refuse a key of another slot even on the same node: without it,
            # a mistake would work until a slot moves.
            here = client.get_node_from_key(names.ledger("search"))
            tags = (f"{{other{index}}}" for index in range(100))
            other = next(
                tag for tag in tags if client.get_node_from_key(tag) == here and client.keyslot(tag) not in slots
            )
            source = f"{load('peek').source.splitlines()[0]}\nreturn redis.call('GET', '{other}')"
            stray = Script(name="stray", source=source, sha="7" * 40)
            with pytest.raises(Exception, match="failed: ") as refusal:
                await Door(client, deadline_s=60.0).call(stray, [names.ledger("search")], [])
            assert "do not hash to the same slot" in str(refusal.value.__cause__)
        finally:
            await client.aclose()

    asyncio.run(main())


def test_a_cluster_that_lost_a_team_is_told_it_again(cluster_url: str, tmp_path: Path) -> None:
    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            offices = [Office(client, f"{team}-3", tmp_path / team, Clock()) for team in TEAMS]
            for office in offices:
                await office.spend(100)
                await office.replaying.turn()
                marked = await office.replaying.rebuilding.mark()
                assert len(marked) == 1 + 3, "an epoch, and each primary's replication"
                held = await office.send(50)
                await client.delete(names.ledger(office.team), names.EPOCH)
                await office.replaying.turn()
                assert (await office.stands())[0] == (100, 50)
                await office.deliver(office.end(held, amounts(7)))
                assert (await office.stands())[0] == (107, 0)
                office.journal.close()
        finally:
            await client.aclose()

    asyncio.run(main())


def test_keys_and_records_work_on_a_cluster(cluster_url: str) -> None:
    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            keyring = Keyring(client, b"pepper", deadline_s=60.0)
            made = [await keyring.create(team, "ci") for team in TEAMS]
            assert (await keyring.authenticate(made[0][1])).team == TEAMS[0]
            assert await keyring.rotate(made[0][0].id, 60) is not None
            assert await keyring.revoke(made[0][0].id) is not None
            with pytest.raises(InvalidKey):
                await keyring.authenticate(made[0][1])
            desk = await Desk(client, *(f"{team}-2" for team in TEAMS)).open()
            for index, team in enumerate(desk.teams):
                await desk.put(record(team, NOW, index, attempts=(attempt("small", 100, (10, 0, 3)),)))
            assert sorted(one for page in await desk.pages(2) for one in page) == sorted(
                one for page in await desk.pages(100) for one in page
            )
            total, groups = await desk.records.usage(since_ms=NOW - MINUTE, until_ms=NOW + MINUTE, group_by="team")
            assert (total.nano_usd, len(groups)) == (400, 4)
        finally:
            await client.aclose()

    asyncio.run(main())


def test_windows_upstream_are_shared_on_a_cluster(cluster_url: str) -> None:
    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            quotas = [Quotas(), Quotas()]
            chosen = plan(ask()).chosen
            assert chosen is not None
            quotas[0].end(
                quotas[0].draw(chosen), Outcome.RATE_LIMITED, None, {Rate.REQUESTS: Told(limit=7, remaining=0)}
            )
            for known in quotas:
                await SharedQuotas(client, deadline_s=30.0).exchange(chosen.site.account, known)
            assert [view.limit for known in quotas for view in known.snapshot()] == [7, 7]
        finally:
            await client.aclose()

    asyncio.run(main())
