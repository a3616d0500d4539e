"""Sums read back: what a dashboard is drawn from, without looking at a single record."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from router.core.record import FIGURES, Sums
from router.core.sums import (
    ADDED,
    ADDED_EDGES,
    ATTEMPT,
    DIMENSIONS,
    ESCALATION,
    FIRST_CHUNK,
    FIRST_CHUNK_EDGES,
    LATENCY,
    LATENCY_EDGES,
    REASON,
    STATUS,
    Figures,
    summed,
)

# What a point tells apart, for spend over time.
POINTED: Final = ("team", "key", "model")
# Rows that are kept before their piles are added up.
_LAID_MAX: Final = 2_000


_Piles = defaultdict[str, list[Figures]]


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """`edges` are upper edges in seconds; `counts` has one bucket more, for what lies above the last."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.counts)

    def quantile(self, q: float) -> float | None:
        """Seconds below which the share `q` (0 to 1) lies, as Prometheus' histogram_quantile tells it: on a straight
        line within its bucket, and at most the last edge. None when nothing was counted."""
        wanted = q * self.total
        if not self.total:
            return None
        for index, reached in enumerate(accumulate(self.counts)):
            if reached >= wanted and self.counts[index]:
                if index == len(self.edges):
                    return self.edges[-1]
                lower = self.edges[index - 1] if index else 0.0
                inside = (wanted - (reached - self.counts[index])) / self.counts[index]
                return lower + (self.edges[index] - lower) * max(0.0, inside)
        return self.edges[-1]

    def __add__(self, other: Histogram) -> Histogram:
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Histogram(edges=self.edges, counts=counts)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """An hour or a day from `at_ms` on. `nano_usd` is what was spent, by team, key and model; what is unconfirmed is in
    no point. `statuses` counts requests by HTTP status."""

    at_ms: int
    total: Sums
    nano_usd: dict[str, dict[str, int]]
    statuses: dict[int, int]
    latency: Histogram


