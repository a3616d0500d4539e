"""Sums read back: what a dashboard is drawn from, without looking at a single record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, TypeVar

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
)

# What a point tells apart, for spend over time.
POINTED: Final = ("team", "key", "model")


K = TypeVar("K", str, int)


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
        self.total = [0] * len(FIGURES)
        self.nano: dict[str, dict[str, int]] = {name: {} for name in POINTED}
        self.statuses: dict[str, int] = {}
        self.latency = [0] * (len(LATENCY_EDGES) + 1)


class Adding:
    """Adds up what the store holds, and tells it as a Rollup. Points are `step_ms` wide."""

    def __init__(self, since_ms: int, until_ms: int, step_ms: int) -> None:
        self._since_ms, self._until_ms, self._step_ms = since_ms, until_ms, step_ms
        self._steps: dict[int, _Step] = {}
        self._total = [0] * len(FIGURES)
        self._by: dict[str, dict[str, list[int]]] = {name: {} for name in DIMENSIONS.values()}
        self._counts: dict[str, list[int]] = {}
        self._unsure: list[tuple[str, list[str], int]] = []

    def add(
        self, team: str, names: Mapping[int, str], spans: Iterable[tuple[int, Mapping[int, Figures]]], *, hourly: bool
    ) -> None:
        """The sums of hours, or of days, by when they begin (ms) and by their names' numbers. Of hours the rows by all
        dimensions count, of days those by one."""
        places: dict[int, _Place | None] = {}
        together: dict[int, list[int]] = {}
        for at_ms, found in spans:
            start = max(self._since_ms, at_ms - at_ms % self._step_ms)
            step = self._steps.get(start)
            if step is None:
                step = self._steps[start] = _Step()
            for number, figures in found.items():
                if number not in places:
                    places[number] = _place(names[number], hourly)
                place = places[number]
                if place is None:
                    continue
                _into(together, number, figures)
                if place.total:
                    _onto(step.total, figures)
                    nano = step.nano["team"]
                    nano[team] = nano.get(team, 0) + figures[0]
                for group, value in place.pointed:
                    nano = step.nano[group]
                    nano[value] = nano.get(value, 0) + figures[0]
                if place.first == STATUS:
                    name = names[number]
                    step.statuses[name] = step.statuses.get(name, 0) + figures[0]
                elif place.first == LATENCY:
                    _onto(step.latency, figures)
        for number, figures in together.items():
            self._add_whole(team, names[number], figures)

    def _add_whole(self, team: str, name: str, figures: Figures) -> None:
        """Of the whole span, beside its points."""
        if name[0] != "[" and name[0] not in DIMENSIONS:
            _into(self._counts, name, figures)
        elif any(figures):  # else of refusals only
            if name[0] in "[t":
                _onto(self._total, figures)
                _into(self._by["team"], team, figures)
            if name[0] == "[":
                for group, values in values_of(msgspec.json.decode(name)).items():
                    for value in values:
                        _into(self._by[group], value, figures)
            elif name != "t":
                _into(self._by[DIMENSIONS[name[0]]], name[1:], figures)

    def unconfirmed(self, team: str, dims: Sequence[str], nano: int) -> None:
        """`dims` are key, model, kind, language and the tags of a hold whose usage never came."""
        self._unsure.append((team, list(dims), nano))

    def rollup(self) -> Rollup:
        by = {group: {name: _sums(row) for name, row in rows.items()} for group, rows in self._by.items()}
        total = _sums(self._total)
        for team, dims, nano in self._unsure:
            total.add((nano,), unconfirmed=nano)
            for group, values in {"team": (team,), **values_of(dims)}.items():
                for value in values:
                    by[group].setdefault(value, Sums()).add((nano,), unconfirmed=nano)
        counters = {name: figures[0] for name, figures in self._counts.items()}
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
            latency=_histograms(self._counts, LATENCY, LATENCY_EDGES),
            first_chunk=_histograms(self._counts, FIRST_CHUNK, FIRST_CHUNK_EDGES),
            added=_histograms(self._counts, ADDED, ADDED_EDGES).get("", _empty(ADDED_EDGES)),
        )


def values_of(dims: Sequence[str]) -> dict[str, Sequence[str]]:
    """The values of a row by all dimensions: key, model, kind, language and its tags."""
    key, model, kind, language, *tags = dims
    return {"key": (key,), "model": (model,), "kind": (kind,), "language": (language,), "tag": tags}


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where in a point the figures of a name go. `total` marks the rows that add up to all."""

    first: str
    total: bool = False
    pointed: tuple[tuple[str, str], ...] = ()


def _place(name: str, hourly: bool) -> _Place | None:
    first = name[0]
    if first == "[":
        key, model, *_ = msgspec.json.decode(name)
        return _Place(first=first, total=True, pointed=(("key", key), ("model", model))) if hourly else None
    if first not in DIMENSIONS:
        return _Place(first=first)
    if hourly:
        return None
    group = DIMENSIONS[first]
    pointed = ((group, name[1:]),) if group in POINTED and first != "t" else ()
    return _Place(first=first, total=first == "t", pointed=pointed)


def _into(found: dict[K, list[int]], name: K, figures: Figures) -> None:
    stood = found.get(name)
    if stood is None:
        found[name] = list(figures)
    else:
        _onto(stood, figures)


def _onto(stood: list[int], figures: Figures) -> None:
    """A histogram may have fewer buckets than another: those after its last are empty."""
    if len(stood) < len(figures):
        stood.extend([0] * (len(figures) - len(stood)))
    for index, figure in enumerate(figures):
        stood[index] += figure


def _sums(row: Figures) -> Sums:
    return Sums(**dict(zip(FIGURES, row, strict=True)))


def _point(at_ms: int, step: _Step) -> Point:
    return Point(
        at_ms=at_ms,
        total=_sums(step.total),
        nano_usd=step.nano,
        statuses=_statuses(step.statuses),
        latency=Histogram(edges=LATENCY_EDGES, counts=tuple(step.latency)),
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
