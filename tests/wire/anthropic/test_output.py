"""Whole answers as Anthropic's messages, held against the SDK's types."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import Message

from router.wire.anthropic.blocks import SIGNATURE
from router.wire.anthropic.format import counted
from tests.wire.anthropic.answered import answer, call, whole
from tests.wire.anthropic.asked import HI, Body, text


def use(call_id: str, arguments: Body) -> Body:
    return {"type": "tool_use", "id": call_id, "name": "look_up", "input": arguments}


def thought(said: str) -> Body:
    return {"type": "thinking", "thinking": said, "signature": SIGNATURE}


A, B = "aaaaaaaaa", "bbbbbbbbb"
# What Mistral says, and the blocks it becomes.
CONTENT: list[tuple[Body, list[Body]]] = [
    ({"content": "Hello."}, [text("Hello.")]),
    ({"content": ""}, []),
    ({"content": None}, []),
    ({"content": "Four.", "reasoning_content": "2 + 2"}, [thought("2 + 2"), text("Four.")]),
    ({"tool_calls": None, "content": "x"}, [text("x")]),
    ({"tool_calls": [call(A, '{"q": 1}')]}, [use(A, {"q": 1})]),
    ({"tool_calls": [call(A, {"q": 1})]}, [use(A, {"q": 1})]),
    ({"tool_calls": [call(A, ""), call(B, " ")]}, [use(A, {}), use(B, {})]),
    (
        {"content": "Let me see.", "reasoning_content": "Hm.", "tool_calls": [call(A), call(B)]},
        [thought("Hm."), text("Let me see."), use(A, {}), use(B, {})],
    ),
    # What is no object is neither lost nor made up.
    ({"tool_calls": [call(A, '{"q": ')]}, [use(A, {"INVALID_JSON": '{"q": '})]),
    ({"tool_calls": [call(A, "[1]")]}, [use(A, {"INVALID_JSON": "[1]"})]),
    ({"tool_calls": [call(A, "[" * 100_000)]}, [use(A, {"INVALID_JSON": "[" * 100_000})]),
]


@pytest.mark.parametrize(("said", "blocks"), CONTENT, ids=lambda case: str(case)[:60])
def test_what_is_said_becomes_blocks(said: Body, blocks: list[Body]) -> None:
    told = whole(answer(**said))
    Message.model_validate(told, strict=True)
    assert told["content"] == blocks


def test_a_message_is_whole() -> None:
    told = whole(answer(content="Hello."))
    assert told == {
        "id": "msg_0a1b",
        "type": "message",
        "role": "assistant",
        "model": "mistral-small-2603",
        "content": [text("Hello.")],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 20,
            "output_tokens": 7,
            "cost": 0.25,
        },
    }


@pytest.mark.parametrize(
    ("finish", "calls", "reason"),
    [
        ("stop", [], "end_turn"),
        ("length", [], "max_tokens"),
        ("model_length", [], "model_context_window_exceeded"),
        ("tool_calls", [call(A)], "tool_use"),
        # Agents run tools when they read this, so it follows the calls.
        ("stop", [call(A)], "tool_use"),
        # A call that was cut off is not to be run.
        ("length", [call(A, '{"q')], "max_tokens"),
        ("something_new", [], "end_turn"),
        (None, [], "end_turn"),
    ],
)
def test_why_it_stopped_is_told_in_anthropics_words(finish: Any, calls: list[Body], reason: str) -> None:
    told = whole(answer(finish, tool_calls=calls))
    Message.model_validate(told, strict=True)
    assert told["stop_reason"] == reason


def test_ids_are_made_of_what_came_and_always_the_same() -> None:
    nameless = answer(tool_calls=[call(None), call(None)])
    del nameless["id"]
    told, again = whole(nameless), whole(nameless)
    assert told == again
    assert told["id"].startswith("msg_")
    ids = [block["id"] for block in told["content"]]
    assert len(set(ids)) == 2
    assert all(len(made) == 9 and made.isalnum() for made in ids)
    assert whole({**nameless, "created": 2})["id"] != told["id"]


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many"}])
def test_an_unknown_usage_is_told_as_zeros(usage: Any) -> None:
    told = whole({**answer(content="x"), "usage": usage})
    Message.model_validate(told, strict=True)
    assert (told["usage"]["input_tokens"], told["usage"]["output_tokens"]) == (0, 0)


def test_what_the_router_did_stands_beside_the_message() -> None:
    assert whole({**answer(content="x"), "router": {"reason": "pinned"}})["router"] == {"reason": "pinned"}
    assert "router" not in whole(answer(content="x"))


def test_thoughts_are_kept_back_from_an_app_that_asks_for_it() -> None:
    said = answer(content="Four.", reasoning_content="2 + 2")
    told = whole(said, thinking={"type": "adaptive", "display": "omitted"})
    assert told["content"] == [thought(""), text("Four.")]
    shown = whole(said, thinking={"type": "adaptive", "display": "summarized"})
    assert shown["content"] == [thought("2 + 2"), text("Four.")]


@pytest.mark.parametrize(
    ("prefill", "said", "told"),
    [
        ("{", '{"a": 1}', '"a": 1}'),
        ("The best answer is (", "B)", "B)"),
        ("(", "(", None),
        ("((", "(", "("),
    ],
)
def test_an_answer_goes_on_behind_the_prefill(prefill: str, said: str, told: str | None) -> None:
    found = whole(answer(content=said), messages=[HI, {"role": "assistant", "content": prefill}])["content"]
    assert found == ([text(told)] if told else [])


def test_a_count_is_one_number() -> None:
    assert counted(7) == b'{"input_tokens":7}'
