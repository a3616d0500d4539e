"""The door to the store: one round trip for a turn of the loop, an empty script cache, a store that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from router import children
from router.core.charges import Denial
from router.errors import StoreUnavailable
from router.store import embedded
from router.store.connect import Client, Door, connect
from router.store.ledger import Ledger, Reservation
from router.store.scripts import Script, load
from tests.store.conftest import Run, one_server
from tests.store.making import MINUTE, Till, amounts, calendar, ring

ECHO = Script(name="echo", source="return ARGV[1]", sha="9" * 40)


async def calls_of(client: Any, *commands: str) -> int:
    stats = await client.info("commandstats")
    return sum(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in commands)


@one_server
def test_an_empty_script_cache_is_filled_on_the_way(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        till = Till(client, team)
        for index in range(3):
            await client.script_flush()
            held = await till.hold(f"q{index}#1", amounts(1), calendar(100))
            await client.script_flush()
            assert await till.settle(held, amounts(1))
        assert await till.stands(calendar(100)) == (3, 0)

    run(main)


def test_only_what_met_an_empty_cache_runs_again(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        till = Till(client, team)
        await till.hold("q0#1", amounts(1), ring(100))
        await client.script_flush()
        assert await client.script_load(till.ledger.scripts["peek"].source)
        asked = [till.hold(f"q{index}#1", amounts(1), ring(100)) for index in range(1, 20)]
        *_, stands = await asyncio.gather(*asked, till.stands(ring(100)))
        assert stands == (1, 0)  # it ran in the first round trip, before the others
        assert await till.stands(ring(100)) == (20, 0)

    run(main)


def test_the_hash_of_a_script_is_the_stores_own(run: Run) -> None:
    async def main(client: Any) -> None:
        for verb in ("reserve", "settle", "advance", "renew", "record", "peek", "sweep"):
            script = load(verb)
            assert await client.script_load(script.source) == script.sha

    run(main)


@one_server
def test_calls_of_one_turn_share_a_round_trip_and_none_crosses_another(run: Run) -> None:
    async def main(client: Any) -> None:
        door = Door(client, deadline_s=60.0)
        before = await calls_of(client, "evalsha", "eval")
        replies = await asyncio.gather(*(door.call(ECHO, [], [str(index)]) for index in range(500)))
        assert [int(reply) for reply in replies] == list(range(500))
        assert await calls_of(client, "evalsha", "eval") - before == 1_000  # unknown at first, then by its source
        connections = [one for one in await client.client_list() if one["lib-name"] == "redis-py"]
        assert len(connections) <= 2

    run(main)


def test_one_call_that_fails_leaves_the_others_of_its_turn_alone(run: Run) -> None:
    broken = Script(name="broken", source="return redis.error_reply('ERR broken')", sha="8" * 40)

    async def main(client: Client) -> None:
        door = Door(client, deadline_s=60.0)
        calls = (door.call(ECHO, [], ["1"]), door.call(broken, [], []), door.call(ECHO, [], ["2"]))
        first, failure, second = await asyncio.gather(*calls, return_exceptions=True)
        assert (first, second) == (b"1", b"2")
        assert isinstance(failure, StoreUnavailable)
        assert "ResponseError" in str(failure)

    run(main)


def test_a_caller_that_was_cancelled_takes_nobodys_reply(run: Run) -> None:
    async def main(client: Client) -> None:
        door = Door(client, deadline_s=60.0)
        await door.call(ECHO, [], ["warm"])
        for turn in range(200):
            tasks = [asyncio.create_task(door.call(ECHO, [], [f"{turn}-{index}"])) for index in range(8)]
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            for index in range(turn % 3, 8, 3):
                tasks[index].cancel()
            replies = await asyncio.gather(*tasks, return_exceptions=True)
            for index, reply in enumerate(replies):
                assert reply == f"{turn}-{index}".encode() or isinstance(reply, asyncio.CancelledError)

    run(main)


def test_a_cancelled_reservation_may_exist_and_is_given_back(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        asked = asyncio.create_task(till.ask("q#1", amounts(40), calendar(100)))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert await till.void(till.ledger.unheld("q#1", team, (calendar(100),), amounts(40)))
        assert await till.stands(calendar(100)) == (0, 0)

    run(main)


def test_a_store_that_hangs_costs_a_caller_the_deadline_and_no_more(tmp_path: Path) -> None:
    async def main(url: str, number: int) -> None:
        client = connect(url)
        ledger = Ledger(Door(client), test_clock=True)

        async def ask(name: str) -> Reservation | Denial:
            return await ledger.reserve(name, "team", lambda _: (ring(100),), amounts(1), lease_ms=MINUTE)

        try:
            held = await ask("before#1")
            assert isinstance(held, Reservation)
            store.send_signal(signal.SIGSTOP)
            began_s = time.monotonic()
            replies = await asyncio.gather(*(ask(f"q{index}#1") for index in range(number)), return_exceptions=True)
            assert time.monotonic() - began_s < 2.0
            assert all(isinstance(reply, StoreUnavailable) for reply in replies)
            assert {getattr(reply, "retry_after_ms", None) for reply in replies} == {2_000}
            store.send_signal(signal.SIGCONT)
            while ledger.door.breakers[""].open:
                await asyncio.sleep(0.05)
                with contextlib.suppress(StoreUnavailable):
                    await ask("before#1")
            # What was under way may have run; under the same ids nothing of it is counted twice.
            for index in range(number):
                assert isinstance(await ask(f"q{index}#1"), Reservation)
            [standing] = await ledger.peek("team", [ring(100)])
            assert standing.spent == 1 + number
        finally:
            await client.aclose()

    path = embedded.socket_path(tmp_path)
    store = children.start(embedded.command(tmp_path, path))
    try:
        asyncio.run(main(embedded.wait_until_up(tmp_path, path), 20))
    finally:
        store.send_signal(signal.SIGCONT)
        children.stop(store)


def test_a_store_that_is_gone_is_named_as_such(tmp_path: Path) -> None:
    async def main() -> None:
        client = connect(f"unix://{tmp_path}/nothing.sock")
        try:
            with pytest.raises(StoreUnavailable, match=r"budget store .* try again in 2 seconds"):
                await Till(client, "team").ask("q#1", amounts(1), ring(1))
            with pytest.raises(StoreUnavailable):
                await Till(client, "team").ledger.unconfirmed("team")
        finally:
            await client.aclose()

    asyncio.run(main())
