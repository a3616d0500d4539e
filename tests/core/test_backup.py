"""A backup file: read back as it was written, and refused whole when a line is damaged, missing, added or moved."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.backup import VERSION, Backup, DamagedBackup, read_backup, write_backup

KEYS = [{"id": f"key{number}", "created_at": 1.5 + number, "digests": {"ab": None}, "name": "é"} for number in range(4)]
GRANTS = [{"id": "grant-1", "nano": 5}]
TOTALS = [{"team": "t", "nano_usd": 5}]
BACKUP = Backup(version=VERSION, made_at="2026-11-23T10:00:00Z", pepper="0f", keys=KEYS, grants=GRANTS, totals=TOTALS)
TEXT = write_backup(BACKUP)
LINES = TEXT.splitlines()


@given(st.lists(st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.floats(allow_nan=False)))))
def test_what_is_written_is_read_back(keys: list[dict[str, object]]) -> None:
    made = Backup(version=VERSION, made_at="now", pepper="0f", keys=keys)
    assert read_backup(write_backup(made)) == made


def test_a_file_cut_at_any_byte_is_refused() -> None:
    for end in range(len(TEXT) - 1):  # the last one is a line's end
        with pytest.raises(DamagedBackup, match="line"):
            read_backup(TEXT[:end])


@given(st.integers(0, len(TEXT) - 2), st.characters(codec="ascii"))
def test_a_changed_character_is_found_on_its_line(at: int, other: str) -> None:
    if other == TEXT[at]:
        return
    damaged = TEXT[:at] + other + TEXT[at + 1 :]
    line = TEXT[:at].count("\n") + 1
    told: Backup | str
    try:
        told = read_backup(damaged)
    except DamagedBackup as error:
        told = str(error)
    # A line that was joined with the next, or split in two, is told where its first half stands.
    assert told == BACKUP or str(told).startswith(f"line {line}:"), "only what says the same may pass"


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ([*LINES[:2], *LINES[3:]], "line 3"),
        ([*LINES[:2], LINES[1], *LINES[2:]], "line 3"),
        ([LINES[0], LINES[2], LINES[1], *LINES[3:]], "line 2"),
        (LINES[1:], "line 1"),
        (LINES[:-1], "line 7"),
        ([*LINES, LINES[-1]], "line 9"),
        ([], "line 1"),
        (["[]"], "line 1"),
        (["[" * 100_000], "line 1"),
    ],
)
def test_missing_repeated_and_moved_lines_are_found(lines: list[str], where: str) -> None:
    with pytest.raises(DamagedBackup, match=where):
        read_backup("\n".join([*lines, ""]))


def test_a_version_of_the_future_is_named() -> None:
    with pytest.raises(DamagedBackup, match="version 3"):
        read_backup(write_backup(Backup(version=3, made_at="", pepper="", keys=[])))


def test_a_file_of_the_version_without_grants_and_totals_is_read() -> None:
    older = Backup(version=1, made_at="", pepper="", keys=KEYS)
    assert read_backup(write_backup(older)) == older


def test_the_file_is_json_lines() -> None:
    kinds = [set(json.loads(line)) - {"check"} for line in LINES[1:]]
    assert kinds == [{"key"}] * 4 + [{"grant"}, {"total"}, {"end"}]
