"""Sums read back: what a dashboard is drawn from, without looking at a single record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
)

# What a point tells apart, for spend over time.
POINTED: Final = ("team", "key", "model")


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
        self.nano: dict[str, Counter[str]] = {name: Counter() for name in POINTED}
        self.counters: Counter[str] = Counter()


class Adding:
    """Adds up what the store holds, and tells it as a Rollup. Points are `step_ms` wide."""

    def __init__(self, since_ms: int, until_ms: int, step_ms: int) -> None:
        self._since_ms, self._until_ms, self._step_ms = since_ms, until_ms, step_ms
        self._steps: dict[int, _Step] = {}
        self._total = Sums()
        self._by: dict[str, dict[str, Sums]] = {name: {} for name in DIMENSIONS.values()}
        self._counters: Counter[str] = Counter()

    def add(self, team: str, at_ms: int, found: Mapping[str, Figures], *, hourly: bool) -> None:
        """The sums of an hour, or of a day: of the hour count the rows by all dimensions, of the day those by one."""
        start = max(self._since_ms, at_ms - at_ms % self._step_ms)
        step = self._steps.setdefault(start, _Step())
        for name, figures in found.items():
            first = name[0]
            if first not in DIMENSIONS and first != "[":
                self._counters[name] += figures[0]
                if first in (STATUS, LATENCY):
                    step.counters[name] += figures[0]
            elif (first == "[") != hourly or not any(figures):  # rows of zeros are of refusals only
                continue
            elif first == "[":
                dims = msgspec.json.decode(name)
                self._into(team, dims, figures)
                self._point(step, team, figures)
                step.nano["key"][dims[0]] += figures[0]
                step.nano["model"][dims[1]] += figures[0]
            elif first == "t":
                self._total.add(figures)
                self._by["team"].setdefault(team, Sums()).add(figures)
                self._point(step, team, figures)
            else:
                self._by[DIMENSIONS[first]].setdefault(name[1:], Sums()).add(figures)
                if DIMENSIONS[first] in step.nano:
                    step.nano[DIMENSIONS[first]][name[1:]] += figures[0]

    def unconfirmed(self, team: str, dims: Sequence[str], nano: int) -> None:
        """`dims` are key, model, kind, language and the tags of a hold whose usage never came."""
        self._into(team, dims, (nano,), unconfirmed=nano)

    def _into(self, team: str, dims: Sequence[str], row: Sequence[int], *, unconfirmed: int = 0) -> None:
        self._total.add(row, unconfirmed=unconfirmed)
        for group, values in {"team": (team,), **values_of(dims)}.items():
            for value in values:
                self._by[group].setdefault(value, Sums()).add(row, unconfirmed=unconfirmed)

    @staticmethod
    def _point(step: _Step, team: str, figures: Figures) -> None:
        for index, figure in enumerate(figures):
            step.total[index] += figure
        step.nano["team"][team] += figures[0]

    def rollup(self) -> Rollup:
        counters = self._counters
        return Rollup(
            since_ms=self._since_ms,
            until_ms=self._until_ms,
            step_ms=self._step_ms,
            total=self._total,
            by=self._by,
            points=[_point(at_ms, step) for at_ms, step in sorted(self._steps.items())],
            statuses=_statuses(counters),
            refusals=_refusals(counters),
            reasons=dict(_of(counters, REASON)),
            attempts=_pairs(counters, ATTEMPT),
            escalations=_pairs(counters, ESCALATION),
            latency=_histograms(counters, LATENCY, LATENCY_EDGES),
            first_chunk=_histograms(counters, FIRST_CHUNK, FIRST_CHUNK_EDGES),
            added=_histograms(counters, ADDED, ADDED_EDGES).get("", _empty(ADDED_EDGES)),
        )


def values_of(dims: Sequence[str]) -> dict[str, Sequence[str]]:
    """The values of a row by all dimensions: key, model, kind, language and its tags."""
    key, model, kind, language, *tags = dims
    return {"key": (key,), "model": (model,), "kind": (kind,), "language": (language,), "tag": tags}


def _point(at_ms: int, step: _Step) -> Point:
    total = Sums()
    total.add(step.total)
    latency = _histograms(step.counters, LATENCY, LATENCY_EDGES).values()
    return Point(
        at_ms=at_ms,
        total=total,
        nano_usd={name: dict(counter) for name, counter in step.nano.items()},
        statuses=_statuses(step.counters),
        latency=sum(latency, _empty(LATENCY_EDGES)),
    )


def _of(counters: Counter[str], letter: str) -> list[tuple[str, int]]:
    return [(name[1:], number) for name, number in sorted(counters.items()) if name[0] == letter]


def _statuses(counters: Counter[str]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for name, number in _of(counters, STATUS):
        found[int(name.partition(" ")[0])] += number
    return dict(found)


def _refusals(counters: Counter[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, number in _of(counters, STATUS):
        if code := name.partition(" ")[2]:
            found[code] += number
    return dict(found)


def _pairs(counters: Counter[str], letter: str) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for name, number in _of(counters, letter):
        first, _, second = name.partition(" ")
        found[first, second] = number
    return found


def _histograms(counters: Counter[str], letter: str, edges: tuple[float, ...]) -> dict[str, Histogram]:
    """By model, or under "" where none is named."""
    counts: dict[str, list[int]] = {}
    for name, number in _of(counters, letter):
        model, _, bucket = name.rpartition(" ")
        counts.setdefault(model, [0] * (len(edges) + 1))[int(bucket)] += number
    return {model: Histogram(edges=edges, counts=tuple(row)) for model, row in counts.items()}


def _empty(edges: tuple[float, ...]) -> Histogram:
    return Histogram(edges=edges, counts=(0,) * (len(edges) + 1))
