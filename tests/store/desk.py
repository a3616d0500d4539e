"""Records to write and to look for."""

from __future__ import annotations

from typing import Any

import msgspec

from router.core.attempts import Outcome
from router.core.explain import Attempt, RouterObject
from router.core.filters import Filters
from router.core.record import RequestRecord, request_id
from router.store import names
from router.store.connect import Client, Door
from router.store.ledger import Ending, Ledger, Reservation
from router.store.records import Records, written
from router.store.totals import HOUR_MS, Note
from router.wire.usage import Usage
from tests.store.making import DAY, amounts, calendar

NOW = 20_750 * DAY + 10 * HOUR_MS


def record(
    team: str, at_ms: int = NOW, noise: int = 0, *, attempts: tuple[Attempt, ...] = (), **more: Any
) -> RequestRecord:
    fields: dict[str, Any] = {
        "request_id": request_id(at_ms, noise.to_bytes(10, "big")),
        "at_ms": at_ms,
        "duration_ms": 1_000,
        "team": team,
        "key": "k1",
        "endpoint": "chat",
        "requested_model": "auto",
        "model": "small",
        "status": 200,
        "code": None,
        "stream": False,
        "kind": "code",
        "language": "en",
        "tags": (),
        "reason": "cheapest_eligible",
        "input_tokens": 0,
        "cached_tokens": 0,
        "output_tokens": 0,
        "nano_usd": sum(attempt.nano_usd for attempt in attempts),
        "saved_nano_usd": 5,
        "unconfirmed_nano_usd": 0,
        "overhead_ms": 1.5,
        "dropped": (),
        "router": explained(attempts),
    }
    return RequestRecord(**{**fields, **more})


def explained(attempts: tuple[Attempt, ...]) -> RouterObject:
    return RouterObject(
        request_id="req_0", classification={}, policy={}, threshold=None, models=[], order=[], chosen=None,
        reason="", baseline=None, attempts=list(attempts), rules="", requested_model="auto", cost_nano_usd=0,
        saved_nano_usd=0,
    )  # fmt: skip


def attempt(model: str, nano: int, usage: tuple[int, int, int] | None = None, **more: Any) -> Attempt:
    told = Usage(input_tokens=usage[0], cached_tokens=usage[1], output_tokens=usage[2]) if usage else None
    return Attempt(model=model, outcome=Outcome.OK, wait_ms=0, nano_usd=nano, usage=told, **more)


def asked(wanted: dict[str, Any]) -> dict[str, Any]:
    """What a query takes: the filters among `wanted` in one, the rest as it is."""
    rest = {name: value for name, value in wanted.items() if name not in Filters.__struct_fields__}
    filters = {name: value for name, value in wanted.items() if name not in rest}
    return {**rest, "filters": Filters(**filters)}


class Desk:
    """A team's records. `put` writes one, in the store's time when `place` is given."""

    def __init__(self, client: Client, *teams: str) -> None:
        self.client: Any = client
        self.ledger = Ledger(Door(client, deadline_s=60.0), lambda: (NOW + 0.5) / 1000, test_clock=True)
        self.records = Records(client, self.ledger, lambda: NOW / 1000)
        self.teams = teams

    async def open(self) -> Desk:
        await self.client.delete(names.TEAMS)
        await self.client.sadd(names.TEAMS, *self.teams)
        return self

    async def put(self, one: RequestRecord, place: str = "*", *, counted: bool = True) -> None:
        write = written(one, counted=counted)
        if place == "*":
            await self.ledger.record(one.team, one.request_id, write)
        else:
            bare = msgspec.structs.replace(write, record=b"", details=b"")
            await self.ledger.record(one.team, one.request_id, bare)
            await self.client.xadd(names.records(one.team), {"r": write.record}, id=place)
            await self.client.xadd(names.details(one.team), {"d": write.details}, id=place)

    async def pages(self, limit: int, **filters: Any) -> list[list[str]]:
        cursor, found = None, []
        while True:
            page, cursor = await self.records.query(limit=limit, cursor=cursor, **asked(filters))
            found.append([f"{one.team} {one.request_id}" for one in page])
            if cursor is None:
                return found


async def unsure(desk: Desk, team: str, note: Note) -> None:
    held = await desk.ledger.reserve(
        "u#1",
        team,
        lambda _: (calendar(10_000),),
        amounts(note.nano_usd),
        lease_ms=1,
        note=msgspec.json.encode(note).decode(),
    )
    assert isinstance(held, Reservation)
    tried = (attempt(note.model, note.nano_usd, unconfirmed=True),)
    one = record(team, NOW, 7, attempts=tried, model=note.model, key=note.key, tags=note.tags)
    assert await desk.ledger.close(held, Ending.UNCONFIRMED, held.held, written(one, counted=True))
