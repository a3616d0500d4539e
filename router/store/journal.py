"""The journal: what is about to be held, sent and charged, on this machine's disk before anybody else is told.

Each process appends to segments of its own, and holds a lock on each for as long as it lives; a segment that nobody
holds was left by a process that died (router/store/replaying.py). A line is handed to the kernel at once, so a killed
router loses nothing; a thread brings it to the disk some milliseconds later, so a power cut loses no more than that.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import msgspec

from router.core.totals import TeamTotals, Unsure
from router.errors import JournalUnavailable
from router.store.journal_lines import Done, End, Intent, Sent, line_of
from router.store.ledger import Ending

log = logging.getLogger("router.journal")

SYNC_S: Final = 0.02
# A segment is closed after this long also when it is small, so that what is in it soon counts as history.
SEGMENT_S: Final = 60.0
SEGMENT_BYTES: Final = 64 * 1024 * 1024
SUFFIX: Final = ".jsonl"
# What a segment's name ends with until it is locked.
UNLOCKED: Final = ".new"


class Open(msgspec.Struct, kw_only=True):
    """A hold that has not ended for the store. `home` is the segment of its first line, `closed_in` that of its end."""

    lines: list[bytes]
    home: Segment
    sent: bool = False
    end: End | None = None
    closed_in: Segment | None = None


class Segment:
    """One file, and what its acknowledged ends add up to."""

    def __init__(self, path: Path, now_s: float) -> None:
        """Raises OSError."""
        self.path = path
        self.began_s = now_s
        self.ended_s: float | None = None
        self.size = 0
        self.dirty = False
        self.gone = False
        self.totals: defaultdict[str, TeamTotals] = defaultdict(TeamTotals)
        # Whoever looks for what dead processes left takes a segment that is not locked for one of theirs, so this one
        # gets its name with its lock.
        making = path.with_name(path.name + UNLOCKED)
        self.fd = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            making.rename(path)
        except OSError:
            os.close(self.fd)
            making.unlink(missing_ok=True)
            raise

    def sync(self) -> None:
        """Bring what was written to the disk. Raises OSError."""
        self.dirty = False  # first, so that what is written meanwhile asks again
        try:
            os.fdatasync(self.fd)
        except OSError:
            if not self.gone:
                raise

    def let_go(self) -> None:
        """Give the file to whoever wants it."""
        self.gone = True
        os.close(self.fd)


class Journal:
    """`directory` is None for a router that keeps none. `clock` gives epoch seconds. `on_failed` is told of each line
    that could not be written."""

    def __init__(
        self,
        directory: Path | None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        clock: Callable[[], float] = time.time,
        on_failed: Callable[[], None] = lambda: None,
    ) -> None:
        self.directory = directory
        self.segments: list[Segment] = []
        self.open: dict[str, Open] = {}
        self._segment_bytes = segment_bytes
        self._clock = clock
        self._on_failed = on_failed
        # What all of this process's segments begin with.
        self.name = f"{time.time_ns():020d}-{os.getpid()}"
        self._numbers = 0
        self._current: Segment | None = None
        self._late = bytearray()
        self._tick: asyncio.TimerHandle | None = None
        self._torn = False
        self._failing = False
        self._unsynced: SimpleQueue[Segment | None] = SimpleQueue()
        self._syncer: threading.Thread | None = None

    def intend(self, intent: Intent) -> None:
        """A hold is about to be asked for. Raises JournalUnavailable."""
        if self.directory is None:
            return
        line = line_of(intent)
        segment = self._write(line)
        if segment is None:
            raise _unavailable()
        self.open[intent.id] = Open(lines=[line], home=segment)

    def sent(self, hold_id: str) -> None:
        """Its request is about to go upstream. Raises JournalUnavailable."""
        known = self.open.get(hold_id)
        if known is None:
            return  # kept without a journal, as its policy allows
        line = line_of(Sent(id=hold_id))
        if self._write(line) is None:
            raise _unavailable()
        known.lines.append(line)
        known.sent = True

    def ends(self, end: End) -> None:
        """How a hold ends, before the store is told. A line that can't be written is only counted: the end goes to the
        store all the same."""
        if self.directory is None:
            return
        line = line_of(end)
        segment = self._write(line)
        known = self.open.get(end.id)
        if known is None:
            if segment is None:
                return
            known = self.open[end.id] = Open(lines=[], home=segment)
        if known.end is not None:
            known.lines.pop()  # the fuller word on the same end
        known.lines.append(line)
        known.end, known.closed_in = end, segment or known.home

    def done(self, hold_id: str) -> None:
        """The store has taken the end, or never had the hold."""
        known = self.open.pop(hold_id, None)
        if known is None:
            return
        end, segment = known.end, known.closed_in
        if end is not None and segment is not None:
            for part in end.parts:
                add_end(segment.totals[part.team], part)
        self._late += line_of(Done(id=hold_id))
        if self._tick is None:
            # Losing it costs a delivery that changes nothing, so it waits for a line that must be written.
            self._tick = asyncio.get_running_loop().call_later(SYNC_S, self._write, b"")

    def lag_s(self) -> float:
        """The age of the oldest end that the store has not taken; 0 without one."""
        oldest_ms = min((known.end.at_ms for known in self.open.values() if known.end is not None), default=None)
        return 0.0 if oldest_ms is None else max(0.0, self._clock() - oldest_ms / 1000)

    @property
    def size(self) -> int:
        """Bytes in this process's segments."""
        return sum(segment.size for segment in self.segments)

    def turn(self, *, all_of_it: bool = False) -> None:
        """Close the segment that is written to, if it is old enough; the next line begins another."""
        segment = self._current
        if segment is None or not segment.size:
            return
        if all_of_it or segment.size >= self._segment_bytes or self._clock() - segment.began_s >= SEGMENT_S:
            segment.ended_s = self._clock()
            self._current = None

    def carry(self, segment: Segment) -> Segment | None:
        """Write anew what is still open of a closed segment, so that it can go: its totals change no more. The segment
        that took it in, which is to be synced first; the same one when there was nothing. None when the disk is full.
        """
        into = segment
        for known in self.open.values():
            if segment not in (known.home, known.closed_in):
                continue
            written = self._write(b"".join(known.lines))
            if written is None:
                return None
            known.home = into = written
            if known.end is not None:
                known.closed_in = written
        return into

    def drop(self, segment: Segment) -> None:
        """Remove a segment whose ends are all in the totals."""
        self.segments.remove(segment)
        segment.path.unlink(missing_ok=True)
        segment.let_go()

    def close(self) -> None:
        """Write and sync what waits, and let go of the files: whoever starts next takes them over."""
        self._write(b"")
        if self._syncer is not None:
            self._unsynced.put(None)
            self._syncer.join()
        for segment in self.segments:
            segment.let_go()
        self.segments.clear()
        self._current = None

    def _write(self, line: bytes) -> Segment | None:
        """Append a line, and those that have waited for one; None when there was nothing, or the disk is full."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if not line and not self._late:
            return None
        text = b"".join((b"\n" if self._torn else b"", self._late, line))
        try:
            segment = self._current or self._begin()
            written = os.write(segment.fd, text)
            segment.size += written
            if written < len(text):
                self._torn = True  # what comes next begins on a line of its own
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self.failed(error)
            return None
        self._late.clear()
        self._torn = False
        if self._failing:
            self._failing = False
            log.warning("the journal is written again")
        if not segment.dirty:
            segment.dirty = True
            self._unsynced.put(segment)
        if segment.size >= self._segment_bytes:
            self.turn()
        return segment

    def _begin(self) -> Segment:
        assert self.directory is not None, "only a journal that is kept is written"
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._numbers += 1
        segment = Segment(self.directory / f"{self.name}-{self._numbers:06d}{SUFFIX}", self._clock())
        self.segments.append(segment)
        self._current = segment
        if self._syncer is None:
            self._syncer = threading.Thread(target=self._sync_for_ever, name="journal", daemon=True)
            self._syncer.start()
        return segment

    def _sync_for_ever(self) -> None:
        while (segment := self._unsynced.get()) is not None:
            time.sleep(SYNC_S)
            try:
                segment.sync()
            except OSError as error:
                self.failed(error)

    def failed(self, error: OSError) -> None:
        """A file of the journal could not be written: said once, until one can."""
        self._on_failed()
        if not self._failing:
            self._failing = True
            log.error("the journal in %s cannot be written: %s", self.directory, error.strerror)


def add_end(totals: TeamTotals, end: End) -> None:
    """Add to the totals what an end charges that the store has taken."""
    match end.ending:
        case Ending.SETTLED | Ending.VOIDED:
            totals.charge(end.entries, end.actual)
        case Ending.UNCONFIRMED:
            totals.doubt(Unsure(id=end.id, entries=end.entries, note=end.note))


def _unavailable() -> JournalUnavailable:
    return JournalUnavailable(
        "This router cannot write its journal, its disk is full or read-only, so it takes no request that a budget "
        "must pay for. Try again in 2 seconds.",
        retry_after_ms=2_000,
    )
