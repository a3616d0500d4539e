"""Who changed what through the operations plane, and when: one line a change, in the store and in the log.

A line names the admin key by a fingerprint and holds no secret. The store's clock dates it. Only the newest are kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import DEADLINE_S, STORE_ERRORS, Client, away

LINES_MAX: Final = 10_000

log = logging.getLogger("router.audit")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`by` is the admin key's fingerprint, `source` the address that the request came from, `what` such as
    `key.created`, `target` the id of what was changed, `details` what else tells it apart."""

    request_id: str
    by: str
    source: str
    what: str
    target: str
    details: dict[str, str | float | bool | None] = {}


class Line(Change, frozen=True, kw_only=True):
    """A change on record; `at` is in UTC."""

    at: str


class Audit:
    def __init__(self, client: Client, *, deadline_s: float = DEADLINE_S) -> None:
        self._client: Any = client
        self.deadline_s = deadline_s

    async def note(self, change: Change) -> None:
        """Put a change on record. It has been made, so a store that is away is no reason to tell its maker otherwise:
        then the log alone has the line."""
        packed = msgspec.json.encode(change)
        log.info("%s", packed.decode())
        try:
            await self._ask(
                self._client.xadd(names.AUDIT, {"line": packed}, maxlen=LINES_MAX, approximate=True),
            )
        except StoreUnavailable:
            log.error("the store did not take the line of %s; it is in this log only", change.request_id)

    async def query(
        self, *, since_ms: int, until_ms: int | None, cursor: str | None, limit: int
    ) -> tuple[list[Line], str | None]:
        """Newest first, from `since_ms` on and before `until_ms`, and the cursor of the following page. Raises
        StoreUnavailable."""
        newest = f"({cursor}" if cursor else (f"{until_ms - 1}" if until_ms else "+")
        found = await self._ask(self._client.xrevrange(names.AUDIT, newest, str(since_ms), count=limit + 1))
        page = found[:limit]
        lines = [_line(entry_id.decode(), fields[b"line"]) for entry_id, fields in page]
        return lines, page[-1][0].decode() if len(found) > limit else None

    async def _ask(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await command
        except (*STORE_ERRORS, TimeoutError) as error:
            failure: StoreUnavailable = away("could not be asked about changes")
            raise failure from error


def fingerprint(admin_key: str) -> str:
    """What names an admin key where the key itself must not stand."""
    return hashlib.sha256(admin_key.encode()).hexdigest()[:8]


def _line(entry_id: str, packed: bytes) -> Line:
    change = msgspec.json.decode(packed, type=Change)
    at = datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, UTC).isoformat(timespec="milliseconds")
    return Line(at=at.replace("+00:00", "Z"), **msgspec.structs.asdict(change))
