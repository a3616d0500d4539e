"""Server-sent events: whole, byte by byte, cut at every offset, with every kind of line end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.sse import EVENT_BYTES_MAX, EventParser, EventTooLarge, frame

# Titles with a stream and the events that are in it.
STREAMS: dict[str, tuple[bytes, list[bytes]]] = {
    "one event": (b'data: {"a":1}\n\n', [b'{"a":1}']),
    "two events": (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "CR": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "line ends of all kinds": (b"data: a\r\n\ndata: b\r\r\ndata: c\n\r\ndata: d\n\n", [b"a", b"b", b"c", b"d"]),
    "several lines make one event": (b"data: a\ndata: b\n\n", [b"a\nb"]),
    "no space after the colon": (b"data:a\n\n", [b"a"]),
    "only one space is taken off": (b"data:  a\n\n", [b" a"]),
    "empty data": (b"data:\n\n", [b""]),
    "comments are passed over": (b": keep-alive\n\ndata: a\n: between\ndata: b\n\n", [b"a\nb"]),
    "other fields are passed over": (b"event: message\nid: 7\nretry: 10\ndata: a\n\n", [b"a"]),
    "a field that only begins like data": (b"database: x\ndata: a\n\n", [b"a"]),
    "blank lines are no events": (b"\n\n\r\n\rdata: a\n\n\n\n", [b"a"]),
    "an event without its blank line is none": (b"data: a\n\ndata: b\n", [b"a"]),
    "nor is half a line": (b"data: a\n\ndata: b", [b"a"]),
    "letters of several bytes": ("data: été 日本 🙂\r\n\r\ndata: x\n\n".encode(), ["été 日本 🙂".encode(), b"x"]),
    "separators that only Unicode knows": (
        "data: a\u2028b\u0085c\x0bd\n\n".encode(),
        ["a\u2028b\u0085c\x0bd".encode()],
    ),
    "the last event of Mistral": (b'data: {"p":"abc"}\n\ndata: [DONE]\n\n', [b'{"p":"abc"}', b"[DONE]"]),
}


def fed(*pieces: bytes) -> list[bytes]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("title", STREAMS)
def test_a_stream_is_read_whole(title: str) -> None:
    stream, events = STREAMS[title]
    assert fed(stream) == events


@pytest.mark.parametrize("title", STREAMS)
def test_a_stream_is_read_byte_by_byte(title: str) -> None:
    stream, events = STREAMS[title]
    assert fed(*(stream[at : at + 1] for at in range(len(stream)))) == events


@pytest.mark.parametrize("title", STREAMS)
def test_a_stream_is_read_wherever_it_is_cut(title: str) -> None:
    stream, events = STREAMS[title]
    for at in range(len(stream) + 1):
        assert fed(stream[:at], b"", stream[at:]) == events, f"cut at {at}"


LINES = st.sampled_from([b"data: a", b"data:b", b"data", b"", b"", b": c", b"id: 1", b"data: \xc3\xa9"])


@given(st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"]))), st.lists(st.integers(0, 200)))
def test_the_pieces_a_stream_comes_in_change_nothing(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[begin:end] for begin, end in itertools.pairwise(edges)]
    assert fed(*pieces) == fed(stream)


@given(st.lists(st.binary().map(lambda data: data.replace(b"\n", b" ").replace(b"\r", b" "))))
def test_what_is_framed_is_read_back(events: list[bytes]) -> None:
    assert fed(b"".join(frame(event) for event in events)) == events


PIECE = b"x" * (1024 * 1024)


def test_a_line_without_an_end_is_cut_off_at_the_bound() -> None:
    with pytest.raises(EventTooLarge):
        fed(b"data: ", *[PIECE] * (EVENT_BYTES_MAX // len(PIECE) + 1))


def test_an_event_of_many_lines_without_an_end_is_cut_off_at_the_bound() -> None:
    with pytest.raises(EventTooLarge):
        fed(*[b"data: " + PIECE + b"\n"] * (EVENT_BYTES_MAX // len(PIECE) + 1))


def test_many_events_that_end_are_never_too_large() -> None:
    parser = EventParser()
    assert sum(len(parser.feed(frame(PIECE))) for _ in range(12)) == 12


def test_a_long_comment_takes_no_memory() -> None:
    parser = EventParser()
    for _ in range(12):
        # Kept, twelve of them would be beyond the bound.
        assert parser.feed(b": " + PIECE + b"\n") == []
