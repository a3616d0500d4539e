"""Alarms that were noticed: each once, whichever replica sees it, until its webhook has taken it.

All are fields of one hash. Creating a field is what makes an alarm unique, and it holds the message, so that another
process delivers it when the one that noticed it dies.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from router.core.alarms import Passed
from router.store import names
from router.store.connect import DEADLINE_S, STORE_ERRORS, Client, away


class Noticed(msgspec.Struct, frozen=True, kw_only=True):
    """Times are epoch seconds. `body` is empty once it was delivered or given up: the field then only says that there
    is nothing more to do before `until`."""

    webhook: str
    until: float
    since: float
    next: float
    attempts: int = 0
    body: str = ""


class AlarmBook:
    """Every verb raises StoreUnavailable."""

    def __init__(self, client: Client, *, deadline_s: float = DEADLINE_S) -> None:
        self._client: Any = client
        self.deadline_s = deadline_s

    async def turn(self, for_s: float) -> bool:
        """Whether it is this process's turn to look; nobody else's is for so long."""
        return bool(await self._ask(self._client.set(names.ALARMS_TURN, b"1", nx=True, px=round(for_s * 1000))))

    async def all(self) -> dict[str, Noticed]:
        """What was noticed, by the alarm's id."""
        packed = await self._ask(self._client.hgetall(names.ALARMS))
        return {name.decode(): msgspec.json.decode(raw, type=Noticed) for name, raw in packed.items()}

    async def note(self, alarm: Passed, now_s: float) -> Noticed | None:
        """Keep an alarm; None when it was noticed before."""
        noticed = Noticed(
            webhook=alarm.webhook, until=alarm.until_ms / 1000, since=now_s, next=now_s, body=alarm.body.decode()
        )
        fresh = await self._ask(self._client.hsetnx(names.ALARMS, alarm.id, msgspec.json.encode(noticed)))
        return noticed if fresh else None

    async def keep(self, name: str, noticed: Noticed) -> None:
        await self._ask(self._client.hset(names.ALARMS, name, msgspec.json.encode(noticed)))

    async def forget(self, *ids: str) -> None:
        await self._ask(self._client.hdel(names.ALARMS, *ids))

    async def _ask(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await command
        except (*STORE_ERRORS, TimeoutError) as error:
            failure = away("could not be asked about alarms")
            raise failure from error
