"""Many processes at one limit: exactly as many are admitted as fit, and nothing stays held."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from router.store.connect import Client, Door, connect, opened
from router.store.ledger import Ending, Ledger, Reservation
from tests.running import ROOT
from tests.store.conftest import Run
from tests.store.making import DAY, Till, amounts, calendar, gauge, ring

PROCESSES, ASKED, FIT = 4, 2_500, 2_500
BUDGET = calendar(FIT * 7, begin=0, length=1 << 52, name="total")
ACCOUNTS = (BUDGET, ring(PROCESSES * ASKED), gauge(PROCESSES * ASKED))


async def storm(url: str, team: str, part: str) -> int:
    """Reserve ASKED times, settle what was granted; how many were."""
    client = connect(url, timeout_s=30.0)
    ledger = Ledger(Door(client, deadline_s=20.0))
    room = asyncio.Semaphore(50)

    async def one(index: int) -> int:
        async with room:
            held = await ledger.reserve(f"{part}-{index}#1", team, lambda _: ACCOUNTS, amounts(7), lease_ms=DAY)
            if not isinstance(held, Reservation):
                return 0
            assert await ledger.close(held, Ending.SETTLED, amounts(7))
            return 1

    try:
        await opened(client)
        return sum(await asyncio.gather(*(one(index) for index in range(ASKED))))
    finally:
        await client.aclose()


def test_no_process_takes_what_another_has(run: Run, store_url: str, team: str) -> None:
    command = [sys.executable, "-m", "tests.store.test_concurrency", store_url, team]
    children = [
        subprocess.Popen([*command, str(index)], stdout=subprocess.PIPE, cwd=ROOT) for index in range(PROCESSES)
    ]
    admitted = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(admitted) == FIT

    async def main(client: Client) -> None:
        till = Till(client, team, now_ms=0)
        assert await till.stands(BUDGET) == (FIT * 7, 0)
        assert await till.stands(ACCOUNTS[2]) == (0, 0)
        assert (await till.refused("one more#1", amounts(1), BUDGET)).retry_after_ms is None

    run(main)


if __name__ == "__main__":
    print(asyncio.run(storm(*sys.argv[1:4])))
