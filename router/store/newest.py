"""Records of many teams, newest first, read no further than they are taken.

Each team's rows are read piece by piece, and only where the next one can come from. What is asked for by key, model,
tag and the like is looked for on the days whose sums say that there is some: first on the last few, which fill most
pages, and only then on all before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from router.core.filters import Filters
from router.store import names
from router.store.connect import Client
from router.store.rows import Place, Row, place_of, read_rows
from router.store.scripts import load_alone
from router.store.totals import DAY_MS, LOOK_BACK_DAYS, Totals

# Rows of a team that are read at once: few at first, for a page takes a few of each, and more where few match.
_FIRST, _MOST = 8, 1_000
# The last days, whose sums are looked through first.
_LAST_DAYS: Final = 8
_NEVER: Final = (-1, 0)


class _Team:
    """One team's rows: `ready` are matches that were read; all newer than `reached` are read or do not match. There is
    none before `oldest_ms`."""

    def __init__(self, team: str, oldest_ms: int) -> None:
        self.name = team
        self.key = names.records(team)
        self.oldest_ms = oldest_ms
        self.spans: deque[tuple[str, str]] = deque()
        self.ready: deque[tuple[Place, Row]] = deque()
        self.reached: Place = (1 << 62, 0)
        self.count = _FIRST

    @property
    def next(self) -> Place:
        """Where its next match is, or the newest place where it can be."""
        return self.ready[0][0] if self.ready else self.reached

    def look_at(self, day: int, newest: str) -> None:
        """Also at this day, which is before all others."""
        oldest = f"{max(self.oldest_ms, day * DAY_MS)}"
        if self.spans and self.spans[-1][1] == f"{(day + 1) * DAY_MS}":
            self.spans[-1] = (self.spans[-1][0], oldest)
        else:
            self.spans.append((newest, oldest))

    def take(self, packed: bytes, filters: Filters) -> None:
        rows = read_rows(packed)
        self.ready.extend((place, row) for place, row in rows if row is not None and filters.match(row))
        if len(rows) < self.count:
            self.spans.popleft()
        else:
            self.reached = rows[-1][0]
            self.spans[0] = (f"({self.reached[0]}-{self.reached[1]}", self.spans[0][1])
        self.count = min(_MOST, 4 * self.count)


class Newest:
    """The matches of some teams, one by one. `newest` is a place as XREVRANGE takes it."""

    def __init__(self, client: Client, totals: Totals, filters: Filters) -> None:
        self._client: Any = client
        self._totals = totals
        self._filters = filters
        self._script = load_alone("read_rows")
        self._teams: list[_Team] = []
        self._newest = "+"
        self._last = 0
        # Before this day nothing was looked for yet.
        self._looked = 0

    async def open(self, teams: Sequence[str], newest: str, oldest_ms: int) -> Newest:
        self._newest = newest
        if self._filters.letters:
            self._teams = [_Team(team, first) for team, first in (await self._oldest(teams, oldest_ms)).items()]
            self._last = self._totals.today if newest == "+" else _ms_of(newest) // DAY_MS
            self._looked = self._last + 2
        else:
            self._teams = [_Team(team, oldest_ms) for team in teams]
            for team in self._teams:
                team.spans.append((newest, f"{oldest_ms}"))
        return self

    async def next(self) -> tuple[Place, Row] | None:
        """The newest that was not taken yet."""
        while True:
            first = max(self._teams, key=lambda team: team.next, default=None)
            if first is None or first.next == _NEVER:
                return None
            if first.ready:
                return first.ready.popleft()
            if not first.spans:
                await self._look_further()
                continue
            known = max((team.ready[0][0] for team in self._teams if team.ready), default=_NEVER)
            await self._read([team for team in self._teams if team.spans and not team.ready and team.reached >= known])

    async def _read(self, teams: list[_Team]) -> None:
        asked = [(self._script, [team.key], ["XREVRANGE", *team.spans[0], team.count]) for team in teams]
        for team, packed in zip(teams, await self._totals.together(asked), strict=True):
            team.take(packed, self._filters)
            if not team.spans:
                team.reached = self._horizon(team)

    def _horizon(self, team: _Team) -> Place:
        """The newest place where a match can be that no span of the team has."""
        return (self._looked * DAY_MS, 0) if team.oldest_ms < self._looked * DAY_MS else _NEVER

    async def _look_further(self) -> None:
        """Find the spans of some days more in which there can be a match."""
        begin = self._totals.today - LOOK_BACK_DAYS
        if self._looked > begin:
            end = self._looked
            self._looked = max(begin, end - _LAST_DAYS) if end == self._last + 2 else begin
            await self._look(range(self._looked, end), begin)
        else:  # of days before, nothing is summed any more, and every record is looked at
            self._looked = 0
            upper = self._newest if self._last < begin else f"{begin * DAY_MS - 1}"
            for team in self._teams:
                if team.oldest_ms < begin * DAY_MS:
                    team.spans.append((upper, f"{team.oldest_ms}"))
        for team in self._teams:
            if not team.spans:
                team.reached = self._horizon(team)

    async def _look(self, days: range, begin: int) -> None:
        """Of rows on these days."""
        rows = {team.name: range(max(days.start, team.oldest_ms // DAY_MS), days.stop) for team in self._teams}
        # A row stands where its request's end was delivered, which may be the day after, or before by a clock.
        near = {name: range(max(begin, some.start - 1), some.stop + 1) for name, some in rows.items() if some}
        possible = await self._totals.days_with(near, self._filters)
        for team in self._teams:
            wide = {day + more for day in possible.get(team.name, ()) for more in (-1, 0, 1)}
            for day in sorted(wide.intersection(rows[team.name]), reverse=True):
                team.look_at(day, self._newest if day >= self._last else f"{(day + 1) * DAY_MS - 1}")

    async def _oldest(self, teams: Sequence[str], oldest_ms: int) -> dict[str, int]:
        """Where each team's rows begin (ms), from `oldest_ms` on."""
        pipe = self._client.pipeline(transaction=False)
        for team in teams:
            pipe.xrange(names.records(team), oldest_ms, "+", count=1)
        found = await pipe.execute()
        return {
            team: place_of(entries[0][0].decode())[0] for team, entries in zip(teams, found, strict=True) if entries
        }


def _ms_of(place: str) -> int:
    """Of a bound, which may be open and may name no number."""
    return int(place.removeprefix("(").partition("-")[0])
