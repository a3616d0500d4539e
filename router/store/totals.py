"""Sums, read and added up over teams and time: whole days from their few rows by one dimension, the hours around them
from the rows by all.

Each team's share comes in one piece a script call, and many calls are under way at once: reading takes as long as there
are pieces.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Final

import msgspec

from router.core.filters import Filters
from router.core.policy import USAGE_KEPT_DAYS_MAX
from router.core.record import Sums
from router.core.rollup import Adding, Rollup, values_of
from router.core.sums import COUNTERS, DIMENSIONS, Figures, summed
from router.store import names
from router.store.connect import Client, Door
from router.store.ledger import Ledger
from router.store.scripts import Script, load_alone

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# No policy keeps sums for longer.
LOOK_BACK_DAYS: Final = USAGE_KEPT_DAYS_MAX
# Points of a rollup are hours up to this length, and days beyond.
HOURLY_MAX_MS: Final = 3 * DAY_MS
# A reader waits longer than a request would.
READ_S: Final = 30.0
# Calls under way at once, and spans that one call reads: the store serves requests between them.
_CALLS: Final = 32
_SPANS: Final = 64


class Note(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a hold remembers about its request, for when nothing else does."""

    key: str
    model: str
    kind: str
    language: str
    tags: tuple[str, ...]
    nano_usd: int
    request_id: str

    @property
    def dims(self) -> list[str]:
        return [self.key, self.model, self.kind, self.language, *self.tags]


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """Spans of one team and kind whose names stand together; `spans` count hours or days from the epoch."""

    team: str
    hourly: bool
    spans: tuple[int, ...]
    letters: str


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one call found: names by number, and for each of its spans figures by number."""

    call: _Call
    names: dict[int, str]
    figures: list[dict[int, list[int]]]


class Totals:
    """`clock` gives epoch seconds."""

    def __init__(self, client: Client, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._door = Door(client, deadline_s=READ_S)
        self._ledger = ledger
        self._clock = clock
        self._script = load_alone("read_sums")

    async def usage(
        self, teams: Sequence[str], *, since_ms: int, until_ms: int, groups: Sequence[str]
    ) -> tuple[Sums, dict[tuple[str, ...], Sums]]:
        """The total, and the sums by all of `groups` together: DIMENSIONS and day.

        Days tell a single dimension beside team and day, but of tags not what has none: what is asked for by several,
        or by tag beside others, is added up from all the hours.
        """
        total = Sums()
        found: dict[tuple[str, ...], Sums] = {}
        single = [group for group in groups if group not in ("team", "day")]
        days, hours = self._spans(since_ms, until_ms)
        if len(single) > 1 or (len(groups) > 1 and "tag" in groups):
            days, hours = [], sorted([*hours, *_hours(days)])
        letters = "t" + "".join(letter for letter, name in DIMENSIONS.items() if name in single)
        asked = [*_calls(teams, days, letters, hourly=False), *_calls(teams, hours, "[", hourly=True)]
        async for part in self._read(asked):
            places = {number: _place(groups, part.call.team, name) for number, name in part.names.items()}
            totals: list[Figures] = []
            for day, spans in _by_day(part) if "day" in groups else [("", part.figures)]:
                piles: defaultdict[tuple[str, ...], list[Figures]] = defaultdict(list)
                for span in spans:
                    for number, figures in span.items():
                        place = places[number]
                        if place.total:
                            totals.append(figures)
                        for key in place.keys:
                            piles[key].append(figures)
                for key, rows in piles.items():
                    if any(row := summed(rows)):  # else of refusals only
                        found.setdefault(_dated(groups, key, day), Sums()).add(row)
            if totals:
                total.add(summed(totals))
        for team, note, at_ms in await self._unconfirmed(teams, since_ms, until_ms):
            unsure = (note.nano_usd,)
            total.add(unsure, unconfirmed=note.nano_usd)
            for key in _combined(groups, {"team": (team,), **values_of(note.dims)}):
                sums = found.setdefault(_dated(groups, key, day_of(at_ms // DAY_MS)), Sums())
                sums.add(unsure, unconfirmed=note.nano_usd)
        return total, found

    async def rollup(self, teams: Sequence[str], since_ms: int, until_ms: int) -> Rollup:
        """All that was added up of these teams over the hours that [since, until) touches; points by hour up to three
        days, by day beyond."""
        step_ms = HOUR_MS if until_ms - since_ms <= HOURLY_MAX_MS else DAY_MS
        days, hours = self._spans(since_ms, until_ms)
        if step_ms == HOUR_MS:
            days, hours = [], [*hours, *_hours(days)]
        adding = Adding(since_ms // HOUR_MS * HOUR_MS, -(-until_ms // HOUR_MS) * HOUR_MS, step_ms)
        # Of a month's names most are of rows that stand in hours.
        letters = "".join(DIMENSIONS) + COUNTERS
        asked = [*_calls(teams, days, letters, hourly=False), *_calls(teams, hours, "", hourly=True)]
        async for found in self._read(asked):
            hourly = found.call.hourly
            begins = [span * (HOUR_MS if hourly else DAY_MS) for span in found.call.spans]
            adding.add(found.call.team, found.names, zip(begins, found.figures, strict=True), hourly=hourly)
        for team, note, _ in await self._unconfirmed(teams, since_ms, until_ms):
            adding.unconfirmed(team, note.dims, note.nano_usd)
        return adding.rollup()

    @property
    def today(self) -> int:
        """Days since the epoch."""
        return int(self._clock() * 1000) // DAY_MS

    async def days_with(self, days: Mapping[str, Sequence[int]], filters: Filters) -> dict[str, set[int]]:
        """Of some days of each team those that can have a record which is asked for. A day without any sums can, unless
        they cannot have ended yet: they were kept for a shorter time than the record, perhaps."""
        possible: dict[str, set[int]] = {team: set(some) for team, some in days.items()}
        letters = "t" + filters.letters
        asked = [call for team, some in days.items() for call in _calls([team], some, letters, hourly=False)]
        async for found in self._read(asked):
            for span, figures in zip(found.call.spans, found.figures, strict=True):
                known = figures or span >= self.today - 1
                if known and not filters.possible({found.names[number] for number in figures}):
                    possible[found.call.team].discard(span)
        return possible

    def _spans(self, since_ms: int, until_ms: int) -> tuple[list[int], list[int]]:
        """The whole days and the single hours that make up the span, as far as anything can be there."""
        now_ms = int(self._clock() * 1000)
        first = max(since_ms, now_ms - LOOK_BACK_DAYS * DAY_MS) // HOUR_MS
        last = -(-min(until_ms, now_ms + DAY_MS) // HOUR_MS)
        whole = range(-(-first // 24), last // 24)
        if not whole:
            return [], list(range(first, last))
        return list(whole), [*range(first, whole.start * 24), *range(whole.stop * 24, last)]

    async def _read(self, calls: list[_Call]) -> AsyncIterator[_Found]:
        """What the calls find, in their order. While some is added up, the store reads what follows."""
        batches = deque(calls[start : start + _CALLS] for start in range(0, len(calls), _CALLS))
        asking: deque[tuple[list[_Call], asyncio.Task[list[bytes]]]] = deque()
        try:
            while batches or asking:
                while batches and len(asking) < 2:
                    batch = batches.popleft()
                    asked = [(self._script, _keys(one), [one.letters]) for one in batch]
                    asking.append((batch, asyncio.create_task(self.together(asked))))
                batch, task = asking.popleft()
                for call, reply in zip(batch, await task, strict=True):
                    called, *figures = msgspec.msgpack.decode(reply)
                    yield _Found(call=call, names=called, figures=figures)
                    await asyncio.sleep(0)  # adding up many teams must not keep requests waiting
        finally:
            for _, task in asking:
                task.cancel()
            await asyncio.gather(*(task for _, task in asking), return_exceptions=True)

    async def together(self, calls: Sequence[tuple[Script, Sequence[str], Sequence[Any]]]) -> list[bytes]:
        """The replies of many calls, some under way at once: the store serves requests between them."""
        found: list[bytes] = []
        for start in range(0, len(calls), _CALLS):
            found += await asyncio.gather(*(self._door.call(*call) for call in calls[start : start + _CALLS]))
        return found

    async def _unconfirmed(self, teams: Sequence[str], since_ms: int, until_ms: int) -> list[tuple[str, Note, int]]:
        """What is held for requests whose usage never came, by the instant of their admission (ms)."""
        found = []
        for start in range(0, len(teams), _CALLS):
            some = teams[start : start + _CALLS]
            for team, holds in (await self._ledger.unconfirmed_of(some)).items():
                for held in holds.values():
                    # What a hold without a note was for is not known; its charge stands in the accounts all the same.
                    if held.note and since_ms <= held.admitted_ms < until_ms:
                        found.append((team, msgspec.json.decode(held.note, type=Note), held.admitted_ms))
        return found


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the figures of a name go: whether to the total, and to which keys of `groups`, their day not yet said."""

    total: bool
    keys: Sequence[tuple[str, ...]]


