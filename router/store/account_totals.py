"""The totals of this data directory, in one small file that its processes share: what acknowledged segments came to."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from router.core.totals import TeamTotals, Unsure

log = logging.getLogger("router.journal")

FILE: Final = "totals"
LOCK: Final = "totals.lock"
VERSION: Final = 1


class Book(msgspec.Struct, kw_only=True):
    """`replica` names this data directory for the store. `folded` are the segments that the totals hold already, so
    that none counts twice when its file outlived a crash."""

    replica: str
    folded: list[str] = []
    teams: dict[str, TeamTotals] = {}


class _Team(msgspec.Struct, kw_only=True):
    epoch: str | None
    since_ms: int
    charged: list[tuple[str, str, int, int, int, int]]
    unsure: list[Unsure]


class _File(msgspec.Struct, kw_only=True):
    version: int
    replica: str
    folded: list[str]
    teams: dict[str, _Team]


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Book]:
    """The book, for this process alone until the block ends; it is written back when the block ends well."""
    lock = await asyncio.to_thread(_lock, directory)
    try:
        book = await asyncio.to_thread(read_book, directory)
        before = _packed(book)
        yield book
        if (after := _packed(book)) != before:
            writing = asyncio.ensure_future(asyncio.to_thread(_replace, directory / FILE, after))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing  # nobody else may have the book before it is written
                raise
    finally:
        os.close(lock)


def read_book(directory: Path) -> Book:
    """An empty one when there is none. One that cannot be read is put aside, where an operator finds it."""
    path = directory / FILE
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return Book(replica=secrets.token_hex(8))
    except msgspec.DecodeError as error:
        aside = path.with_suffix(".damaged")
        log.error("%s cannot be read (%s): it is kept as %s, and totals begin anew", path, error, aside.name)
        path.replace(aside)
        return Book(replica=secrets.token_hex(8))
    teams = {
        label: TeamTotals(
            epoch=team.epoch,
            since_ms=team.since_ms,
            charged={(name, kind, first, second, at): nano for name, kind, first, second, at, nano in team.charged},
            unsure={unsure.id: unsure for unsure in team.unsure},
        )
        for label, team in file.teams.items()
    }
    return Book(replica=file.replica, folded=file.folded, teams=teams)


def _packed(book: Book) -> bytes:
    teams = {
        name: _Team(
            epoch=team.epoch,
            since_ms=team.since_ms,
            charged=[(*slot, nano) for slot, nano in sorted(team.charged.items())],
            unsure=list(team.unsure.values()),
        )
        for name, team in book.teams.items()
    }
    return msgspec.json.encode(_File(version=VERSION, replica=book.replica, folded=book.folded, teams=teams))


def _lock(directory: Path) -> int:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(number, fcntl.LOCK_EX)
    return number


def _replace(path: Path, text: bytes) -> None:
    """All of it or nothing, on the disk when this returns."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(number, "wb") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
