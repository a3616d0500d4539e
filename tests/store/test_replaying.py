"""After a crash, a failover or the loss of the store: told again, and what came twice counts once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from router import children
from router.store import embedded, names
from router.store.account_totals import read_book
from router.store.connect import Client, connect
from router.store.ledger import Ending
from tests.store.conftest import Run
from tests.store.journals import Clock, Office, segments, store
from tests.store.making import amounts, sums_at, write


def test_the_holds_of_a_killed_router_end_by_what_is_known_of_them(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        first = Office(client, team, tmp_path, clock)
        await first.spend(7)
        first.intend(1_000)  # and the store was not asked
        await first.hold(2_000)
        await first.send(3_000)
        first.end(await first.send(400), amounts(300), write=write(b"whole", n=300))
        await first.deliver(first.end(await first.send(50), amounts(40)), heard=False)
        first.kill()

        second = Office(client, team, tmp_path, clock)
        await second.replaying.turn()
        money, _, requests, places = await second.stands()
        assert money == (7 + 3_000 + 300 + 40, 0)
        assert places == (0, 0), "now, and not when a lease ends"
        assert requests[0] == 4
        assert len(await second.ledger.unconfirmed(team)) == 1
        assert second.replayed == {"voided": 2, "unconfirmed": 1, "settled": 2}
        assert await client.xlen(names.records(team)) == 1
        assert segments(tmp_path) == []
        second.journal.close()

    run(main)


def test_twice_is_once(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        first = Office(client, team, tmp_path / "a", clock)
        await first.send(3_000)
        first.end(await first.send(400), amounts(300), write=write(n=300))
        await first.hold(20)
        first.kill()
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        states = []
        for place in ("a", "b"):
            again = Office(client, team, tmp_path / place, clock)
            await again.replaying.turn()
            states.append((await again.state(), await sums_at(client, team)))
            again.journal.close()
        assert states[0] == states[1]

    run(main)


def test_what_lives_is_left_alone(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        first, second = (Office(client, team, tmp_path, clock) for _ in range(2))
        first.journal.name += "-first"
        held = await first.send(3_000)
        await second.replaying.turn()
        assert (await second.stands())[0] == (0, 3_000)
        await first.deliver(first.end(held, amounts(10)))
        first.kill()
        clock.now_ms += 11_000
        await second.replaying.turn()
        assert (await second.stands())[0] == (10, 0), "a dead process's segments are taken over while others live on"
        assert segments(tmp_path) == []
        second.journal.close()

    run(main)


def test_an_end_that_is_too_old_to_be_remembered_is_never_charged_twice(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        first = Office(client, team, tmp_path, clock)
        taken = first.end(await first.send(50), amounts(40))
        await first.deliver(taken, heard=False)
        late = first.end(await first.send(500), amounts(400))
        first.kill()
        clock.now_ms += 3_600_000
        second = Office(client, team, tmp_path, clock)
        await second.ledger.unconfirmed(team)  # leases end, and tombstones go
        assert late.id in await second.ledger.unconfirmed(team)
        await second.replaying.turn()
        assert (await second.stands())[0] == (40 + 400 + 40, 0)
        assert list(await second.ledger.unconfirmed(team)) == [taken.id], "above the bill by what is marked, not below"
        second.journal.close()

    run(main)


def test_an_end_that_nobody_delivers_any_more_is_delivered(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        office = Office(client, team, tmp_path, clock)
        office.end(await office.send(50), amounts(40))
        clock.now_ms += 300_000
        await office.replaying.turn()
        assert (await office.stands())[0] == (0, 50), "the settler still tries"
        clock.now_ms += 301_000
        await office.replaying.turn()
        assert (await office.stands())[0] == (40, 0)
        assert office.journal.lag_s() == 0.0
        office.journal.close()

    run(main)


def test_damaged_lines_are_passed_over_and_counted(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        first = Office(client, team, tmp_path, clock)
        first.end(await first.send(400), amounts(300))
        first.kill()
        [path] = segments(tmp_path)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([lines[0], lines[1][:-9], b"\n", *lines[2:], lines[0][:30]]))
        second = Office(client, team, tmp_path, clock)
        await second.replaying.turn()
        assert (await second.stands())[0] == (300, 0)
        assert second.replayed == {"settled": 1, "damaged": 2}
        second.journal.close()

    run(main)


async def busy(office: Office, clock: Clock) -> None:
    """A while of traffic of every kind, some of it folded into totals by now."""
    for number in range(6):
        await office.spend(100 + number)
        await office.deliver(office.end(await office.send(20 + number), amounts(0), Ending.UNCONFIRMED))
        await office.deliver(office.end(await office.send(70), amounts(0), Ending.VOIDED))
        await office.replaying.turn()
        clock.now_ms += 50_000


@pytest.mark.parametrize("replicas", [1, 2])
def test_an_emptied_store_is_rebuilt_as_it_was(team: str, tmp_path: Path, replicas: int) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        offices = [Office(client, team, tmp_path / str(number), clock) for number in range(replicas)]
        for office in offices:
            await busy(office, clock)
        clock.now_ms += 70_000  # what a minute counts is over
        held = await offices[0].send(5_000)
        for office in offices:
            await office.replaying.turn()
        assert any(read_book(tmp_path / "0").teams[team].charged)
        assert segments(tmp_path / "0")
        before = (await offices[0].stands(), sorted(await offices[0].ledger.unconfirmed(team)))
        await client.flushall()
        for _ in range(2):
            for office in offices:
                await office.replaying.turn()
        assert (await offices[0].stands(), sorted(await offices[0].ledger.unconfirmed(team))) == before
        await offices[0].deliver(offices[0].end(held, amounts(1_234)))
        spent = before[0][0][0] + 1_234
        assert (await offices[0].stands())[0] == (spent, 0)
        # A second loss, and a third of which nobody is told before all has stopped.
        await client.flushall()
        for office in offices:
            await office.replaying.turn()
            await office.replaying.finish()
        assert (await offices[0].stands())[0] == (spent, 0)
        await client.flushall()
        for number in range(replicas):
            again = Office(client, team, tmp_path / str(number), clock)
            await again.replaying.turn()
            again.journal.close()
        assert (await offices[0].stands())[0] == (spent, 0)

    with store(tmp_path / "store") as go:
        go(main)


def test_a_store_that_lost_its_last_writes_is_told_them_again(team: str, tmp_path: Path) -> None:
    """An older copy of its files stands for a replica that was promoted before it had everything."""
    directory, copy = tmp_path / "store", tmp_path / "copy"
    directory.mkdir()
    path = embedded.socket_path(directory)

    async def main() -> None:
        child = children.start(embedded.command(directory, path))
        client = connect(embedded.wait_until_up(directory, path), timeout_s=30.0)
        try:
            clock = Clock()
            office = Office(client, team, tmp_path / "journal", clock)
            await office.spend(100)
            early = await office.send(5_000)
            await office.replaying.turn()
            await office.replaying.turn()
            shutil.copytree(directory / "appendonlydir", copy)
            await office.spend(20)
            await office.deliver(office.end(early, amounts(3)))
            late = await office.send(700)
            before = await office.state()
            children.stop(child)
            shutil.rmtree(directory / "appendonlydir")
            shutil.copytree(copy, directory / "appendonlydir")
            child = children.start(embedded.command(directory, path))
            embedded.wait_until_up(directory, path)
            assert (await office.stands())[0] == (100, 5_000), "it has forgotten"
            await office.replaying.turn()
            assert await office.state() == before
            await office.deliver(office.end(late, amounts(600)))
            assert (await office.stands())[0] == (723, 0)
            assert (await office.stands())[3] == (0, 0)
            office.journal.close()
        finally:
            await client.aclose()
            children.stop(child)

    asyncio.run(main())
