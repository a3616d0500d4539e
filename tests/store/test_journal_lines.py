"""The journal's lines: read back as written, and a damaged one costs itself alone."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from router.store.journal_lines import (
    Done,
    End,
    Intent,
    Line,
    Sent,
    as_unconfirmed,
    end_of,
    known_of,
    line_of,
    read_lines,
)
from router.store.ledger import Ending, Write

ENTRIES = (("team:t:usd:day", "c", 70, 0, 9, 0), ("team:t:requests", "r", 1, 60_000, 12, 5))
WRITE = Write(record=b"\x00\xffrecord", details=b"", hour=7, sums={"n": [3]}, kept=10, details_kept=5, sums_ms=5)


def intent(name: str = "q#1") -> Intent:
    return Intent(id=name, team="t", entries=ENTRIES, note='{"é": 1}', at_ms=5)


def end(name: str = "q#1", ending: Ending | None = Ending.SETTLED, actual: tuple[int, ...] = (40, 1)) -> End:
    return End(id=name, team="t", ending=ending, entries=ENTRIES, actual=actual, note="n", at_ms=9, write=WRITE)


LINES: list[Line] = [intent(), Sent(id="q#1"), end(), Done(id="q#1"), intent("r#1")]
SEGMENT = b"".join(map(line_of, LINES))


@given(st.lists(st.sampled_from(LINES)))
def test_what_is_written_is_read_back(lines: list[Line]) -> None:
    read = read_lines(b"".join(map(line_of, lines)))
    assert (read.happenings, read.damaged) == (lines, 0)


def test_any_tool_reads_a_line() -> None:
    check, happening = json.loads(line_of(end()))
    assert len(check) == 8
    assert (happening["is"], happening["id"], happening["ending"], happening["actual"]) == (
        "final",
        "q#1",
        "S",
        [40, 1],
    )


def test_a_line_that_is_torn_at_any_byte_costs_itself_alone() -> None:
    last = line_of(LINES[-1])
    whole = SEGMENT.removesuffix(last)
    for length in range(1, len(last) - 1):
        read = read_lines(whole + last[:length])
        assert (read.happenings, read.damaged) == (LINES[:-1], 1)
    assert read_lines(SEGMENT[:-1]).happenings == LINES, "all that is missing is the line's end"


@given(st.integers(0, len(SEGMENT) - 1), st.integers(0, 255))
def test_a_changed_byte_is_never_believed(at: int, other: int) -> None:
    damaged = SEGMENT[:at] + bytes([other]) + SEGMENT[at + 1 :]
    read = read_lines(damaged)
    if damaged == SEGMENT:
        return
    assert all(happening in LINES for happening in read.happenings)
    assert len(read.happenings) >= len(LINES) - 2, "a line's end that is gone costs two lines"
    assert read.damaged >= 1


def test_what_follows_a_part_of_a_line_is_read() -> None:
    text = line_of(LINES[0])[:20] + b"\n" + line_of(LINES[1])
    assert read_lines(text).happenings == LINES[1:2]


def test_what_was_refused_may_be_asked_for_again_under_its_id() -> None:
    known = known_of([intent(), Done(id="q#1"), intent(), Sent(id="q#1")])["q#1"]
    assert (known.intent, known.sent, known.end, known.done) == (intent(), True, None, False)


def test_a_later_end_replaces_an_earlier_one() -> None:
    earlier = end(actual=(39, 1))
    assert known_of([earlier, end()])["q#1"].end == end()


def test_a_dead_router_s_holds_end_by_what_is_known_of_them() -> None:
    def ended(*lines: Line) -> End | None:
        return end_of(known_of(lines)["q#1"])

    never_sent, unanswered = ended(intent()), ended(intent(), Sent(id="q#1"))
    assert never_sent is not None
    assert (never_sent.ending, never_sent.actual) == (Ending.VOIDED, (0, 0))
    assert unanswered is not None
    assert (unanswered.ending, unanswered.actual, unanswered.write) == (Ending.UNCONFIRMED, (70, 1), None)
    assert ended(intent(), Sent(id="q#1"), end()) == end()
    assert ended(intent(), Done(id="q#1")) is None, "it was refused"
    assert ended(Sent(id="q#1")) is None, "its first line was damaged: the lease ends it"


def test_what_nobody_can_vouch_for_is_charged_as_it_was_and_marked() -> None:
    doubted = as_unconfirmed(end())
    assert doubted.ending is Ending.UNCONFIRMED
    assert [entry[2] for entry in doubted.entries] == [40, 1]
