"""A cluster's primary is killed again and again, each time with writes that its replica never saw."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import STORE_ERRORS, connect
from tests import clustered
from tests.store.journals import Clock, Office
from tests.store.making import amounts

KILLS = 20


async def once_up(ask: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """What `ask` says once the cluster answers again."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return await ask()
        except (StoreUnavailable, *STORE_ERRORS):
            assert time.monotonic() < ends, "the cluster did not come back"
            await asyncio.sleep(0.1)


def follows(node: clustered.Node, port: int) -> bool:
    role = node.ask("ROLE")
    return bool(role[0] == b"slave" and role[2] == port)


@pytest.mark.slow
def test_what_a_killed_primary_took_with_it_is_told_to_the_next(team: str, tmp_path: Path) -> None:
    async def main(cluster: clustered.Cluster) -> None:
        client: Any = connect(cluster.url, timeout_s=5.0)
        try:
            office = Office(client, team, tmp_path, Clock())
            spent = lost = 0
            for _ in range(KILLS):
                for _ in range(5):
                    await office.spend(100)
                await once_up(office.replaying.turn)
                port = client.get_node_from_key(names.ledger(team)).port
                [primary] = [node for node in cluster.nodes if node.port == port]
                [replica] = [node for node in cluster.nodes if follows(node, port)]
                replica.child.send_signal(signal.SIGSTOP)
                primary.ask("CLIENT", "KILL", "TYPE", "replica")  # nothing waits in its socket either
                for _ in range(20):
                    await office.spend(10)
                held = await office.send(50)
                cluster.kill(primary)
                replica.child.send_signal(signal.SIGCONT)
                spent += 5 * 100 + 20 * 10
                before = (await once_up(office.stands))[0]
                lost += (spent, 50) != before
                await once_up(office.replaying.turn)
                money, _, _, places = await once_up(office.stands)
                assert (money, places) == ((spent, 50), (0, 1))
                await office.deliver(office.end(held, amounts(7)))
                spent += 7
                assert (await office.stands())[0] == (spent, 0)
                cluster.start(primary)
                clustered.until(lambda primary=primary: primary.ask("ROLE")[3] == b"connected")
            assert lost == KILLS, "a kill that lost nothing has tried nothing"
            office.journal.close()
        finally:
            await client.aclose()

    with clustered.cluster(replicas=True, node_timeout_ms=2_000) as cluster:
        asyncio.run(main(cluster))