class Rollup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was added up over [since_ms, until_ms), which are whole hours.

    `by` has team, key, model, kind, language and tag. `total` and `by` hold what is unconfirmed, as usage does, and
    only admitted requests; `statuses` counts every request that ended, `refusals` those with an error code, by it.
    `attempts` are (model, outcome), `escalations` (from, to). Latencies are those of answers, by the model that gave
    them, and to the first chunk of a stream; `added` is the router's own time on every request.
    """

    since_ms: int
    until_ms: int
    step_ms: int
    total: Sums
    by: dict[str, dict[str, Sums]]
    points: list[Point]
    statuses: dict[int, int]
    refusals: dict[str, int]
    reasons: dict[str, int]
    attempts: dict[tuple[str, str], int]
    escalations: dict[tuple[str, str], int]
    latency: dict[str, Histogram]
    first_chunk: dict[str, Histogram]
    added: Histogram

    @property
    def latency_all(self) -> Histogram:
        return sum(self.latency.values(), _empty(LATENCY_EDGES))

    @property
    def first_chunk_all(self) -> Histogram:
        return sum(self.first_chunk.values(), _empty(FIRST_CHUNK_EDGES))


class _Step:
    """What is added up for one point."""

    def __init__(self) -> None:
        self.totals: list[Figures] = [(0,) * len(FIGURES)]
        self.nano: dict[str, dict[str, int]] = {name: {} for name in POINTED}
        self.statuses: dict[str, int] = {}
        self.latencies: list[Figures] = [(0,) * (len(LATENCY_EDGES) + 1)]


class Adding:
    """Adds up what the store holds, and tells it as a Rollup. Points are `step_ms` wide.

    Rows are laid on piles, by what they add to, and a whole pile is added up at once.
    """

    def __init__(self, since_ms: int, until_ms: int, step_ms: int) -> None:
        self._since_ms, self._until_ms, self._step_ms = since_ms, until_ms, step_ms
        self._steps: dict[int, _Step] = {}
        self._by: dict[str, _Piles] = {group: defaultdict(list) for group in DIMENSIONS.values()}
        self._counts: _Piles = defaultdict(list)
        self._laid = 0
        self._unsure: list[tuple[str, list[str], int]] = []

    def add(
        self, team: str, names: Mapping[int, str], spans: Iterable[tuple[int, Mapping[int, Figures]]], *, hourly: bool
    ) -> None:
        """The sums of hours, or of days, by when they begin (ms) and by their names' numbers. Of hours the rows by all
        dimensions count, of days those by one."""
        places = {number: self._place(team, name, hourly) for number, name in names.items()}
        for at_ms, found in spans:
            start = max(self._since_ms, at_ms - at_ms % self._step_ms)
            step = self._steps.get(start)
            if step is None:
                step = self._steps[start] = _Step()
            self._laid += len(found)
            for number, figures in found.items():
                place = places[number]
                for pile in place.piles:
                    pile.append(figures)
                if not place.pointed:
                    continue
                for group, value in place.nano:
                    nano = step.nano[group]
                    nano[value] = nano.get(value, 0) + figures[0]
                if place.first in "[t":
                    step.totals.append(figures)
                elif place.first == LATENCY:
                    step.latencies.append(figures)
                elif place.first == STATUS:
                    name = names[number]
                    step.statuses[name] = step.statuses.get(name, 0) + figures[0]
        if self._laid > _LAID_MAX:
            self._fold()

    def _place(self, team: str, name: str, hourly: bool) -> _Place:
        first, by = name[0], self._by
        if first == "[" and hourly:
            key, model, kind, language, *tags = msgspec.json.decode(name)
            piles = [by["team"][team], by["key"][key], by["model"][model], by["kind"][kind], by["language"][language]]
            piles += [by["tag"][tag] for tag in tags]
            return _Place(first=first, piles=piles, pointed=True, nano=(("team", team), ("key", key), ("model", model)))
        if first in DIMENSIONS and not hourly:
            group, value = DIMENSIONS[first], team if first == "t" else name[1:]
            pointed = group in POINTED
            return _Place(first=first, piles=(by[group][value],), pointed=pointed, nano=((group, value),) * pointed)
        if first in DIMENSIONS or first == "[":
            return _NOWHERE
        return _Place(first=first, piles=(self._counts[name],), pointed=first in (STATUS, LATENCY))

    def _fold(self) -> None:
        """Add up every pile, so that what is kept does not grow with what is read."""
        piles = [pile for some in (self._counts, *self._by.values()) for pile in some.values()]
        piles += [pile for step in self._steps.values() for pile in (step.totals, step.latencies)]
        for pile in piles:
            if len(pile) > 1:
                pile[:] = [summed(pile)]
        self._laid = 0

    def unconfirmed(self, team: str, dims: Sequence[str], nano: int) -> None:
        """`dims` are key, model, kind, language and the tags of a hold whose usage never came."""
        self._unsure.append((team, list(dims), nano))

    def rollup(self) -> Rollup:
        self._fold()
        counts = {name: pile[0] for name, pile in self._counts.items() if pile}
        by = {  # without what is of refusals only
            group: {name: _sums(pile[0]) for name, pile in some.items() if pile and any(pile[0])}
            for group, some in self._by.items()
        }
        total = _sums(summed([row for step in self._steps.values() for row in step.totals]) or (0,) * len(FIGURES))
        for team, dims, nano in self._unsure:
            total.add((nano,), unconfirmed=nano)
            for group, values in {"team": (team,), **values_of(dims)}.items():
                for value in values:
                    by[group].setdefault(value, Sums()).add((nano,), unconfirmed=nano)
        counters = {name: figures[0] for name, figures in counts.items()}
        return Rollup(
            since_ms=self._since_ms,
            until_ms=self._until_ms,
            step_ms=self._step_ms,
            total=total,
            by=by,
            points=[_point(at_ms, step) for at_ms, step in sorted(self._steps.items())],
            statuses=_statuses(counters),
            refusals=_refusals(counters),
            reasons=dict(_of(counters, REASON)),
            attempts=_pairs(counters, ATTEMPT),
            escalations=_pairs(counters, ESCALATION),
            latency=_histograms(counts, LATENCY, LATENCY_EDGES),
            first_chunk=_histograms(counts, FIRST_CHUNK, FIRST_CHUNK_EDGES),
            added=_histograms(counts, ADDED, ADDED_EDGES).get("", _empty(ADDED_EDGES)),
        )


def values_of(dims: Sequence[str]) -> dict[str, Sequence[str]]:
    """The values of a row by all dimensions: key, model, kind, language and its tags."""
    key, model, kind, language, *tags = dims
    return {"key": (key,), "model": (model,), "kind": (kind,), "language": (language,), "tag": tags}


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the figures of a name go: onto piles; and whether something of them stands in a point, as what was spent by
    group and value, for one."""

    first: str
    piles: Sequence[list[Figures]] = ()
    pointed: bool = False
    nano: Sequence[tuple[str, str]] = ()


# What stands in the hour and in the day is taken from one of them.
_NOWHERE: Final = _Place(first=" ")


def _sums(row: Figures) -> Sums:
    return Sums(**dict(zip(FIGURES, row, strict=True)))


def _point(at_ms: int, step: _Step) -> Point:
    return Point(
        at_ms=at_ms,
        total=_sums(summed(step.totals)),
        nano_usd=step.nano,
        statuses=_statuses(step.statuses),
        latency=Histogram(edges=LATENCY_EDGES, counts=tuple(summed(step.latencies))),
    )


def _of(counters: Mapping[str, int], letter: str) -> list[tuple[str, int]]:
    return [(name[1:], number) for name, number in sorted(counters.items()) if name[0] == letter]


def _statuses(counters: Mapping[str, int]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for name, number in _of(counters, STATUS):
        found[int(name.partition(" ")[0])] += number
    return dict(found)


def _refusals(counters: Mapping[str, int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, number in _of(counters, STATUS):
        if code := name.partition(" ")[2]:
            found[code] += number
    return dict(found)


def _pairs(counters: Mapping[str, int], letter: str) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for name, number in _of(counters, letter):
        first, _, second = name.partition(" ")
        found[first, second] = number
    return found


def _histograms(counts: Mapping[str, Figures], letter: str, edges: tuple[float, ...]) -> dict[str, Histogram]:
    """By model, or under "" where none is named."""
    found = {name[1:]: figures for name, figures in sorted(counts.items()) if name[0] == letter}
    return {
        model: Histogram(edges=edges, counts=(*figures, *(0,) * (len(edges) + 1 - len(figures))))
        for model, figures in found.items()
    }


def _empty(edges: tuple[float, ...]) -> Histogram:
    return Histogram(edges=edges, counts=(0,) * (len(edges) + 1))
