"""What a record adds to its team's sums, and the names under which it is added.

A name tells what is counted and where: a row of usage by all its dimensions stands in the hour, a row by one dimension
in the day, so that a month is read from a few rows a day; counters stand in both. The store shortens names to numbers.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise, zip_longest
from typing import Final

from router.core.attempts import Outcome
from router.core.explain import Attempt
from router.core.record import FIGURES, RequestRecord

# The first letter of a row that adds up one dimension over a day.
DIMENSIONS: Final = {"t": "team", "k": "key", "m": "model", "i": "kind", "l": "language", "g": "tag"}
# The first letter of a counter.
STATUS, REASON, ATTEMPT, ESCALATION, LATENCY, FIRST_CHUNK, ADDED = COUNTERS = "SRAELFD"

# Upper edges in seconds, those of the metrics (ops/metrics.py); above the last there is one more bucket.
LATENCY_EDGES: Final = tuple(0.01 * 2**power for power in range(14))
FIRST_CHUNK_EDGES: Final = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
ADDED_EDGES: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)

Figures = Sequence[int]


def sums_of(record: RequestRecord, *, counted: bool) -> dict[str, Figures]:
    """What the record adds, by name. `counted` adds its usage; a refusal held nothing, only counts as one, and leaves
    rows of zeros, which tell that there is a record of these dimensions on that day.

    What is unconfirmed is not summed: it stands in the ledger until it is settled, and is added when usage is read.
    """
    found: dict[str, list[int]] = {}
    attempts = record.router.attempts if record.router else []
    if counted:
        for model, figures in _usage(record, attempts):
            for name in rows(record.key, model, record.kind, record.language, record.tags):
                row = found.setdefault(name, [0] * len(FIGURES))
                for index, figure in enumerate(figures):
                    row[index] += figure
    sums: dict[str, Figures] = {name: tuple(row) for name, row in found.items() if any(row)}
    if not counted:
        _, *dims = rows(record.key, record.model or "", record.kind, record.language, record.tags)
        sums = dict.fromkeys(dims, (0,) * len(FIGURES))
    for name in _counters(record, attempts):
        sums[name] = (sums.get(name, (0,))[0] + 1,)
    return sums | dict(_observed(record, attempts))


def spent(key: str, model: str, kind: str, language: str, tags: Sequence[str], nano: int) -> dict[str, Figures]:
    """What is added when a hold is charged `nano` after all."""
    figures = (nano, *(0,) * (len(FIGURES) - 1))
    return dict.fromkeys(rows(key, model, kind, language, tags), figures)


def rows(key: str, model: str, kind: str, language: str, tags: Iterable[str]) -> list[str]:
    """The rows to which usage of these dimensions is added; a tag that is named twice counts once."""
    tags = tuple(dict.fromkeys(tags))
    whole = json.dumps([key, model, kind, language, *tags], separators=(",", ":"))
    return [whole, "t", f"k{key}", f"m{model}", f"i{kind}", f"l{language}", *(f"g{tag}" for tag in tags)]


def summed(figures: Sequence[Figures]) -> Figures:
    """The sum of each column: many rows at once, which is several times as quick as adding one to another. Of a
    histogram with fewer buckets than another those after its last are empty."""
    return figures[0] if len(figures) == 1 else [sum(column) for column in zip_longest(*figures, fillvalue=0)]


def _usage(record: RequestRecord, attempts: Sequence[Attempt]) -> Iterable[tuple[str, Figures]]:
    """Each model's share stands under its own name, also when another one gave the answer."""
    yield record.model or "", (0, record.saved_nano_usd, 1, 0, 0, 0)
    for attempt in attempts:
        nano, used = 0 if attempt.unconfirmed else attempt.nano_usd, attempt.usage
        tokens = (used.input_tokens, used.cached_tokens, used.output_tokens) if used else (0, 0, 0)
        yield attempt.model, (nano, 0, 0, *tokens)


def _counters(record: RequestRecord, attempts: Sequence[Attempt]) -> Iterable[str]:
    yield f"{STATUS}{record.status} {record.code or ''}"
    if record.reason:
        yield f"{REASON}{record.reason}"
    for attempt in attempts:
        yield f"{ATTEMPT}{attempt.model} {attempt.outcome.value}"
    for left, taken in pairwise(attempts):
        if left.model != taken.model:
            yield f"{ESCALATION}{left.model} {taken.model}"


def _observed(record: RequestRecord, attempts: Sequence[Attempt]) -> Iterable[tuple[str, Figures]]:
    """Histograms: a figure for each bucket, up to the last that has any."""
    yield ADDED, _bucket(ADDED_EDGES, record.overhead_ms)
    # A refusal takes no time to speak of, and an app that left says how patient it was: neither tells of an answer.
    if attempts and attempts[-1].outcome is Outcome.OK:
        yield f"{LATENCY}{record.model}", _bucket(LATENCY_EDGES, record.duration_ms)
    if record.first_chunk_ms is not None:
        yield f"{FIRST_CHUNK}{record.model}", _bucket(FIRST_CHUNK_EDGES, record.first_chunk_ms)


def _bucket(edges: Sequence[float], ms: float) -> Figures:
    """One in the first bucket whose upper edge is not below."""
    return (*(0,) * bisect_left(edges, ms / 1000), 1)
