"""Streams as Anthropic's events, held against the SDK's types, and its accumulator against the whole answer."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import APIStatusError
from hypothesis import given
from hypothesis import strategies as st

from router.errors import UpstreamBadResponse
from router.wire.anthropic.blocks import SIGNATURE
from tests.wire.anthropic.answered import (
    accumulated,
    answer,
    call,
    events,
    frames,
    held,
    plain,
    valid,
    voice,
    whole,
)
from tests.wire.anthropic.asked import HI, Body, assistant, sent, user

A, B = "aaaaaaaaa", "bbbbbbbbb"


def fragment(index: int, arguments: str, **fields: Any) -> Body:
    """A later piece of a call, as Mistral sends it: without a name, the id absent or the string "null"."""
    return {"index": index, "function": {"name": "", "arguments": arguments}, **fields}


def test_a_stream_is_told_event_by_event() -> None:
    told = frames({"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo."})
    start = {
        "id": "msg_0a1b",
        "type": "message",
        "role": "assistant",
        "model": "mistral-small-2603",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        # Not known yet; the true numbers come with message_delta, where the SDK takes them.
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
    assert [valid([frame]) for frame in told] == [
        [{"type": "message_start", "message": start}, {"type": "ping"}],
        [
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        ],
        [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}}],
        [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {
                    "input_tokens": 10,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 20,
                    "output_tokens": 7,
                    "cost": 0.25,
                },
            },
            {"type": "message_stop"},
        ],
    ]


def test_thoughts_come_before_the_text_in_a_block_of_their_own() -> None:
    told = valid(frames({"reasoning_content": "2 +"}, {"reasoning_content": " 2"}, {"content": "Four."}))
    assert [(event["type"], event.get("index"), event.get("delta", {}).get("type")) for event in told] == [
        ("message_start", None, None),
        ("ping", None, None),
        ("content_block_start", 0, None),
        ("content_block_delta", 0, "thinking_delta"),
        ("content_block_delta", 0, "thinking_delta"),
        ("content_block_delta", 0, "signature_delta"),
        ("content_block_stop", 0, None),
        ("content_block_start", 1, None),
        ("content_block_delta", 1, "text_delta"),
        ("content_block_stop", 1, None),
        ("message_delta", None, None),
        ("message_stop", None, None),
    ]
    assert told[5]["delta"]["signature"] == SIGNATURE


def test_a_call_is_one_block_however_it_came() -> None:
    pieces = (
        {"tool_calls": [call(A, "", index=0)]},
        {"tool_calls": [fragment(0, '{"q"', id="null")]},
        {"tool_calls": [fragment(0, ": 1}")]},
    )
    told = frames(*pieces, finish="tool_calls")
    # The app hears that the stream lives while a call is put together.
    assert [[event["type"] for event in events([frame])] for frame in told[:-1]] == [
        ["message_start", "ping", "ping"],
        ["ping"],
        ["ping"],
    ]
    assert valid(told[-1:])[:3] == [
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": A, "name": "look_up", "input": {}},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
        {"type": "content_block_stop", "index": 0},
    ]


def test_fragments_of_calls_may_be_mixed() -> None:
    pieces = (
        {"content": "Let me see.", "tool_calls": [call(A, '{"q', index=0), call(B, '{"r', index=1)]},
        {"tool_calls": [fragment(1, '": 2}'), fragment(0, '": 1}')]},
    )
    told = plain(accumulated(frames(*pieces, finish="tool_calls")))
    assert [block.get("input") for block in told["content"]] == [None, {"q": 1}, {"r": 2}]
    assert told["stop_reason"] == "tool_use"


def test_arguments_that_are_no_json_do_not_make_the_sdk_raise() -> None:
    told = accumulated(frames({"tool_calls": [call(A, "{q: }", index=0)]}, finish="tool_calls"))
    assert plain(told)["content"][0]["input"] == {"INVALID_JSON": "{q: }"}


@pytest.mark.parametrize("apart", [True, False])
def test_the_end_is_found_in_one_chunk_or_two(apart: bool) -> None:
    told = events(frames({"content": "x"}, finish="length", apart=apart, router={"reason": "pinned"}))
    assert told[-2]["delta"]["stop_reason"] == "max_tokens"
    assert told[-2]["usage"]["input_tokens"] == 10
    assert told[-2]["router"] == {"reason": "pinned"}


def test_a_stream_without_content_is_a_message_all_the_plain() -> None:
    told = frames()
    assert [event["type"] for event in valid(told)] == ["message_start", "ping", "message_delta", "message_stop"]
    assert accumulated(told).content == []


def test_thoughts_are_kept_back_from_an_app_that_asks_for_it() -> None:
    asked = {"thinking": {"type": "enabled", "display": "omitted"}}
    told = frames({"reasoning_content": "secret"}, {"content": "Four."}, **asked)
    assert b"secret" not in b"".join(told)
    assert (
        plain(accumulated(told))["content"]
        == whole(answer(content="Four.", reasoning_content="secret"), **asked)["content"]
    )


@pytest.mark.parametrize("pieces", [["Well, (B", ")"], ["We", "ll", ", (", "B)"], ["B)"], ["W", "ow"], ["We"]])
def test_an_answer_goes_on_behind_the_prefill(pieces: list[str]) -> None:
    asked = {"messages": [HI, {"role": "assistant", "content": "Well, ("}]}
    told = accumulated(frames(*({"content": piece} for piece in pieces), **asked))
    assert plain(told)["content"] == whole(answer(content="".join(pieces)), **asked)["content"]


def test_a_broken_stream_ends_with_an_error_that_the_sdk_raises() -> None:
    said = voice()
    chunk = {"id": "0a1b", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    error = UpstreamBadResponse("The upstream broke off.", code="stream_broken")
    told = [said.chunk(chunk), said.broken(error)]
    last = events(told)[-1]
    assert (last["type"], last["error"]["type"], last["error"]["code"]) == ("error", "api_error", "stream_broken")
    with pytest.raises(APIStatusError) as caught:
        accumulated(told)
    assert (caught.value.type, caught.value.error_code) == ("api_error", "stream_broken")


WORDS = st.sampled_from(["a", " b", "\n", "é", "{", "The end."])
ARGUMENTS = st.sampled_from(["", "{}", '{"q": 1}', '{"q": {"r": ["é", null]}}', '{"q": ', "[]"])


@given(
    st.lists(WORDS, max_size=3),
    st.lists(WORDS, max_size=3),
    st.lists(ARGUMENTS, max_size=3),
    st.integers(1, 9),
    st.data(),
)
def test_the_stream_and_the_whole_answer_are_the_same_message(
    thought: list[str], said: list[str], arguments: list[str], cut: int, data: st.DataObject
) -> None:
    ids = [f"call{index:05}" for index in range(len(arguments))]
    deltas: list[Body] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]} for piece in thought]
    deltas += [{"content": piece} for piece in said]
    for index, written in enumerate(arguments):
        first, *rest = [written[at : at + cut] for at in range(0, max(len(written), 1), cut)]
        deltas.append({"tool_calls": [call(ids[index], first, index=index)]})
        deltas += [{"tool_calls": [fragment(index, piece)]} for piece in rest]
    finish = data.draw(st.sampled_from(["stop", "length", "tool_calls"]))
    message: Body = {"content": "".join(said), "reasoning_content": "".join(thought)}
    message["tool_calls"] = [call(*pair) for pair in zip(ids, arguments, strict=True)]
    told = frames(*deltas, finish=finish)
    valid(told)
    assert plain(accumulated(told)) == held(whole(answer(finish, **message)))


def test_what_the_sdk_gives_back_is_paired_again() -> None:
    told = accumulated(
        frames({"reasoning_content": "Hm."}, {"content": "So."}, {"tool_calls": [call(A, '{"q": 1}', index=0)]})
    )
    block = {"type": "tool_result", "tool_use_id": told.content[-1].id, "content": "found"}  # type: ignore[union-attr]
    assert sent(HI, assistant(*plain(told)["content"]), user(block))[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True},
                {"type": "text", "text": "So."},
            ],
            "tool_calls": [call(A, '{"q":1}')],
        },
        {"role": "tool", "tool_call_id": A, "content": "found"},
    ]


def test_nothing_is_made_of_a_chunk_that_says_nothing() -> None:
    said = voice()
    said.chunk({"id": "0a1b", "model": "m", "choices": []})
    assert said.chunk({"id": "0a1b", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}) == b""
