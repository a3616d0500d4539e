"""What is written once, and what is kept no longer than it is of use."""

from __future__ import annotations

import pytest

from router.store import names
from router.store.connect import Client
from router.store.ledger import Ending
from router.store.settler import GIVE_UP_S
from tests.store.conftest import Run
from tests.store.making import DAY, MIDNIGHT, MINUTE, Till, amounts, calendar, gauge, write

TOMBSTONE_MS = 600_000
UNCONFIRMED_MS = 400 * DAY


def test_a_record_is_written_once_with_its_sums(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        held = await till.hold("q#1", amounts(40), calendar(100))
        for _ in range(3):
            await till.settle(held, amounts(25), write(b"one", n=25, s=-3, big=2**53 - 1))
            await till.ledger.record(team, "q2", write(b"two", n=1))
        assert await till.written() == ([b"one", b"two"], {"n": 26, "s": -3, "big": 2**53 - 1})
        assert 0 < await till.client.pttl(names.day_sums(team, 0)) <= DAY

    run(main)


@pytest.mark.parametrize("ended_by", ["a lease", "an advance", "an end without a record"])
def test_a_record_is_written_also_when_its_hold_has_ended_before(run: Run, team: str, ended_by: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        held = await till.hold("q#1", amounts(40), calendar(100), lease_ms=1_000)
        match ended_by:
            case "a lease":
                till.now_ms += 1_000
                await till.ledger.unconfirmed(team)
            case "an advance":
                await till.ledger.advance(
                    held, Ending.UNCONFIRMED, held.held, "q#2", lambda _: (), amounts(0), lease_ms=MINUTE
                )
            case _:
                await till.lose(held)
        for _ in range(2):
            assert not await till.lose(held, write(b"one", r=1))
        assert await till.written() == ([b"one"], {"r": 1})
        assert await till.stands(calendar(100)) == (40, 0)
        # What an operator says later has a record of its own.
        assert await till.settle(held, amounts(7), write(b"reconciled", n=7))
        assert await till.written() == ([b"one", b"reconciled"], {"r": 1, "n": 7})

    run(main)


def test_nothing_ended_stays_for_ever(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        for index in range(20):
            await till.settle(await till.hold(f"q{index}#1", amounts(1), calendar(100)), amounts(1))
        await till.ledger.record(team, "q", write())
        unsure = await till.hold("lost#1", amounts(40), calendar(100))
        await till.lose(unsure)
        till.now_ms += TOMBSTONE_MS
        assert list(await till.ledger.unconfirmed(team)) == ["lost#1"]
        assert {name for name in await till.state() if name.startswith(b"r:")} == {b"r:lost#1"}
        till.now_ms += UNCONFIRMED_MS - TOMBSTONE_MS
        assert await till.ledger.unconfirmed(team) == {}
        assert await till.state() == {b"a:budget": [MIDNIGHT, 20, 0, 40, -1, 0, 0, 0], b"leases": []}

    run(main)


def test_an_end_is_given_up_before_the_store_forgets_that_it_had_it() -> None:
    calls_s = (GIVE_UP_S / 5 + 10) * 0.6  # every five seconds, each up to the door's deadline
    assert (GIVE_UP_S + calls_s) * 1000 < TOMBSTONE_MS


def test_a_hold_that_ends_while_the_unconfirmed_are_listed_is_left_out(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        await till.lose(await till.hold("q#1", amounts(40), calendar(100)))
        await till.settle(await till.hold("q#2", amounts(40), calendar(100)), amounts(1))
        await till.client.zadd(names.unconfirmed(team), {"q#2": 1, "q#3": 1})
        assert list(await till.ledger.unconfirmed(team)) == ["q#1"]

    run(main)


def test_many_leases_that_ran_out_are_swept_at_once(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        for index in range(130):
            await till.hold(f"q{index:03}#1", amounts(1), gauge(1_000), lease_ms=1_000)
        till.now_ms += 1_000
        assert len(await till.ledger.unconfirmed(team)) == 130
        assert await till.stands(gauge(1_000)) == (0, 0)

    run(main)
