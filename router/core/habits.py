"""How long the answers to a key's requests really are, by kind of work: a histogram that forgets, and its quantiles.

Where a policy allows a budget to be exceeded by a stated sum, a request need not hold the longest answer it could get.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from router.core.kinds import Kind

# Answers of this many before a quantile is believed: the 95th of fewer is one of the few longest seen.
SAMPLES_MIN: Final = 50
# At this many the counts are halved, so that what was long ago weighs less and less.
SAMPLES_MAX: Final = 1_000
PAIRS_MAX: Final = 10_000
# Upper edges in tokens, a quarter of an octave apart: a quantile is at most a fifth too high, and never too low.
EDGES: Final = tuple(sorted({round(2 ** (step / 4)) for step in range(4, 4 * 17)}))


class Habits:
    """One process's own memory; a restart begins anew, with the full bound."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Kind], list[int]] = {}

    def note(self, key: str, kind: Kind, output_tokens: int) -> None:
        """An answer of that length was settled."""
        counts = self._counts.get((key, kind))
        if counts is None:
            if len(self._counts) >= PAIRS_MAX:
                self._counts.pop(next(iter(self._counts)))  # the one that was learned first
            counts = self._counts[(key, kind)] = [0] * (len(EDGES) + 1)
        counts[bisect_left(EDGES, output_tokens)] += 1
        if sum(counts) >= SAMPLES_MAX:
            counts[:] = [count // 2 for count in counts]

    def quantile(self, key: str, kind: Kind, share: float) -> int | None:
        """Tokens that `share` of the answers did not exceed; None when too few are known, or they are too long."""
        counts = self._counts.get((key, kind))
        if counts is None or (known := sum(counts)) < SAMPLES_MIN:
            return None
        below = 0
        for edge, count in zip(EDGES, counts, strict=False):
            below += count
            if below >= share * known:
                return edge
        return None
