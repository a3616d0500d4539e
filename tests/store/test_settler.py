"""Ends of holds are delivered in the background until the store has them, and leases are kept meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from router.errors import StoreUnavailable
from router.store import settler as settling
from router.store.connect import Client, connect
from router.store.leases import BATCH_MAX, LEASE_MS, RENEW_S, Leases
from router.store.settler import Settler
from tests.store.conftest import Run
from tests.store.making import Till, amounts, calendar, gauge


class Desk:
    """A settler and what it told."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.lost = 0
        self.settler = Settler(self.waiting.append, self._lose)

    def _lose(self) -> None:
        self.lost += 1


def failing(times: int, done: list[str]) -> Callable[[], Awaitable[object]]:
    left = [times]

    async def deliver() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise StoreUnavailable("away")
        done.append("here")

    return deliver


def test_an_end_is_delivered_until_it_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RETRY_FIRST_S", 0.001)

    async def main() -> None:
        desk, done = Desk(), list[str]()
        desk.settler.hand_over(failing(3, done))
        desk.settler.hand_over(failing(0, done))
        assert desk.settler.waiting == 2
        assert await desk.settler.drain(5)
        assert done == ["here", "here"]
        assert (desk.waiting, desk.lost) == ([1, 2, 1, 0], 0)

    asyncio.run(main())


def test_handing_over_never_waits_and_draining_does_only_so_long() -> None:
    async def main() -> None:
        desk = Desk()
        desk.settler.hand_over(failing(10, []))
        assert not await desk.settler.drain(0.01)
        assert desk.settler.waiting == 1
        assert await Desk().settler.drain(0)

    asyncio.run(main())


def test_an_end_that_can_not_be_delivered_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settling, "RETRY_FIRST_S", 0.001)
    monkeypatch.setattr(settling, "GIVE_UP_S", 0.005)

    async def main() -> Desk:
        desk = Desk()
        desk.settler.hand_over(failing(100, []))
        assert await desk.settler.drain(5)
        monkeypatch.setattr(settling, "WAITING_MAX", 0)
        desk.settler.hand_over(failing(0, []))
        assert desk.settler.waiting == 0
        return desk

    with caplog.at_level(logging.ERROR, "router.settler"):
        assert asyncio.run(main()).lost == 2
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "an end of a hold was not delivered in 0 s",
        "an end of a hold was not delivered",
    ]


def test_a_caller_that_is_cancelled_still_ends_its_hold(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till, desk, admitted = Till(client, team), Desk(), asyncio.Event()

        async def request() -> None:
            held = await till.hold("q#1", amounts(40), calendar(100), gauge(1))
            admitted.set()
            try:
                await asyncio.sleep(60)
            finally:
                desk.settler.hand_over(lambda: till.settle(held, amounts(7)))

        under_way = asyncio.create_task(request())
        await admitted.wait()
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
        assert await desk.settler.drain(5)
        assert await till.stands(calendar(100)) == (7, 0)

    run(main)


def test_leases_are_kept_while_their_requests_live(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        leases = Leases(till.ledger)
        held = [
            await till.hold(f"q{index}#1", amounts(1), gauge(100), lease_ms=LEASE_MS) for index in range(BATCH_MAX + 9)
        ]
        for hold in held:
            leases.keep(hold)
        leases.drop(held[0])
        for _ in range(6):
            till.now_ms += LEASE_MS // 2
            await leases.renew()
        assert await till.ledger.unconfirmed(team) != {}
        assert await till.stands(gauge(100)) == (0, len(held) - 1)

    run(main)


def test_two_renewals_may_be_missed() -> None:
    assert 2 * RENEW_S * 1000 < LEASE_MS


def test_a_renewal_that_fails_is_left_for_the_next_time(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        leases = Leases(till.ledger)
        leases.keep(await till.hold("q#1", amounts(1), gauge(1), lease_ms=LEASE_MS))
        here, away = till.ledger.door.client, connect("unix:///nowhere.sock")
        till.ledger.door.client = away
        await leases.renew()
        till.ledger.door.client = here
        await away.aclose()
        till.now_ms += LEASE_MS - 1
        await leases.renew()
        till.now_ms += LEASE_MS - 1
        assert await till.ledger.unconfirmed(team) == {}

    run(main)


def test_leases_are_watched_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.store.leases.RENEW_S", 0.001)

    class Told:
        renewed = 0
        twice = asyncio.Event()

        async def renew(self, *_: Any) -> int:
            self.renewed += 1
            if self.renewed == 2:
                self.twice.set()
            return 1

    async def main() -> None:
        told: Any = Told()
        leases = Leases(told)
        hold: Any = type("Hold", (), {"id": "q#1", "team": "t", "twin": None})
        leases.keep(hold)
        watching = asyncio.create_task(leases.watch())
        async with asyncio.timeout(5):
            await told.twice.wait()
        watching.cancel()

    asyncio.run(main())


def test_what_is_on_its_way_back_to_a_team_can_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "RETRY_FIRST_S", 0.001)

    async def main() -> None:
        desk, done = Desk(), list[str]()
        assert not await desk.settler.freed("search", 5), "nothing is on its way"
        desk.settler.hand_over(failing(2, done), frees="search")
        desk.settler.hand_over(failing(10_000, []), frees="ads")
        desk.settler.hand_over(failing(10_000, []))
        assert await desk.settler.freed("search", 5)
        assert done == ["here"]
        assert not await desk.settler.freed("search", 5)
        assert await desk.settler.freed("ads", 0.01), "the wait is bounded"

    asyncio.run(main())
