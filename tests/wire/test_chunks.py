"""Streams in every shape that Mistral sends, made whole for the SDKs of either dialect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.chat import Dialect
from router.wire.chunks import Chunks
from router.wire.sse import DONE, EventParser
from tests.wire.streams import ROLE, SHAPES, USAGE, Chunk, Read, call, chunk


class Ran:
    """A stream after it has run: what was passed on, and what an SDK would make of it."""

    def __init__(self, *stream: Chunk | bytes, dialect: Dialect = Dialect.OPENAI) -> None:
        self.chunks = Chunks(model="m", dialect=dialect)
        fed = [self.chunks.feed(one if isinstance(one, bytes) else json.dumps(one).encode()) for one in stream]
        self.passed = [made for made in fed if made is not None]
        self.read = Read()
        for made in self.passed:
            self.read.add(made)
        assert not self.read.finishes, "the finish comes last"
        self.text, self.thought = self.read.text.get(0, ""), self.read.thought

    def last(self, apart: bool = False) -> list[Chunk]:
        return self.chunks.last(usage=self.chunks.usage, router={"chosen": "m"}, apart=apart)


@pytest.mark.parametrize("title", SHAPES)
def test_an_openai_sdk_reads_every_shape(title: str) -> None:
    stream, (text, thought, calls, finish) = SHAPES[title]
    ran = Ran(*stream)
    assert (ran.text, ran.thought, list(ran.read.calls.values())) == (text, thought, calls)
    assert [choice["finish_reason"] for choice in ran.last()[0]["choices"]] == [finish]
    assert (ran.chunks.usage, ran.chunks.finished, ran.chunks.in_error) == (USAGE, True, False)


@pytest.mark.parametrize("title", SHAPES)
@pytest.mark.parametrize("dialect", Dialect)
def test_every_chunk_names_the_model_that_answers_and_none_has_padding_or_usage(title: str, dialect: Dialect) -> None:
    for made in Ran(*SHAPES[title][0], dialect=dialect).passed:
        assert made["model"] == "m"
        assert made.keys() == {"id", "object", "created", "model", "choices"}


def test_mistrals_own_sdk_gets_its_lists() -> None:
    stream = SHAPES["6: thoughts in lists, a mixed list, then text"][0]
    passed = Ran(*stream, dialect=Dialect.MISTRAL).passed
    assert [made["choices"][0]["delta"]["content"] for made in passed] == [
        one["choices"][0]["delta"]["content"] for one in stream
    ]


def test_a_chunk_that_only_ends_is_held_back() -> None:
    chunks = Chunks(model="m", dialect=Dialect.OPENAI)
    assert chunks.feed(json.dumps(chunk({"content": ""}, "stop")).encode()) is None
    assert chunks.finished


@pytest.mark.parametrize(
    ("delta", "content"),
    [
        (ROLE, False),
        ({"content": ""}, False),
        ({"content": []}, False),
        ({"content": "a"}, True),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]}, True),
        ({"tool_calls": [call("", 0, "a", id="aaaaaaaaa")]}, True),
        ({"tool_calls": []}, False),
        ({"tool_calls": None}, False),
    ],
)
def test_content_is_text_thought_or_a_call_and_a_role_is_none(delta: Chunk, content: bool) -> None:
    assert Ran(chunk(delta)).chunks.has_content is content


def test_the_end_carries_usage_and_what_the_router_did() -> None:
    [end] = Ran(chunk({"content": "a"}, "stop", usage=USAGE)).last()
    assert end == {
        "id": "c0",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": USAGE,
        "router": {"chosen": "m"},
    }


def test_usage_comes_apart_when_the_app_asked_for_openais_usage_chunk() -> None:
    end, usage = Ran(chunk({"content": "a"}, "stop", usage=USAGE)).last(apart=True)
    assert "usage" not in end
    assert [choice["finish_reason"] for choice in end["choices"]] == ["stop"]
    assert (usage["choices"], usage["usage"], usage["router"]) == ([], USAGE, {"chosen": "m"})
    assert usage["id"] == end["id"] == "c0"


def test_each_of_several_answers_ends_for_itself() -> None:
    second = chunk({"content": "b"}, "length")
    second["choices"][0]["index"] = 1
    [end] = Ran(second, chunk({"content": "a"}, "stop")).last()
    assert [(choice["index"], choice["finish_reason"]) for choice in end["choices"]] == [(0, "stop"), (1, "length")]


def test_calls_of_several_answers_are_kept_apart() -> None:
    second = chunk({"tool_calls": [call("{}", 0, "time", id="hTJNKjPlU")]})
    second["choices"][0]["index"] = 1
    first = chunk({"tool_calls": [call("{}", 0, "weather", id="gSIMJiOkT")]})
    chunks = Chunks(model="m", dialect=Dialect.OPENAI)
    passed = [chunks.feed(json.dumps(one).encode()) for one in (first, second)]
    ids = [made["choices"][0]["delta"]["tool_calls"][0].get("id") for made in passed if made]
    assert ids == ["gSIMJiOkT", "hTJNKjPlU"]


@pytest.mark.parametrize("call_id", ["null", "", None])
def test_an_id_that_is_none_is_never_passed_on(call_id: str | None) -> None:
    [made] = Ran(chunk({"tool_calls": [call("{}", 0, "time", id=call_id)]})).passed
    assert "id" not in made["choices"][0]["delta"]["tool_calls"][0]


def ids_in_fragments(dialect: Dialect) -> list[str | None]:
    stream, _ = SHAPES['4: fragments without an id or with the id "null"']
    calls = [made["choices"][0]["delta"].get("tool_calls") for made in Ran(*stream, dialect=dialect).passed]
    return [fragment.get("id") for fragments in calls for fragment in fragments or ()]


def test_openais_sdk_gets_a_calls_id_once_for_it_would_append_it_again() -> None:
    assert ids_in_fragments(Dialect.OPENAI) == ["gSIMJiOkT", None, None, None]


def test_mistrals_clients_get_a_calls_id_with_every_fragment_for_one_makes_up_its_own() -> None:
    assert ids_in_fragments(Dialect.MISTRAL) == ["gSIMJiOkT"] * 4


def test_a_finish_in_error_is_seen_inside_a_200() -> None:
    assert Ran(chunk({"content": "a"}, "error")).chunks.in_error


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[DONE]", b"{", b"null", b"[]", b'"x"', b"{}", b"\xff", b'{"error": {"message": "no"}}'),
        b'{"choices": null}',
        b'{"choices": [{"index": "0", "delta": {}}]}',
        b'{"choices": [{"index": [], "delta": {}, "finish_reason": "stop"}]}',
        b'{"choices": [{"index": null, "delta": {}, "finish_reason": "stop"}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": {}, "function": {}}]}}]}',
        b'{"choices": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_chunk_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        Ran(data)


@pytest.mark.parametrize("calls", [5, "x", {"a": 1}, [5], [None]])
def test_calls_that_are_none_are_no_content(calls: Any) -> None:
    assert not Ran(chunk({"content": "", "tool_calls": calls}), dialect=Dialect.MISTRAL).chunks.has_content


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["index", "delta", "finish_reason", "tool_calls", "content", "function", "id", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.builds(lambda choice: {"choices": [choice]}, JSON) | JSON, max_size=4), st.sampled_from(Dialect))
def test_any_stream_is_passed_on_or_is_an_error(stream: list[Any], dialect: Dialect) -> None:
    chunks = Chunks(model="m", dialect=dialect)
    try:
        for one in stream:
            chunks.feed(json.dumps(one).encode())
    except ValueError:
        return
    assert chunks.last(usage=None, router=None, apart=False)


RECORDED = Path(__file__).parent / "recorded"


@pytest.mark.parametrize(
    ("name", "text", "thought", "tokens"),
    [
        ("padded.sse", "Why did OpenTelemetry day.)", "", 43),
        (
            "thinking.sse",
            "To cross the street safely, follow these steps crossing.",
            "Okay, the user a clear and concise response.",
            232,
        ),
    ],
)
def test_a_recorded_stream_is_the_same_wherever_it_is_cut(name: str, text: str, thought: str, tokens: int) -> None:
    stream = (RECORDED / name).read_bytes()
    for at in range(0, len(stream), 7):
        parser = EventParser()
        events = [event for piece in (stream[:at], stream[at:]) for event in parser.feed(piece)]
        assert events.pop() == DONE
        ran = Ran(*events)
        assert (ran.text, ran.thought, ran.chunks.usage["completion_tokens"]) == (text, thought, tokens)
        assert ran.chunks.finishes == {0: "stop"}
