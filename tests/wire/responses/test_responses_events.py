"""Streams in Responses events: their order, their bookkeeping, and that they end as a plain answer would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from router.errors import UpstreamBadResponse
from tests.wire.responses.speaking import (
    USAGE,
    Body,
    answer,
    call,
    chunk,
    events,
    kinds,
    last,
    streamed,
    voice,
)

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ROLE = chunk(role="assistant", content="")
SUMMARY = {"reasoning": {"summary": "auto"}}
OPENING = ["created", "in_progress"]
TEXT = ["output_item.added", "content_part.added", "output_text.delta"]
TEXT_DONE = ["output_text.done", "content_part.done", "output_item.done"]
CALL = ["output_item.added", "function_call_arguments.delta"]
CALL_DONE = ["function_call_arguments.done", "output_item.done"]


def checked(stream: bytes) -> list[Body]:
    """The events, each held against OpenAI's own types."""
    found = events(stream)
    for event in found:
        valid = EVENT.validate_json(json.dumps(event), strict=True)
        assert valid.type == event["type"]
    return found


def final(stream: bytes) -> Body:
    """The response that a stream ends with."""
    body: Body = checked(stream)[-1]["response"]
    return body


def test_a_text_is_told_from_beginning_to_end() -> None:
    stream = streamed(voice(), ROLE, chunk(content="Hel"), chunk(content="lo."))
    found = checked(stream)
    assert kinds(stream) == [*OPENING, *TEXT, "output_text.delta", *TEXT_DONE, "completed"]
    assert [event["delta"] for event in found if "delta" in event] == ["Hel", "lo."]
    assert found[0]["response"]["status"] == "in_progress"
    assert found[0]["response"]["usage"] is None
    item = {"id": "msg_0a1b2c_0", "type": "message", "role": "assistant"}
    part = {"type": "output_text", "annotations": [], "logprobs": []}
    at = {"item_id": "msg_0a1b2c_0", "output_index": 0, "content_index": 0}
    assert found[2]["item"] == {**item, "status": "in_progress", "content": []}
    assert found[3] == {
        "type": "response.content_part.added",
        "sequence_number": 3,
        **at,
        "part": {**part, "text": ""},
    }
    assert found[6]["text"] == "Hello."
    assert found[7]["part"] == {**part, "text": "Hello."}
    assert found[8]["item"] == {**item, "status": "completed", "content": [{**part, "text": "Hello."}]}


@pytest.mark.parametrize(
    ("asked", "form"),
    [
        ({}, ["content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"]),
        (
            SUMMARY,
            [
                "reasoning_summary_part.added",
                "reasoning_summary_text.delta",
                "reasoning_summary_text.done",
                "reasoning_summary_part.done",
            ],
        ),
    ],
    ids=["text", "summary"],
)
def test_a_thought_is_done_before_the_text_begins(asked: Body, form: list[str]) -> None:
    stream = streamed(voice(**asked), ROLE, chunk(reasoning_content="Hm."), chunk(content="Yes."))
    thought = ["output_item.added", *form, "output_item.done"]
    assert kinds(stream) == [*OPENING, *thought, *TEXT, *TEXT_DONE, "completed"]
    checked(stream)


def test_a_chunk_that_holds_both_tells_both() -> None:
    both = chunk(reasoning_content="Hm.", content="Yes.", tool_calls=[call(0, "aaaaaaaaa", "{}")])
    told = final(streamed(voice(), both))
    assert [item["type"] for item in told["output"]] == ["reasoning", "message", "function_call"]


def test_a_whole_call_is_told_like_a_fragmented_one() -> None:
    whole = streamed(voice(), chunk(tool_calls=[call(0, "aaaaaaaaa", '{"word":"a"}')]), end=last("tool_calls"))
    pieces = streamed(
        voice(),
        chunk(tool_calls=[call(0, "aaaaaaaaa", "")]),
        chunk(tool_calls=[call(0, None, '{"word"', None)]),
        chunk(tool_calls=[call(0, None, ':"a"}', None)]),
        end=last("tool_calls"),
    )
    assert kinds(whole) == [*OPENING, *CALL, *CALL_DONE, "completed"]
    assert kinds(pieces) == [*OPENING, *CALL, "function_call_arguments.delta", *CALL_DONE, "completed"]
    assert final(whole) == final(pieces)


def test_a_text_is_done_before_its_calls_begin() -> None:
    calls = [call(0, "aaaaaaaaa", "{}"), call(1, "bbbbbbbbb", "{}")]
    stream = streamed(voice(), chunk(content="Wait."), chunk(tool_calls=calls), end=last("tool_calls"))
    assert kinds(stream) == [*OPENING, *TEXT, *TEXT_DONE, *CALL, *CALL, *CALL_DONE, *CALL_DONE, "completed"]
    assert [event["output_index"] for event in checked(stream) if "output_index" in event] == [
        *([0] * 6),
        *(1, 1, 2, 2),
        *(1, 1, 2, 2),
    ]