def _place(groups: Sequence[str], team: str, name: str) -> _Place:
    values: dict[str, Sequence[str]] = {"team": (team,)}
    if name[0] == "[":
        values |= values_of(msgspec.json.decode(name))
    elif name != "t":
        values[DIMENSIONS[name[0]]] = (name[1:],)
    elif any(group not in ("team", "day") for group in groups):
        return _Place(total=True, keys=())
    return _Place(total=name[0] in "[t", keys=_combined(groups, values))


def _combined(groups: Sequence[str], values: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Every combination of the values. Beside other groups, what has no tag stands under an empty one."""
    told = {**values, "day": ("",)}
    return list(product(*(told[group] or (("",) if len(groups) > 1 else ()) for group in groups)))


def _dated(groups: Sequence[str], key: tuple[str, ...], day: str) -> tuple[str, ...]:
    if "day" not in groups:
        return key
    place = groups.index("day")
    return (*key[:place], day, *key[place + 1 :])


def day_of(day: int) -> str:
    """`day` counts from the epoch."""
    return time.strftime("%Y-%m-%d", time.gmtime(day * DAY_MS // 1000))


def _hours(days: Iterable[int]) -> list[int]:
    return [hour for day in days for hour in range(24 * day, 24 * day + 24)]


def _by_day(found: _Found) -> list[tuple[str, list[dict[int, list[int]]]]]:
    days: defaultdict[int, list[dict[int, list[int]]]] = defaultdict(list)
    for span, figures in zip(found.call.spans, found.figures, strict=True):
        days[span // 24 if found.call.hourly else span].append(figures)
    return [(day_of(day), spans) for day, spans in days.items()]


def _calls(teams: Sequence[str], spans: Sequence[int], letters: str, *, hourly: bool) -> list[_Call]:
    together: dict[int, list[int]] = {}
    for span in spans:
        together.setdefault((span // 24 if hourly else span) // names.SUMMED_DAYS, []).append(span)
    return [
        _Call(team=team, hourly=hourly, spans=tuple(part[start : start + _SPANS]), letters=letters)
        for team in teams
        for part in together.values()
        for start in range(0, len(part), _SPANS)
    ]


def _keys(call: _Call) -> list[str]:
    day = call.spans[0] // 24 if call.hourly else call.spans[0]
    key = names.hour_sums if call.hourly else names.day_sums
    return [names.summed(call.team, day), *(key(call.team, span) for span in call.spans)]
