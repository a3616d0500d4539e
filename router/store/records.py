"""Records: one per request, in a bounded stream per team, and sums per team and hour that outlive them.

A record and its sums are written in the same step as the end of the request's hold, so that usage and ledger cannot
drift apart. No prompt and no answer is in a record.
"""

from __future__ import annotations

import json
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

import msgspec

from router.core.record import RequestRecord, Sums, began_ms, corrected, name_hold
from router.store import names
from router.store.connect import STORE_ERRORS, Client, away
from router.store.ledger import Ledger, Write

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
RECORDS_KEPT: Final = 10_000  # per team, newest first to stay; about 1.5 KB each
SUMS_KEPT_MS: Final = 400 * DAY_MS  # a year and a month, for comparisons with last year's
FEEDBACK_KEPT_S: Final = 90 * 24 * 3600
# A stream lasts ten minutes at the most, and its end is delivered for at most ten more: a record stands within this
# after its request began.
REQUEST_MAX_MS: Final = 1_300_000
# How far a router's clock, which names requests, may be ahead of the store's, which places records.
CLOCKS_APART_MS: Final = 60_000
PAGE: Final = 100


class Note(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a hold remembers about its request, for when nothing else does."""

    key: str
    model: str
    kind: str
    language: str
    tags: tuple[str, ...]
    nano_usd: int
    request_id: str


# One letter per sum, to keep the store's fields short.
_METRICS: Final = {
    "n": "nano_usd",
    "s": "saved_nano_usd",
    "r": "requests",
    "i": "input_tokens",
    "c": "cached_tokens",
    "o": "output_tokens",
}
GROUPS: Final = ("team", "key", "model", "tag", "kind", "language", "day")


def written(record: RequestRecord, *, counted: bool) -> Write:
    """The record as the store takes it. `counted` adds it to the hour's sums; a refusal held nothing and adds nothing.

    What is unconfirmed is not summed: it stands in the ledger until it is settled, and is added when usage is read.
    """
    ended_ms = record.at_ms + record.duration_ms
    sums: Counter[str] = Counter()
    if counted:
        dims = _dims(record.key, record.model or "", record.kind, record.language, record.tags)
        sums[f"{dims}r"] = 1
        sums[f"{dims}s"] = record.saved_nano_usd
        for attempt in record.router.attempts if record.router else ():
            # Each model's share stands under its own name, also when another one gave the answer.
            dims = _dims(record.key, attempt.model, record.kind, record.language, record.tags)
            sums[f"{dims}n"] += 0 if attempt.unconfirmed else attempt.nano_usd
            if attempt.usage is not None:
                sums[f"{dims}i"] += attempt.usage.input_tokens
                sums[f"{dims}c"] += attempt.usage.cached_tokens
                sums[f"{dims}o"] += attempt.usage.output_tokens
    return Write(
        record=zlib.compress(msgspec.json.encode(record), 1),
        hour=ended_ms // HOUR_MS,
        sums=dict(sums),
        kept=RECORDS_KEPT,
        sums_ms=SUMS_KEPT_MS,
    )


def spent_sums(note: Note, nano: int) -> dict[str, int]:
    """What an hour's sums gain when a hold of that note is charged `nano` after all."""
    return {f"{_dims(note.key, note.model, note.kind, note.language, note.tags)}n": nano}


def _dims(key: str, model: str, kind: str, language: str, tags: Iterable[str]) -> str:
    return json.dumps([key, model, kind, language, *tags], separators=(",", ":"))


class Records:
    """Reads what was written. `clock` gives epoch seconds."""

    def __init__(self, client: Client, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._client: Any = client
        self._ledger = ledger
        self._clock = clock

    async def teams(self) -> list[str]:
        return sorted(raw.decode() for raw in await self._ask(self._client.smembers(names.TEAMS)))

    async def usage(
        self, *, since_ms: int, until_ms: int, group_by: str, team: str | None = None
    ) -> tuple[Sums, dict[str, Sums]]:
        """The total, and the sums by `group_by` (one of GROUPS), over the hours that [since, until) touches.

        A request with two tags stands in both of their groups, and once in the total.
        """
        total = Sums()
        groups: dict[str, Sums] = {}
        for name in [team] if team else await self.teams():
            async for hour, dims, metric, value in self._sums(name, since_ms // HOUR_MS, -(-until_ms // HOUR_MS)):
                field = _METRICS[metric]
                setattr(total, field, getattr(total, field) + value)
                for group in _values(group_by, name, dims, hour * HOUR_MS):
                    sums = groups.setdefault(group, Sums())
                    setattr(sums, field, getattr(sums, field) + value)
            for held in (await self._ledger.unconfirmed(name)).values():
                if not since_ms <= held.admitted_ms < until_ms:
                    continue
                if not held.note:
                    continue  # what it was for is not known; its charge stands in the accounts all the same
                note = msgspec.json.decode(held.note, type=Note)
                dims = [note.key, note.model, note.kind, note.language, *note.tags]
                unsure = [groups.setdefault(group, Sums()) for group in _values(group_by, name, dims, held.admitted_ms)]
                for sums in (total, *unsure):
                    sums.nano_usd += note.nano_usd
                    sums.unconfirmed_nano_usd += note.nano_usd
        return total, groups

    async def _sums(self, team: str, first: int, last: int) -> AsyncIterator[tuple[int, list[str], str, int]]:
        found = await self._ask(self._client.smembers(names.hours(team)))
        hours = sorted(hour for hour in map(int, found) if first <= hour < last)
        for start in range(0, len(hours), 1_000):
            some = hours[start : start + 1_000]
            pipe = self._client.pipeline(transaction=False)
            for hour in some:
                pipe.hgetall(names.sums(team, hour))
            for hour, fields in zip(some, await self._ask(pipe.execute()), strict=True):
                for field, value in fields.items():
                    text = field.decode()
                    yield hour, json.loads(text[:-1]), text[-1], int(value)

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
            holds = [name_hold(record.request_id, record.first_hold + index) for index in range(len(attempts))]
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


def _values(group_by: str, team: str, dims: list[str], at_ms: int) -> list[str]:
    key, model, kind, language, *tags = dims
    match group_by:
        case "team":
            return [team]
        case "key":
            return [key]
        case "model":
            return [model]
        case "kind":
            return [kind]
        case "language":
            return [language]
        case "tag":
            return tags
        case _:
            return [time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000))]
