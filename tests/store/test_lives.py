"""Routers in lives full of accidents: kills, lost replies, time, an emptied store; the ledger against the model."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from router.store.connect import Client
from router.store.ledger import Ending, Reservation
from tests.store.journals import Clock, Office, segments, store
from tests.store.making import amounts


class Life:
    """A router in a life of accidents, and what it should have been charged."""

    def __init__(self, client: Any, team: str, directory: Path, seed: int) -> None:
        self.client = client
        self.team = team
        self.directory = directory
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.office = self.start()
        self.spent = 0
        self.open: dict[str, Reservation] = {}
        self.unsure: dict[str, int] = {}
        self.seen: Counter[str] = Counter()

    def start(self) -> Office:
        return Office(self.client, self.team, self.directory, self.clock)

    async def step(self) -> None:
        steps = (self.request, self.request, self.begin, self.begin, self.end, self.pass_time, self.kill, self.flush)
        step = self.dice.choice(steps)
        self.seen[step.__name__] += 1
        await step()

    async def request(self) -> None:
        nano = self.dice.randrange(1, 10**6)
        await self.office.spend(nano)
        self.spent += nano

    async def begin(self) -> None:
        """A request that is still under way; it may not even have been sent."""
        nano = self.dice.randrange(1, 10**6)
        match self.dice.randrange(3):
            case 0:
                self.office.intend(nano)
            case 1:
                await self.office.hold(nano)
            case _:
                held = await self.office.send(nano)
                self.open[held.id] = held

    async def end(self) -> None:
        if not self.open:
            return
        held = self.open.pop(self.dice.choice(sorted(self.open)))
        ending = self.dice.choice(list(Ending))
        nano = self.dice.randrange(held.held.nano + 1) if ending is Ending.SETTLED else 0
        end = self.office.end(held, amounts(nano), ending)
        if ending is Ending.UNCONFIRMED:
            self.unsure[held.id] = held.held.nano
        self.spent += nano
        for _ in range(self.dice.randrange(3)):
            await self.office.deliver(end, heard=False)
        if self.dice.random() < 0.5:
            await self.office.deliver(end)

    async def pass_time(self) -> None:
        self.clock.now_ms += self.dice.randrange(20_000)
        await self.office.replaying.turn()

    async def kill(self) -> None:
        self.office.kill()
        self.unsure |= {name: held.held.nano for name, held in self.open.items()}
        self.open.clear()
        if self.dice.random() < 0.3:
            await self.client.flushall()
        self.office = self.start()
        await self.office.replaying.turn()

    async def flush(self) -> None:
        await self.office.replaying.turn()
        if self.dice.random() < 0.3:
            await self.client.flushall()
            await self.office.replaying.turn()

    async def check(self) -> None:
        """After the last kill the ledger is the bill, and what is above it is marked."""
        await self.kill()
        money, _, _, places = await self.office.stands()
        assert sorted(await self.office.ledger.unconfirmed(self.team)) == sorted(self.unsure)
        assert money == (self.spent + sum(self.unsure.values()), 0)
        assert places == (0, 0)
        assert segments(self.directory) == []
        self.office.journal.close()


@pytest.mark.parametrize("seeds", [range(6), pytest.param(range(6, 200), marks=pytest.mark.slow)], ids=["few", "many"])
def test_whatever_happens_the_ledger_is_the_bill_and_what_is_marked(tmp_path: Path, seeds: range) -> None:
    seen: Counter[str] = Counter()

    async def main(client: Client) -> None:
        for seed in seeds:
            life = Life(client, f"team-{seed}", tmp_path / str(seed), seed)
            await life.request()
            await life.office.replaying.turn()
            for _ in range(60):
                await life.step()
            await life.check()
            seen.update(life.seen)

    with store(tmp_path / "store") as go:
        go(main)
    assert len(seen) == 6, "every step was taken"
