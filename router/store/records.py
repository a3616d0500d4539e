"""Records: one per request, in a bounded stream per team, and sums by hour and day that outlive them.

A record and its sums are written in the same step as the end of the request's hold, so that usage and ledger cannot
drift apart. No prompt and no answer is in a record.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import msgspec

from router.core.record import RequestRecord, Sums, began_ms, corrected, name_hold
from router.core.rollup import Rollup
from router.core.sums import DIMENSIONS, sums_of
from router.store import names
from router.store.connect import STORE_ERRORS, Client, away
from router.store.ledger import Ledger, Write
from router.store.totals import DAY_MS, HOUR_MS, Totals

RECORDS_KEPT: Final = 10_000  # per team, newest first to stay; about 1.5 KB each
SUMS_KEPT_MS: Final = 400 * DAY_MS  # a year and a month, for comparisons with last year's
FEEDBACK_KEPT_S: Final = 90 * 24 * 3600
# A stream lasts ten minutes at the most, and its end is delivered for at most ten more: a record stands within this
# after its request began.
REQUEST_MAX_MS: Final = 1_300_000
# How far a router's clock, which names requests, may be ahead of the store's, which places records.
CLOCKS_APART_MS: Final = 60_000
PAGE: Final = 100


GROUPS: Final = (*DIMENSIONS.values(), "day")


def written(record: RequestRecord, *, counted: bool) -> Write:
    """The record as the store takes it. `counted` adds its usage to the sums; a refusal held nothing, and only counts
    as one."""
    return Write(
        record=zlib.compress(msgspec.json.encode(record), 1),
        hour=(record.at_ms + record.duration_ms) // HOUR_MS,
        sums=sums_of(record, counted=counted),
        kept=RECORDS_KEPT,
        sums_ms=SUMS_KEPT_MS,
    )


class Records:
    """Reads what was written. `clock` gives epoch seconds."""

    def __init__(self, client: Client, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._client: Any = client
        self._totals = Totals(client, ledger, clock)

    async def teams(self) -> list[str]:
        return sorted(raw.decode() for raw in await self._ask(self._client.smembers(names.TEAMS)))

    async def usage(
        self, *, since_ms: int, until_ms: int, group_by: str, team: str | None = None
    ) -> tuple[Sums, dict[str, Sums]]:
        """The total, and the sums by `group_by` (one of GROUPS), over the hours that [since, until) touches.

        A request with two tags stands in both of their groups, and once in the total.
        """
        teams = [team] if team else await self.teams()
        return await self._totals.usage(teams, since_ms=since_ms, until_ms=until_ms, group_by=group_by)

    async def rollup(self, teams: Sequence[str], since_ms: int, until_ms: int) -> Rollup:
        """All that was added up of these teams over the hours that [since, until) touches; points by hour up to three
        days, by day beyond."""
        return await self._totals.rollup(teams, since_ms, until_ms)

    async def query(
        self,
        *,
        team: str | None = None,
        key: str | None = None,
        model: str | None = None,
        since_ms: int = 0,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = PAGE,
    ) -> tuple[list[RequestRecord], str | None]:
        """Newest first, at most `limit`, and the cursor of the next page if there may be one.

        A page never ends between records of one instant, which several teams may have: it ends before them, and is
        longer than `limit` only when there are more of them than that.
        """
        if until_ms is not None and until_ms <= 0:
            return [], None
        newest = cursor or (f"{until_ms - 1}" if until_ms is not None else "+")
        found: list[tuple[tuple[int, int], RequestRecord]] = []
        for name in [team] if team else await self.teams():
            matched = 0
            async for place, record in self._stream(name, f"({newest}" if cursor else newest, f"{max(0, since_ms)}"):
                if (key is None or record.key == key) and (model is None or record.model == model):
                    found.append((place, record))
                    matched += 1
                    if matched > limit:
                        break
        found.sort(key=lambda pair: pair[0], reverse=True)
        following = None
        if len(found) > limit:
            cut, first = found[limit][0], found[0][0]
            found = [pair for pair in found if (pair[0] == cut if cut == first else pair[0] > cut)]
            following = "{}-{}".format(*found[-1][0])
        return await self._completed([record for _, record in found]), following

    async def _stream(
        self, team: str, newest: str, oldest: str
    ) -> AsyncIterator[tuple[tuple[int, int], RequestRecord]]:
        while True:
            entries = await self._ask(self._client.xrevrange(names.records(team), newest, oldest, count=PAGE))
            for place, fields in entries:
                ms, _, number = place.decode().partition("-")
                yield (int(ms), int(number)), _decode(fields[b"r"])
            if len(entries) < PAGE:
                return
            newest = f"({entries[-1][0].decode()}"

    async def find(self, name: str, team: str | None = None) -> RequestRecord | None:
        """The record of a request id, while the stream still holds it."""
        began = began_ms(name)
        if began is None:
            return None
        for candidate in [team] if team else await self.teams():
            oldest, newest = f"{max(0, began - CLOCKS_APART_MS)}", f"{began + REQUEST_MAX_MS}"
            while True:
                entries = await self._ask(self._client.xrange(names.records(candidate), oldest, newest, count=PAGE))
                for _, fields in entries:
                    record = _decode(fields[b"r"])
                    if record.request_id == name:
                        return (await self._completed([record]))[0]
                if len(entries) < PAGE:
                    break
                oldest = f"({entries[-1][0].decode()}"
        return None

    async def note_feedback(self, team: str, name: str, verdict: dict[str, Any]) -> None:
        """Attach the app's verdict to a request."""
        began = began_ms(name)
        assert began is not None, "the caller has looked the request up"
        where = names.feedback(team, began // DAY_MS)
        await self._ask(self._client.hset(where, name, msgspec.json.encode(verdict)))
        await self._ask(self._client.expire(where, FEEDBACK_KEPT_S))

    async def _completed(self, records: list[RequestRecord]) -> list[RequestRecord]:
        """The records with what came after them: what operators settled by hand, and the apps' verdicts."""
        return await self._with_feedback(await self._corrected(records)) if records else records

    async def _corrected(self, records: list[RequestRecord]) -> list[RequestRecord]:
        unsure = [record for record in records if record.unconfirmed_nano_usd]
        if not unsure:
            return records
        pipe = self._client.pipeline(transaction=False)
        for record in unsure:
            attempts = record.router.attempts if record.router else ()
            holds = [name_hold(record.request_id, number) for number in range(1, len(attempts) + 1)]
            pipe.hmget(names.corrections(record.team, (began_ms(record.request_id) or 0) // DAY_MS), holds or ["-"])
        found = {
            record.request_id: [None if nano is None else int(nano) for nano in charged]
            for record, charged in zip(unsure, await self._ask(pipe.execute()), strict=True)
        }
        return [
            corrected(record, found[record.request_id]) if record.request_id in found else record for record in records
        ]

    async def _with_feedback(self, records: list[RequestRecord]) -> list[RequestRecord]:
        pipe = self._client.pipeline(transaction=False)
        for record in records:
            pipe.hget(names.feedback(record.team, (began_ms(record.request_id) or 0) // DAY_MS), record.request_id)
        verdicts = await self._ask(pipe.execute())
        return [
            msgspec.structs.replace(record, feedback=msgspec.json.decode(verdict)) if verdict else record
            for record, verdict in zip(records, verdicts, strict=True)
        ]

    async def _ask(self, command: Any) -> Any:
        try:
            return await command
        except STORE_ERRORS as error:
            failure = away("could not be read")
            raise failure from error


def _decode(packed: bytes) -> RequestRecord:
    return msgspec.json.decode(zlib.decompress(packed), type=RequestRecord)
