"""The journal on disk: written at once, turned and folded, and refused by name when the disk has no place."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from router.errors import JournalUnavailable
from router.store import journal as writing
from router.store.connect import Client
from router.store.journal import Journal
from router.store.journal_lines import Done, End, Intent, Sent, read_lines
from router.store.ledger import Ending
from router.store.leftovers import Claim
from tests.store.conftest import Run
from tests.store.journals import Clock, Office, segments
from tests.store.making import amounts

ENTRIES = (("a", "c", 7, 0, 9, 0),)


def intent(name: str) -> Intent:
    return Intent(id=name, team="t", entries=ENTRIES, note="", at_ms=1)


def end(name: str) -> End:
    return End(id=name, team="t", ending=Ending.SETTLED, entries=ENTRIES, actual=(5,), at_ms=1)


def said(directory: Path) -> list[str]:
    texts = [read_lines(path.read_bytes()) for path in segments(directory)]
    return [f"{type(line).__name__} {line.id}" for text in texts for line in text.happenings]


def test_a_line_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    async def main() -> None:
        journal = Journal(tmp_path / "journal")
        journal.intend(intent("q#1"))
        assert said(tmp_path / "journal") == ["Intent q#1"]
        journal.sent("q#1")
        journal.ends(end("q#1"))
        assert said(tmp_path / "journal") == ["Intent q#1", "Sent q#1", "End q#1"]
        journal.done("q#1")
        journal.intend(intent("r#1"))
        assert said(tmp_path / "journal")[3:] == ["Done q#1", "Intent r#1"]
        journal.done("r#1")
        await asyncio.sleep(2 * writing.SYNC_S)  # nothing else comes
        assert said(tmp_path / "journal")[5:] == ["Done r#1"]
        assert journal.size == segments(tmp_path / "journal")[0].stat().st_size
        assert not journal.open
        journal.close()

    asyncio.run(main())


def test_a_segment_is_never_seen_without_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker looks for what dead processes left at the very moment when this one begins a segment."""
    claims, lock = [Claim(tmp_path)], writing.fcntl.flock

    def looked_at_first(number: int, how: int) -> None:
        if claims:
            claim = claims.pop()
            assert claim.take()
            assert claim.names() == []
            claim.release()
        lock(number, how)

    async def main() -> None:
        journal = Journal(tmp_path)
        monkeypatch.setattr(writing, "fcntl", SimpleNamespace(**{**vars(writing.fcntl), "flock": looked_at_first}))
        journal.intend(intent("q#1"))
        assert not claims
        assert said(tmp_path) == ["Intent q#1"]
        journal.close()

    asyncio.run(main())


def test_what_died_before_it_was_locked_is_swept_away_in_time(tmp_path: Path) -> None:
    fresh, old = (tmp_path / f"{name}-000001{writing.SUFFIX}{writing.UNLOCKED}" for name in ("fresh", "old"))
    for path in (fresh, old):
        path.touch()
    os.utime(old, (0, 0))
    claim = Claim(tmp_path)
    assert claim.take()
    assert claim.names() == []
    claim.release()
    assert fresh.exists()
    assert not old.exists()


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.intend(intent("q#1"))
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o700
    assert segments(tmp_path / "journal")[0].stat().st_mode & 0o777 == 0o600
    journal.close()


def test_it_reaches_the_disk_beside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    journal = Journal(tmp_path)
    for number in range(50):
        journal.intend(intent(f"q{number}#1"))
    assert len(synced) <= 1, "the caller waits for none"
    journal.close()
    assert 1 <= len(synced) <= 3, "one for many lines"


def test_a_journal_that_is_off_keeps_nothing(tmp_path: Path) -> None:
    journal = Journal(None)
    journal.intend(intent("q#1"))
    journal.sent("q#1")
    journal.ends(end("q#1"))
    journal.done("q#1")
    assert (journal.open, journal.size, journal.lag_s()) == ({}, 0, 0.0)
    journal.close()


def test_segments_turn_by_size_and_by_age(tmp_path: Path) -> None:
    now = [1_000.0]
    journal = Journal(tmp_path, segment_bytes=400, clock=lambda: now[0])
    for number in range(5):
        journal.intend(intent(f"q{number}#1"))
    assert len(segments(tmp_path)) >= 2
    assert all(path.stat().st_size < 600 for path in segments(tmp_path))
    before = len(segments(tmp_path))
    now[0] += 61
    journal.turn()
    journal.intend(intent("late#1"))
    assert len(segments(tmp_path)) == before + 1
    journal.close()


def test_the_lag_is_the_age_of_the_oldest_end_that_the_store_has_not_taken(tmp_path: Path) -> None:
    async def main() -> None:
        now = [1.0]
        journal = Journal(tmp_path, clock=lambda: now[0])
        journal.intend(intent("q#1"))
        now[0] = 31.001
        assert journal.lag_s() == 0.0
        journal.ends(end("q#1"))
        assert journal.lag_s() == pytest.approx(31.0)
        journal.done("q#1")
        assert journal.lag_s() == 0.0
        journal.close()

    asyncio.run(main())


def test_a_full_disk_refuses_by_name_and_is_found_to_have_place_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[int] = []
    journal = Journal(tmp_path, on_failed=lambda: failed.append(1))
    journal.intend(intent("q#1"))
    real = os.write

    def full(fd: int, text: Any) -> int:
        if len(text) > 40 and not failed:
            return real(fd, text[:40])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing.os, "write", full)
        for refused in range(2):
            with pytest.raises(JournalUnavailable) as caught:
                journal.intend(intent(f"r{refused}#1"))
        assert (caught.value.status, caught.value.code) == (503, "journal_unavailable")
        with pytest.raises(JournalUnavailable):
            journal.sent("q#1")
        journal.ends(end("q#1"))
    assert len(failed) == 4
    journal.intend(intent("s#1"))
    assert said(tmp_path) == ["Intent q#1", "Intent s#1"], "the part of a line costs no whole one"
    assert read_lines(segments(tmp_path)[0].read_bytes()).damaged == 1
    journal.close()


def test_a_directory_that_cannot_be_made_refuses_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal")
    with pytest.raises(JournalUnavailable):
        journal.intend(intent("q#1"))
    journal.close()


def test_what_is_still_open_is_carried_into_a_newer_segment(run: Run, team: str, tmp_path: Path) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        office = Office(client, team, tmp_path, clock)
        await office.spend(5)
        held = await office.send(100)
        clock.now_ms += 61_000
        await office.replaying.turn()
        clock.now_ms += 121_000
        await office.replaying.turn()
        assert said(tmp_path) == [f"Intent {held.id}", f"Sent {held.id}"]
        await office.deliver(office.end(held, amounts(30)))
        await asyncio.sleep(2 * writing.SYNC_S)  # its last line is written
        for _ in range(2):
            clock.now_ms += 200_000
            await office.replaying.turn()
        assert segments(tmp_path) == [], "all of it is in the totals"
        office.journal.close()

    run(main)


def test_a_line_of_every_kind_is_decoded_as_itself() -> None:
    assert {kind.__struct_config__.tag for kind in (Intent, Sent, End, Done)} == {"intent", "sent", "final", "done"}
