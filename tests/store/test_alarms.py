"""Alarms of money: each delivered once for all replicas, again until it is taken, and never again after a restart."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec

from router.alarming import GIVE_UP_S, Alarms
from router.core.charges import Amounts, Owner, accounts_of
from router.core.key_rules import KeyRules
from router.core.policy import Policy
from router.ops.registry import Metrics
from router.store import names
from router.store.alarms import AlarmBook
from router.store.connect import Client, Door
from router.store.grants import GrantBook
from router.store.keyring import Keyring
from router.store.ledger import Ending, Ledger, Reservation
from router.store.settler import Settler
from router.store.twins import Twins
from tests.core.making import rules
from tests.store.conftest import Run

USD = 1_000_000_000
BUDGETS = [
    {"scope": "team", "usd": "10", "window": "total"},
    {"scope": "key", "usd": "5", "window": "total"},
]
ALARMS = [
    {"budget": "team.total", "at": [0.5, 1.0], "webhook": "finance"},
    {"budget": "key.total", "at": [0.9], "webhook": "finance"},
]


class Receiver:
    """A webhook that takes what it is sent unless it is `broken`."""

    def __init__(self) -> None:
        self.broken = False
        self.got: list[tuple[str, dict[str, Any]]] = []

    def knows(self, name: str) -> bool:
        return name == "finance"

    async def send(self, name: str, message_id: str, body: str) -> str | None:
        self.got.append((message_id, json.loads(body)["data"]))
        return "status 500" if self.broken else None

    @property
    def ids(self) -> list[str]:
        return [name for name, _ in self.got]


class Office:
    """Replicas that share a store and a webhook, and a team that spends."""

    def __init__(self, client: Client, team: str) -> None:
        self.client: Any = client
        self.team = team
        self.now_s = 1_800_000_000.0
        self.receiver = Receiver()
        self.ledger = Ledger(Door(client, deadline_s=60.0))
        self.keyring = Keyring(client, b"pepper", deadline_s=60.0)
        self.policy = msgspec.convert({"team": team, "budget": BUDGETS, "alarm": ALARMS}, Policy)
        self.replicas = [self.replica() for _ in range(2)]
        self.metrics: Metrics

    def replica(self) -> Alarms:
        made = msgspec.structs.replace(rules(), policies={self.team: self.policy})

        async def teams() -> list[str]:
            return [self.team]

        self.metrics = Metrics()
        return Alarms(
            rules=lambda: made,
            teams=teams,
            keyring=self.keyring,
            twins=Twins(self.ledger, Settler(lambda _: None, lambda: None)),
            grants=GrantBook(self.client, deadline_s=60.0),
            book=AlarmBook(self.client, deadline_s=60.0),
            webhooks=self.receiver,  # type: ignore[arg-type]
            metrics=self.metrics,
            clock=lambda: self.now_s,
        )

    async def spend(self, key: str, nano: int) -> None:
        owner = Owner(team=self.team, key=key, model="m")
        name = f"{key}-{nano}#1"
        amounts = Amounts(nano=nano, tokens=0, requests=1)
        hold = await self.ledger.reserve(
            name, self.team, lambda now: accounts_of(self.policy, owner, now), amounts, lease_ms=60_000
        )
        assert isinstance(hold, Reservation)
        await self.ledger.close(hold, Ending.SETTLED, amounts)

    async def look(self) -> None:
        """One after the other, as turns have it."""
        for replica in self.replicas:
            await replica.look()


def test_each_share_is_told_once_whoever_looks_and_however_often(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.ALARMS)
        office = Office(client, team)
        key, _ = await office.keyring.create(team, "ci")
        await office.look()
        assert office.receiver.got == []
        await office.spend(key.id, 4_600_000_000)
        await office.look()
        [(_, told)] = office.receiver.got
        assert (told["budget"], told["id"], told["threshold"]) == ("key.total", key.id, 0.9)
        await office.spend("another", 1 * USD)
        await office.look()
        assert [data["threshold"] for _, data in office.receiver.got] == [0.9, 0.5]
        for _ in range(3):
            office.now_s += 60
            office.replicas = [office.replica()]  # as after a restart
            await office.look()
        assert len(office.receiver.got) == 2

    run(main)


def test_a_key_with_a_budget_of_its_own_is_measured_by_that(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.ALARMS)
        office = Office(client, team)
        key, _ = await office.keyring.create(team, "ci", own=KeyRules(usd="1", window="total"))
        await office.spend(key.id, 950_000_000)
        await office.look()
        [(_, told)] = office.receiver.got
        assert (told["id"], told["threshold"], told["limit_usd"]) == (key.id, 0.9, "1.000000000")

    run(main)


def test_what_was_not_taken_is_sent_again_under_the_same_id_ever_more_seldom(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.ALARMS)
        office = Office(client, team)
        office.replicas = [office.replica()]
        office.receiver.broken = True
        await office.spend("k", 5 * USD)
        began, sent = office.now_s, []
        for _ in range(100):
            before = len(office.receiver.got)
            await office.look()
            if len(office.receiver.got) > before:
                sent.append(office.now_s - began)
            office.now_s += 10
        assert sent == [0, 10, 30, 70, 150, 310, 630]
        assert len(set(office.receiver.ids)) == 1
        office.receiver.broken = False
        office.now_s += 3_600
        office.replicas = [office.replica()]  # the one that noticed it has died
        await office.look()
        await office.look()
        assert len(office.receiver.got) == len(sent) + 1
        assert office.metrics.child("router_webhooks_total", "finance", "delivered")._value.get() == 1

    run(main)


def test_what_is_never_taken_is_given_up_after_days(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.ALARMS)
        office = Office(client, team)
        office.replicas = [office.replica()]
        office.receiver.broken = True
        await office.spend("k", 5 * USD)
        await office.look()
        office.now_s += GIVE_UP_S + 1
        for _ in range(3):
            await office.look()
            office.now_s += 3_600
        assert len(office.receiver.got) == 2
        assert office.metrics.child("router_webhooks_total", "finance", "given_up")._value.get() == 1

    run(main)


def test_one_process_looks_at_a_time(run: Run) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.ALARMS_TURN)
        turns = await asyncio.gather(*(AlarmBook(client, deadline_s=60.0).turn(30) for _ in range(5)))
        assert sorted(turns) == [False] * 4 + [True]
        await client.delete(names.ALARMS_TURN)

    run(main)


def test_what_is_over_is_forgotten(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.ALARMS)
        office = Office(client, team)
        rule = {"scope": "team", "usd": "10", "window": "1h"}
        alarm = {"budget": "team.1h", "at": [0.5], "webhook": "finance"}
        office.policy = msgspec.convert({"team": team, "budget": [rule], "alarm": [alarm]}, Policy)
        office.replicas = [office.replica()]
        await office.spend("k", 6 * USD)
        await office.look()
        assert len(office.receiver.got) == 1
        assert await client.hlen(names.ALARMS) == 1
        office.policy = msgspec.convert({"team": team, "budget": [rule]}, Policy)
        office.replicas = [office.replica()]
        office.now_s += 7_200
        await office.look()
        assert await client.hlen(names.ALARMS) == 0

    run(main)
