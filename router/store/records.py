"""Records: one per request, in a bounded stream per team, and sums by hour and day that outlive them.

A record and its sums are written in the same step as the end of the request's hold, so that usage and ledger cannot
drift apart. No prompt and no answer is in a record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from router.core.filters import ANY, Filters
from router.core.policy import Policy
from router.core.record import RequestRecord, Sums, began_ms, name_hold
from router.core.rollup import Rollup
from router.core.sums import DIMENSIONS, sums_of
from router.store import names
from router.store.connect import STORE_ERRORS, Client, away
from router.store.ledger import Ledger, Write
from router.store.newest import Newest
from router.store.rows import Place, Row, details_of, read_rows, row_of, whole
from router.store.scripts import load_alone
from router.store.totals import DAY_MS, HOUR_MS, Totals

DEFAULT: Final = Policy()
FEEDBACK_KEPT_S: Final = 90 * 24 * 3600
# A stream lasts ten minutes at the most, and its end is delivered for at most ten more: a record stands within this
# after its request began.
REQUEST_MAX_MS: Final = 1_300_000
# How far a router's clock, which names requests, may be ahead of the store's, which places records.
CLOCKS_APART_MS: Final = 60_000
PAGE: Final = 100
GROUPS: Final = (*DIMENSIONS.values(), "day")


def written(record: RequestRecord, *, counted: bool, policy: Policy = DEFAULT) -> Write:
    """The record as the store takes it, kept as the policy says. `counted` adds its usage to the sums; a refusal held
    nothing, and only counts as one."""
    return Write(
        record=row_of(record),
        details=details_of(record),
        hour=(record.at_ms + record.duration_ms) // HOUR_MS,
        sums=sums_of(record, counted=counted),
        kept=policy.records_kept,
        details_kept=policy.details_kept,
        sums_ms=policy.usage_kept_days * DAY_MS,
    )


class Records:
    """Reads what was written. `clock` gives epoch seconds."""

    def __init__(self, client: Client, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._client: Any = client
        self._totals = Totals(client, ledger, clock)
        self._read_rows = load_alone("read_rows")

    async def teams(self) -> list[str]:
        return sorted(raw.decode() for raw in await self._ask(self._client.smembers(names.TEAMS)))

    async def usage(
        self, *, since_ms: int, until_ms: int, group_by: str, team: str | None = None
    ) -> tuple[Sums, dict[str, Sums]]:
        """The total, and the sums by `group_by` (one of GROUPS), over the hours that [since, until) touches.

        A request with two tags stands in both of their groups, and once in the total.
        """
        total, groups = await self.usage_by((group_by,), since_ms=since_ms, until_ms=until_ms, team=team)
        return total, {name: sums for (name,), sums in groups.items()}

    async def usage_by(
        self, groups: Sequence[str], *, since_ms: int, until_ms: int, team: str | None = None
    ) -> tuple[Sums, dict[tuple[str, ...], Sums]]:
        """The total, and the sums by several of GROUPS together."""
        teams = [team] if team else await self.teams()
        return await self._totals.usage(teams, since_ms=since_ms, until_ms=until_ms, groups=groups)

    async def rollup(self, teams: Sequence[str], since_ms: int, until_ms: int) -> Rollup:
        """All that was added up of these teams over the hours that [since, until) touches; points by hour up to three
        days, by day beyond."""
        return await self._totals.rollup(teams, since_ms, until_ms)

    async def query(
        self,
        *,
        team: str | None = None,
        filters: Filters = ANY,
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
        newest = f"({cursor}" if cursor else (f"{until_ms - 1}" if until_ms is not None else "+")
        teams = [team] if team else await self.teams()
        rows = Newest(self._client, self._totals, filters)
        await self._ask(rows.open(teams, newest, max(0, since_ms)))
        found: list[tuple[Place, Row]] = []
        while (row := await rows.next()) is not None:
            found.append(row)
            if len(found) > limit and row[0] < found[limit][0]:
                break
        following = None
        if len(found) > limit:
            cut, first = found[limit][0], found[0][0]
            found = [pair for pair in found if (pair[0] == cut if cut == first else pair[0] > cut)]
            following = "{}-{}".format(*found[-1][0])
        return await self._completed(found), following

    async def find(self, name: str, team: str | None = None) -> RequestRecord | None:
        """The record of a request id, while the stream still holds it."""
        began = began_ms(name)
        if began is None:
            return None
        last = f"{began + REQUEST_MAX_MS}"
        following = dict.fromkeys([team] if team else await self.teams(), f"{max(0, began - CLOCKS_APART_MS)}")
        while following:
            asked = [
                (self._read_rows, [names.records(one)], ["XRANGE", place, last, PAGE])
                for one, place in following.items()
            ]
            for one, packed in zip(list(following), await self._totals.together(asked), strict=True):
                rows = read_rows(packed)
                if found := [(at, row) for at, row in rows if row is not None and row.request_id == name]:
                    return (await self._completed(found))[0]
                if len(rows) < PAGE:
                    del following[one]
                else:
                    following[one] = "({}-{}".format(*rows[-1][0])
        return None

    async def note_feedback(self, team: str, name: str, verdict: dict[str, Any]) -> None:
        """Attach the app's verdict to a request."""
        began = began_ms(name)
        assert began is not None, "the caller has looked the request up"
        where = names.feedback(team, began // DAY_MS)
        await self._ask(self._client.hset(where, name, msgspec.json.encode(verdict)))
        await self._ask(self._client.expire(where, FEEDBACK_KEPT_S))

    async def _completed(self, found: list[tuple[Place, Row]]) -> list[RequestRecord]:
        """The records whole: with the details of their choice, and with what came after them, which is what operators
        settled by hand, and the apps' verdicts."""
        if not found:
            return []
        pipe = self._client.pipeline(transaction=False)
        for (ms, number), row in found:
            day = (began_ms(row.request_id) or 0) // DAY_MS
            holds = [name_hold(row.request_id, row.first_hold + attempt - 1) for attempt, _ in row.unsure]
            pipe.xrange(names.details(row.team), f"{ms}-{number}", f"{ms}-{number}")
            pipe.hmget(names.corrections(row.team, day), holds or ["-"])
            pipe.hget(names.feedback(row.team, day), row.request_id)
        replies = await self._ask(pipe.execute())
        records = []
        for (_, row), entries, charged, verdict in zip(found, *(replies[part::3] for part in range(3)), strict=True):
            nanos = [None if nano is None else int(nano) for nano in charged][: len(row.unsure)]
            record = whole(row, entries[0][1][b"d"] if entries else None, nanos)
            records.append(replace(record, feedback=msgspec.json.decode(verdict)) if verdict else record)
        return records

    async def _ask(self, command: Any) -> Any:
        try:
            return await command
        except STORE_ERRORS as error:
            failure = away("could not be read")
            raise failure from error
