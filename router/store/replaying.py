"""Whatever the journals know and the store does not: delivered again, under ids that may come twice.

After a crash the holds of the dead process are ended at once: never sent, given back; sent and unanswered, kept as
unconfirmed; answered, charged exactly. After a failover the last ends and the holds under way are told again. After the
store lost everything, so are the totals that older segments were folded into.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from itertools import islice
from typing import Any, Final

from router.core.totals import TeamTotals
from router.errors import StoreUnavailable
from router.store import names
from router.store.account_totals import Book, opened
from router.store.connect import STORE_ERRORS, away
from router.store.journal import Journal, Segment, add_end
from router.store.journal_lines import End, end_of, known_of, read_lines
from router.store.late_ends import doubted, request_of, with_sums
from router.store.leases import LEASE_MS, Leases
from router.store.ledger import Ending, Ledger
from router.store.leftovers import Claim, Left, read_left
from router.store.rebuilding import BATCH_MAX, Rebuilding
from router.store.records import Records

log = logging.getLogger("router.journal")

TICK_S: Final = 1.0
CLAIM_S: Final = 10.0
# A failover loses seconds; what a segment says is told again for this long, and folded into totals only then.
RECENT_MS: Final = 120_000
# The store remembers for ten minutes that it has taken an end. Beyond, or near it, nobody may trust that it would know.
REMEMBERED_MS: Final = 480_000
# By then the settler has given an end up, and nobody else delivers it.
GIVEN_UP_S: Final = 600.0


class Replaying:
    """`on_turned` is told, once a second, the age of the oldest end that the store has not taken (s) and the journal's
    size (bytes). `on_replayed` is told what became of each leftover: settled, unconfirmed, voided, recorded, damaged.
    """

    def __init__(
        self,
        journal: Journal,
        ledger: Ledger,
        leases: Leases,
        records: Records,
        *,
        clock: Callable[[], float] = time.time,
        on_replayed: Callable[[str], None] = lambda kind: None,
        on_turned: Callable[[float, int], None] = lambda lag_s, size: None,
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._leases = leases
        self._records = records
        self._clock = clock
        self._on_replayed = on_replayed
        self._on_turned = on_turned
        self.rebuilding = Rebuilding(ledger)
        self._mark: frozenset[str] = frozenset()
        self._epochs: dict[str, str] = {}
        self._since_ms: dict[str, int] = {}
        self._claimed_s = 0.0

    async def watch(self) -> None:
        """Run for ever: look after what dead processes left, what the store forgot, and what has become history."""
        while True:
            try:
                await self.turn()
            except StoreUnavailable:
                pass  # all of it can wait for the store
            except OSError as error:
                self._journal.failed(error)
            self._on_turned(self._journal.lag_s(), self._journal.size)
            await asyncio.sleep(TICK_S)

    async def turn(self) -> None:
        """One round. Raises StoreUnavailable or OSError, and the next round begins where this one ended."""
        mark = await self.rebuilding.mark()
        if mark != self._mark:
            if self._journal.directory is not None:
                async with opened(self._journal.directory) as book:
                    teams = set(book.teams)
                await self._known(teams | self._epochs.keys())
            if self._mark:
                log.warning("the store was restarted, promoted or emptied: what it may have lost is told again")
                await self._tell_again()
            self._mark = mark
        if self._journal.directory is None:
            return
        self._journal.turn()
        fresh = {team for segment in self._journal.segments for team in segment.totals} - self._epochs.keys()
        if fresh:
            await self._known(fresh)
        await self._fold(self._ripe(RECENT_MS / 1000))
        await self._deliver_given_up()
        if self._clock() - self._claimed_s >= CLAIM_S:
            await self.claim()
            self._claimed_s = self._clock()

    async def finish(self) -> None:
        """Before a stop: fold what can be folded, so that the next start reads little, and let go of the files."""
        try:
            if self._journal.directory is not None:
                self._journal.turn(all_of_it=True)
                await self._fold(self._ripe(0))
        except (StoreUnavailable, OSError):
            log.warning("the journal is left as it is: the next start replays it")
        finally:
            self._journal.close()

    async def claim(self) -> None:
        """End what dead processes left open, and fold what they had ended."""
        assert self._journal.directory is not None, "only a journal that is kept leaves something"
        claim = Claim(self._journal.directory)
        if not await asyncio.to_thread(claim.take):
            return
        try:
            for paths in await asyncio.to_thread(claim.names):
                async with opened(self._journal.directory) as book:
                    folded = book.folded
                left = await asyncio.to_thread(read_left, paths, folded)
                await self._replay(left)
        finally:
            claim.release()

    async def _replay(self, left: Left) -> None:
        known = known_of(left.happenings)
        ends = [(one, end) for one in known.values() if (end := end_of(one)) is not None]
        await self._known({part.team for _, end in ends for part in end.parts})
        newest_ms = max((end.at_ms for _, end in ends), default=0)
        told = {request_of(end.id) for _, end in ends if end.write is not None}
        await _some_at_a_time(
            self._deliver(end if request_of(end.id) in told else with_sums(end), done=one.done)
            for one, end in ends
            if not one.done or end.at_ms >= newest_ms - RECENT_MS or self._lost(end)
        )
        assert self._journal.directory is not None, "only a journal that is kept leaves something"
        async with opened(self._journal.directory) as book:
            for part in (part for _, end in ends for part in end.parts):
                add_end(book.teams.setdefault(part.team, TeamTotals()), part)
            self._close_book(book, [path.name for path in left.paths])
        for path in left.paths:
            path.unlink(missing_ok=True)
        kinds = [*(_KINDS[end.ending] for one, end in ends if not one.done), *["damaged"] * left.damaged]
        for kind in kinds:
            self._on_replayed(kind)
        if kinds:
            found = ", ".join(f"{number} {kind}" for kind, number in sorted(Counter(kinds).items()))
            log.warning("the journal of a process that died was replayed: %s", found)

    async def _tell_again(self) -> None:
        """The last ends that the store has once taken, those that a lost one took, and the holds under way."""
        if self._journal.directory is not None:
            paths = [segment.path for segment in self._journal.segments]
            texts = await asyncio.to_thread(lambda: [path.read_bytes() for path in paths])
            since_ms = self._clock() * 1000 - RECENT_MS
            await _some_at_a_time(
                self._deliver(one.end, done=True)
                for one in known_of(line for text in texts for line in read_lines(text).happenings).values()
                if one.end is not None
                and one.end.id not in self._journal.open
                and (one.end.at_ms >= since_ms or self._lost(one.end))
            )
        await self.rebuilding.announce(self._leases.held, LEASE_MS)

    async def _known(self, teams: set[str]) -> bool:
        """Look whether the teams' ledgers are those that they were, and tell a new one this replica's totals. True when
        there was one."""
        assert self._journal.directory is not None, "only a journal that is kept has totals"
        epochs = await self.rebuilding.epochs(sorted(teams))
        changed = any(self._epochs.get(team, epoch) != epoch for team, epoch in epochs.items())
        if not epochs:
            return False
        now_ms = int(self._clock() * 1000)
        async with opened(self._journal.directory) as book:
            for team, epoch in epochs.items():
                totals = book.teams.setdefault(team, TeamTotals())
                if totals.epoch not in (None, epoch):
                    totals.prune(now_ms)
                    await self.rebuilding.book(book.replica, team, epoch, totals)
                    log.warning(
                        "the store had lost the ledger of team %s: this replica's totals are booked again", team
                    )
                    totals.since_ms = now_ms
                    changed = True
                totals.epoch = epoch
                self._since_ms[team] = totals.since_ms
        self._epochs |= epochs
        return changed

    def _lost(self, end: End) -> bool:
        """Whether the ledger that took it is gone."""
        return any(part.at_ms < self._since_ms.get(part.team, 0) for part in end.parts)

    async def _deliver_given_up(self) -> None:
        late_ms = (self._clock() - GIVEN_UP_S) * 1000
        late = [
            known.end for known in self._journal.open.values() if known.end is not None and known.end.at_ms < late_ms
        ]
        for end in late[:BATCH_MAX]:
            await self._deliver(end, done=False)
            self._journal.done(end.id)

    async def _deliver(self, end: End, *, done: bool) -> None:
        """Tell the store an end that it may know. `done` says that it took it once.

        A store that has a tombstone, or the hold, knows better. One that has neither may have forgotten either, once
        tombstones have gone; the request's record then tells, and where there is none the charge is unconfirmed.
        """
        if self._clock() * 1000 - end.at_ms > REMEMBERED_MS and not self._lost(end):
            if done or await self._recorded(end):
                return
            parts = [
                doubted(part) if part.ending is Ending.SETTLED and not await self._holds(part) else part
                for part in end.parts
            ]
        else:
            parts = list(end.parts)
        for part in parts:
            if part.ending is not None:
                rest = (part.ending, part.entries, part.actual, part.note, part.write)
                await self._ledger.deliver(part.team, part.id, *rest)
        if end.ending is None and end.write is not None:
            await self._ledger.record(end.team, request_of(end.id), end.write)

    async def _recorded(self, end: End) -> bool:
        return end.write is not None and await self._records.find(request_of(end.id), end.team) is not None

    async def _holds(self, end: End) -> bool:
        client: Any = self._ledger.door.client
        try:
            return await client.hget(names.ledger(end.team), f"r:{end.id}") is not None
        except STORE_ERRORS as error:
            failure = away("could not be asked for a hold")
            raise failure from error

    def _ripe(self, age_s: float) -> list[Segment]:
        now_s = self._clock()
        return [
            segment
            for segment in self._journal.segments
            if segment.ended_s is not None and now_s - segment.ended_s >= age_s
        ]

    async def _fold(self, segments: list[Segment]) -> None:
        """Add closed segments to the totals, and remove them."""
        assert self._journal.directory is not None, "only a journal that is kept has segments"
        for segment in segments:
            into = self._journal.carry(segment)
            if into is None:
                return
            await asyncio.to_thread(into.sync)
            # Only now is it known that the ledger which took these ends is still there.
            if await self._known(set(segment.totals)):
                await self._tell_again()
            async with opened(self._journal.directory) as book:
                if segment.path.name not in book.folded:  # unless a round that was cut short has done it
                    for team, totals in segment.totals.items():
                        book.teams.setdefault(team, TeamTotals()).take_in(totals)
                    self._close_book(book, [segment.path.name])
            self._journal.drop(segment)

    def _close_book(self, book: Book, folded: list[str]) -> None:
        assert self._journal.directory is not None, "only a journal that is kept has a book"
        there = {path.name for path in self._journal.directory.iterdir()}
        book.folded = [name for name in book.folded if name in there] + folded
        for totals in book.teams.values():
            totals.prune(int(self._clock() * 1000))


_KINDS: Final = {
    Ending.SETTLED: "settled",
    Ending.VOIDED: "voided",
    Ending.UNCONFIRMED: "unconfirmed",
    None: "recorded",
}


async def _some_at_a_time(deliveries: Iterable[Coroutine[Any, Any, None]]) -> None:
    """So few that requests, which share the store, do not wait for them."""
    todo = iter(deliveries)
    while batch := list(islice(todo, BATCH_MAX)):
        await asyncio.gather(*batch)
