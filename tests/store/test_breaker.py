"""The breaker: nobody waits for a store that has not answered for a while, and it is asked again every second."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from router.errors import StoreUnavailable
from router.store.breaker import FAILURES_MAX, PROBE_S, Breaker
from router.store.connect import Door, connect
from router.store.scripts import Script
from tests.store.conftest import Run

ECHO = Script(name="echo", source="return ARGV[1]", sha="7" * 40)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def tripped(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES_MAX):
        assert breaker.lets_through()
        breaker.failed()
    return breaker


def test_it_opens_at_the_last_of_so_many_failures_in_a_row() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES_MAX - 1):
        breaker.failed()
    breaker.answered()
    for _ in range(FAILURES_MAX - 1):
        breaker.failed()
    assert not breaker.open
    breaker.failed()
    assert breaker.open
    assert not breaker.lets_through()


def test_open_it_lets_one_call_a_second_through() -> None:
    clock = Clock()
    breaker = tripped(clock)
    for _ in range(3):
        clock.now_s += PROBE_S
        assert [breaker.lets_through() for _ in range(10)] == [True] + [False] * 9
        breaker.failed()


def test_one_answer_closes_it() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.now_s += PROBE_S
    assert breaker.lets_through()
    breaker.answered()
    assert not breaker.open
    assert all(breaker.lets_through() for _ in range(10))


def test_a_store_that_is_gone_opens_the_door_s_breaker(tmp_path: Path) -> None:
    async def main() -> None:
        client = connect(f"unix://{tmp_path}/nothing.sock")
        door = Door(client)
        try:
            for _ in range(FAILURES_MAX):
                with pytest.raises(StoreUnavailable, match="failed"):
                    await door.call(ECHO, [], ["1"])
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await door.call(ECHO, [], ["1"])
        finally:
            await client.aclose()

    asyncio.run(main())


def test_an_error_of_a_script_is_an_answer(run: Run) -> None:
    broken = Script(name="broken", source="return redis.error_reply('ERR broken')", sha="6" * 40)

    async def main(client: object) -> None:
        door = Door(client, deadline_s=60.0)  # type: ignore[arg-type]
        for _ in range(FAILURES_MAX + 1):
            with pytest.raises(StoreUnavailable, match="ResponseError"):
                await door.call(broken, [], [])
        assert not door.breakers[""].open

    run(main)
