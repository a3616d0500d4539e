"""Records of many teams, newest first, read no further than they are taken.

Each team's rows are read piece by piece, and only where the next one can come from. What is asked for by key, model,
tag and the like is looked for on the days whose sums say that there is some.
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
_NEVER: Final = (-1, 0)


class _Team:
    """One team's rows: `ready` are matches that were read; all newer than `reached` are read or do not match."""

    def __init__(self, team: str, spans: Sequence[tuple[str, str]]) -> None:
        self.key = names.records(team)
        self.spans = deque(spans)
        self.ready: deque[tuple[Place, Row]] = deque()
        self.reached: Place = (1 << 62, 0) if spans else _NEVER
        self.count = _FIRST

    @property
    def next(self) -> Place:
        """Where its next match is, or the newest place where it can be."""
        return self.ready[0][0] if self.ready else self.reached

    def take(self, packed: bytes, filters: Filters) -> None:
        rows = read_rows(packed)
        self.ready.extend((place, row) for place, row in rows if filters.match(row))
        if len(rows) < self.count:
            self.spans.popleft()
        else:
            self.reached = rows[-1][0]
            self.spans[0] = (f"({self.reached[0]}-{self.reached[1]}", self.spans[0][1])
        if not self.spans:
            self.reached = _NEVER
        self.count = min(_MOST, 4 * self.count)


class Newest:
    """The matches of some teams, one by one. `newest` and `oldest` are places as XREVRANGE takes them."""

    def __init__(self, client: Client, totals: Totals, filters: Filters) -> None:
        self._client: Any = client
        self._totals = totals
        self._filters = filters
        self._script = load_alone("read_rows")
        self._teams: list[_Team] = []

    async def open(self, teams: Sequence[str], newest: str, oldest_ms: int) -> Newest:
        spans = {team: [(newest, f"{oldest_ms}")] for team in teams}
        if self._filters.letters:
            spans = await self._possible(teams, newest, oldest_ms)
        self._teams = [_Team(team, spans[team]) for team in teams]
        return self

    async def next(self) -> tuple[Place, Row] | None:
        """The newest that was not taken yet."""
        while True:
            first = max(self._teams, key=lambda team: team.next, default=None)
            if first is None or first.next == _NEVER:
                return None
            if first.ready:
                return first.ready.popleft()
            known = max((team.ready[0][0] for team in self._teams if team.ready), default=_NEVER)
            await self._read([team for team in self._teams if team.spans and not team.ready and team.reached >= known])

    async def _read(self, teams: list[_Team]) -> None:
        asked = [(self._script, [team.key], ["XREVRANGE", *team.spans[0], team.count]) for team in teams]
        for team, packed in zip(teams, await self._totals.together(asked), strict=True):
            team.take(packed, self._filters)

    async def _possible(self, teams: Sequence[str], newest: str, oldest_ms: int) -> dict[str, list[tuple[str, str]]]:
        """The spans of each team, newest first, in which there can be a match."""
        oldest = await self._oldest(teams, oldest_ms)
        last = self._totals.today if newest == "+" else place_of(newest.strip("("))[0] // DAY_MS
        # Of days before, nothing is summed any more, and every record is looked at.
        begin = self._totals.today - LOOK_BACK_DAYS
        days = {team: range(max(begin, first // DAY_MS - 1), last + 2) for team, first in oldest.items()}
        found: dict[str, list[tuple[str, str]]] = {team: [] for team in teams}
        for team, possible in (await self._totals.days_with(days, self._filters)).items():
            # A row stands where its request's end was delivered, which may be the day after, or before by a clock.
            wide = {day + more for day in possible for more in (-1, 0, 1)} & set(days[team])
            spans = found[team]
            for day in sorted(wide, reverse=True):
                lower = f"{max(oldest_ms, day * DAY_MS)}"
                if day + 1 in wide:
                    spans[-1] = (spans[-1][0], lower)
                else:
                    spans.append((newest if day >= last else f"{(day + 1) * DAY_MS - 1}", lower))
            if oldest[team] < begin * DAY_MS:
                spans.append((newest if last < begin else f"{begin * DAY_MS - 1}", f"{oldest_ms}"))
        return found

    async def _oldest(self, teams: Sequence[str], oldest_ms: int) -> dict[str, int]:
        """Where each team's rows begin (ms), from `oldest_ms` on."""
        pipe = self._client.pipeline(transaction=False)
        for team in teams:
            pipe.xrange(names.records(team), oldest_ms, "+", count=1)
        found = await pipe.execute()
        return {
            team: place_of(entries[0][0].decode())[0] for team, entries in zip(teams, found, strict=True) if entries
        }
