"""A Redis Cluster of three primaries: each team's ledger is one slot, teams spread, and no script leaves its slot."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from router import children
from router.errors import InvalidKey
from router.store import embedded, names
from router.store.connect import Door, connect
from router.store.keyring import Keyring
from router.store.ledger import Ending
from router.store.scripts import Script, load
from tests.store.desk import NOW, Desk, attempt, record
from tests.store.making import MINUTE, Till, amounts, calendar, gauge, ring, write

SLOTS = 16_384
TEAMS = ("search", "apps", "billing", "research")


def free_ports(number: int) -> list[int]:
    """Ports whose cluster bus (10,000 above) is in range."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < number:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            if port < 55_000:
                found.append(port)
            else:
                found.append(port - 20_000)
        return found


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ports = free_ports(3)
    binary = embedded.command(Path("."), Path("unused"))[0]
    with ExitStack() as stack:
        clients = []
        for index, port in enumerate(ports):
            home = tmp_path_factory.mktemp(f"node{index}")
            options = ("--cluster-enabled", "yes", "--save", "", "--appendonly", "no", "--logfile", str(home / "log"))
            child = children.start([binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), *options])
            stack.callback(children.stop, child)
            clients.append(stack.enter_context(redis.Redis(port=port)))
        for index, client in enumerate(clients):
            _until(client.ping)
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", SLOTS * index // 3, SLOTS * (index + 1) // 3 - 1)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for port in ports[1:]:
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port)
        _until(lambda: all(b"cluster_state:ok" in _info(client) for client in clients))
        yield f"cluster://127.0.0.1:{ports[0]}"


def _info(client: redis.Redis) -> bytes:
    said = client.execute_command("CLUSTER", "INFO")
    if isinstance(said, dict):
        return b"".join(f"{name}:{value}\n".encode() for name, value in said.items())
    return said if isinstance(said, bytes) else str(said).encode()


def _until(done: Any) -> None:
    ends = time.monotonic() + 10
    while True:
        try:
            if done():
                return
        except redis.RedisError:
            pass
        assert time.monotonic() < ends, "the cluster did not come up"
        time.sleep(0.02)


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
            nodes = {client.get_node_from_key(names.ledger(team)).port for team in TEAMS}
            assert len(nodes) > 1
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
                await Door(client).call(stray, [names.ledger("search")], [])
            assert "do not hash to the same slot" in str(refusal.value.__cause__)
        finally:
            await client.aclose()

    asyncio.run(main())


def test_keys_and_records_work_on_a_cluster(cluster_url: str) -> None:
    async def main() -> None:
        client: Any = connect(cluster_url, timeout_s=30.0)
        try:
            keyring = Keyring(client, b"pepper")
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