def test_a_call_that_goes_on_after_another_began_loses_nothing() -> None:
    stream = streamed(
        voice(),
        chunk(tool_calls=[call(0, "aaaaaaaaa", '{"word":')]),
        chunk(tool_calls=[call(1, "bbbbbbbbb", '{"word":"b"}')]),
        chunk(content="Soon."),
        chunk(tool_calls=[call(0, None, '"a"}', None)]),
        end=last("tool_calls"),
    )
    told = final(stream)
    assert [item.get("arguments") for item in told["output"]] == ['{"word":"a"}', '{"word":"b"}', None]
    assert [item.get("call_id") for item in told["output"]] == ["aaaaaaaaa", "bbbbbbbbb", None]
    deltas = [event for event in events(stream) if event["type"].endswith("arguments.delta")]
    assert [event["item_id"] for event in deltas] == ["fc_0a1b2c_0", "fc_0a1b2c_1", "fc_0a1b2c_0"]


def test_a_text_that_comes_again_is_an_item_of_its_own() -> None:
    parts = [chunk(content="a"), chunk(reasoning_content="b"), chunk(content="c")]
    told = final(streamed(voice(), *parts))
    assert [(item["type"], item["content"][0]["text"]) for item in told["output"]] == [
        ("message", "a"),
        ("reasoning", "b"),
        ("message", "c"),
    ]


def test_a_stream_that_was_cut_short_is_incomplete_at_its_end() -> None:
    stream = streamed(voice(), chunk(reasoning_content="Hm."), chunk(content="Hel"), end=last("length"))
    told = final(stream)
    assert kinds(stream)[-1] == "incomplete"
    assert told["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in told["output"]] == ["completed", "incomplete"]


def test_a_call_that_was_cut_short_is_told_so() -> None:
    calls = [call(0, "aaaaaaaaa", "{}"), call(1, "bbbbbbbbb", '{"wo')]
    told = final(streamed(voice(), chunk(tool_calls=calls), end=last("length")))
    assert [item["status"] for item in told["output"]] == ["completed", "incomplete"]


def test_the_end_carries_usage_and_what_the_router_did() -> None:
    told = final(streamed(voice(), chunk(content="x"), end=last(router={"chosen": "m"})))
    assert (told["router"], told["usage"]["total_tokens"], told["usage"]["cost"]) == ({"chosen": "m"}, 47, 0.0000123)
    assert "router" not in final(streamed(voice(), chunk(content="x")))
    assert final(streamed(voice(), chunk(content="x"), end=last(usage=None)))["usage"] is None


def test_usage_in_a_chunk_of_its_own_is_found() -> None:
    speaker = voice()
    finish, usage = last("length", usage=None), {**last(), "choices": [], "usage": USAGE, "router": {"chosen": "m"}}
    told = final(speaker.chunk(chunk(content="x")) + speaker.end([finish, usage]))
    assert (told["status"], told["usage"]["input_tokens"], told["router"]) == ("incomplete", 40, {"chosen": "m"})


def test_a_stream_without_content_ends_like_an_empty_answer() -> None:
    assert final(streamed(voice())) == json.loads(voice().whole(answer(content="")))


def test_a_broken_stream_ends_with_an_error_and_nothing_else() -> None:
    speaker = voice()
    error = UpstreamBadResponse("The upstream broke off.", code="stream_broken")
    stream = speaker.chunk(chunk(content="x")) + speaker.broken(error)
    told = checked(stream)[-1]
    assert told == {
        "type": "error",
        "sequence_number": 5,
        "code": "stream_broken",
        "message": "The upstream broke off.",
        "param": None,
        "error": error.told(),
    }
    assert b"[DONE]" not in stream


PIECES = st.lists(st.text(min_size=1, max_size=4), max_size=3)
CALLS = st.lists(PIECES, max_size=3)
FINISHES = st.sampled_from(["stop", "length", "tool_calls", "content_filter"])


@given(PIECES, PIECES, CALLS, FINISHES, st.sampled_from([{}, SUMMARY]), st.booleans())
def test_a_stream_ends_with_the_object_of_a_plain_answer(
    thought: list[str], text: list[str], calls: list[list[str]], finish: str, asked: Body, together: bool
) -> None:
    heads = [call(index, f"aaaaaaaa{index}", "") for index in range(len(calls))]
    rests = [call(index, None, piece, None) for index, pieces in enumerate(calls) for piece in pieces]
    fragments = [[*heads, *rests]] if together else [[fragment] for fragment in [*heads, *rests]]
    chunks = [
        *(chunk(reasoning_content=piece) for piece in thought),
        *(chunk(content=piece) for piece in text),
        *(chunk(tool_calls=pieces) for pieces in fragments if pieces),
    ]
    plain = answer(
        finish,
        content="".join(text),
        reasoning_content="".join(thought),
        tool_calls=[call(index, f"aaaaaaaa{index}", "".join(pieces)) for index, pieces in enumerate(calls)],
    )
    assert final(streamed(voice(**asked), *chunks, end=last(finish))) == json.loads(voice(**asked).whole(plain))


def test_what_is_no_call_is_passed_over() -> None:
    calls: list[Any] = ["x", call(0, "aaaaaaaaa", "{}")]
    told = final(streamed(voice(), chunk(tool_calls=calls)))
    assert told["output"] == json.loads(voice().whole(answer(tool_calls=calls)))["output"]
    assert len(told["output"]) == 1
