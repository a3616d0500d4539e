"""Figures of the store, which are the same for every worker process: one of them reads them for all.

They are shown whole, as the last reading found them, so that a budget that is gone leaves no figure behind; and no
longer than a reading is good for. What several processes share is two files in the directory of their figures.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from router.ops.metrics import METRICS, Across

# Several readings may fail before what was read counts as unknown.
SHOWN_S: Final = 60.0

# A metric's name -> its samples, each with its labels' values.
Figures = dict[str, list[tuple[tuple[str, ...], float]]]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What was read at `at_s`, epoch seconds."""

    at_s: float
    figures: Figures


class Survey(Collector):
    """`directory` is where worker processes share their figures, None for a process of its own; `clock` gives epoch
    seconds."""

    def __init__(self, directory: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._clock = clock
        self._lock: int | None = None
        self._reading: Reading | None = None

    def mine(self) -> bool:
        """Whether this process is the one that reads. It stays so until it ends, however it ends."""
        if self._directory is None or self._lock is not None:
            return True
        lock = os.open(self._directory / "survey.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def show(self, figures: Figures) -> None:
        """Take the place of what was shown before."""
        self._reading = Reading(at_s=self._clock(), figures=figures)
        if self._directory is not None:
            made = self._directory / "survey.new"
            made.write_bytes(msgspec.msgpack.encode(self._reading))
            made.replace(self._directory / "survey")

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What was read last, for the registry."""
        reading = self._last()
        known = reading is not None and self._clock() - reading.at_s < SHOWN_S
        for metric in METRICS:
            if metric.across is Across.ONE:
                family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
                for labels, value in reading.figures.get(metric.name, ()) if reading and known else ():
                    family.add_metric(labels, value)
                yield family

    def _last(self) -> Reading | None:
        if self._directory is not None:
            with contextlib.suppress(OSError):  # none yet
                return msgspec.msgpack.decode((self._directory / "survey").read_bytes(), type=Reading)
        return self._reading
