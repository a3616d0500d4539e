"""Segments that a dead process left: claimed by one process, so that no two end the same holds.

A lock on a file ends with its process, so a segment that can be locked belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from router.store.journal import SUFFIX, UNLOCKED
from router.store.journal_lines import Line, read_lines

LOCK: Final = "claim.lock"
# A segment is without its lock, and empty, for an instant; one that stays so was left by a process that died then.
UNLOCKED_MAX_S: Final = 60.0


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """One dead process's segments that are in no totals yet; `damaged` counts lines that could not be believed."""

    paths: tuple[Path, ...]
    happenings: list[Line]
    damaged: int


class Claim:
    """The right to read what dead processes left in a directory, until `release`. Blocks for as long as files take."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: list[int] = []

    def take(self) -> bool:
        """False when another process is at it, or nothing was ever written here."""
        try:
            number = os.open(self._directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return False
        if not _locked(number):
            os.close(number)
            return False
        self._held.append(number)
        return True

    def names(self) -> list[tuple[Path, ...]]:
        """The segments that nobody holds, one group for each dead process, oldest first."""
        for path in self._directory.glob(f"*{UNLOCKED}"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > UNLOCKED_MAX_S:
                    path.unlink()
        groups: defaultdict[str, list[Path]] = defaultdict(list)
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            groups[path.name.rpartition("-")[0]].append(path)
        return [tuple(paths) for paths in groups.values() if self._claimed(paths)]

    def release(self) -> None:
        for number in self._held:
            os.close(number)
        self._held.clear()

    def _claimed(self, paths: list[Path]) -> bool:
        """A process that lives holds its newest segment at least, and then none of its segments is ours."""
        mine: list[int] = []
        for path in paths:
            number = -1
            with suppress(FileNotFoundError):
                number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            if number < 0 or not _locked(number):
                for other in (*mine, *((number,) if number >= 0 else ())):
                    os.close(other)
                return False
            mine.append(number)
        self._held += mine
        return True


def read_left(paths: tuple[Path, ...], folded: list[str]) -> Left:
    happenings: list[Line] = []
    damaged = 0
    for path in paths:
        if path.name not in folded:
            lines = read_lines(path.read_bytes())
            happenings += lines.happenings
            damaged += lines.damaged
    return Left(paths=paths, happenings=happenings, damaged=damaged)


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
