"""Whole answers as Response objects."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import Response

from tests.wire.responses.speaking import HEAD, TOOL, USAGE, Body, answer, call, turns, user, voice


def whole(asked: Body | None = None, finish: str = "stop", **fields: Any) -> Body:
    """The object that `fields` of a chat answer come to, held against OpenAI's own type."""
    body = voice(**(asked or {})).whole(answer(finish, **fields))
    Response.model_validate_json(body, strict=True)
    told: Body = json.loads(body)
    return told


def test_an_answer_is_a_complete_response() -> None:
    assert whole(content="Hello.") == {
        "id": "resp_0a1b2c",
        "object": "response",
        "created_at": HEAD["created"],
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": "mistral-small-2603",
        "output": [
            {
                "id": "msg_0a1b2c_0",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []}],
            }
        ],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 40,
            "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 47,
            "cost": 0.0000123,
        },
    }


def test_the_answer_repeats_what_was_asked_for() -> None:
    form = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    asked: Body = {
        "instructions": "Be brief.",
        "tools": [TOOL],
        "tool_choice": {"type": "function", "name": "look_up"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 50,
        "reasoning": {"effort": "low"},
        "prompt_cache_key": "k",
    }
    more = {"text": {"format": form, "verbosity": "low"}, "metadata": {"a": "b", "tags": ["x"]}, "store": True}
    told = whole({**asked, **more}, content="{}")
    assert {name: told[name] for name in asked} == {**asked, "reasoning": {"effort": "low", "summary": None}}
    assert (told["text"], told["metadata"], told["store"]) == ({"format": form}, {"a": "b"}, False)


def test_thought_text_and_calls_are_items_in_this_order() -> None:
    told = whole(
        content="Wait.", reasoning_content="Hm.", tool_calls=[call(0, "aaaaaaaaa", '{"word":"a"}'), call(1, None, "{}")]
    )
    assert [item["id"] for item in told["output"]] == ["rs_0a1b2c_0", "msg_0a1b2c_1", "fc_0a1b2c_2", "fc_0a1b2c_3"]
    thought, _, first, second = told["output"]
    assert (thought["summary"], thought["content"]) == ([], [{"type": "reasoning_text", "text": "Hm."}])
    assert first == {
        "id": "fc_0a1b2c_2",
        "type": "function_call",
        "status": "completed",
        "call_id": "aaaaaaaaa",
        "name": "look_up",
        "arguments": '{"word":"a"}',
    }
    assert second["call_id"] == "call_0a1b2c_3"


def test_who_asks_for_a_summary_finds_the_thought_there() -> None:
    told = whole({"reasoning": {"summary": "auto"}}, content="Yes.", reasoning_content="Hm.")
    assert told["output"][0]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert "content" not in told["output"][0]
    assert told["reasoning"]["summary"] == "auto"


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("model_length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_the_finish_says_whether_the_response_is_complete(finish: str, status: str, reason: str | None) -> None:
    told = whole(finish=finish, content="Hel", reasoning_content="Hm.")
    assert (told["status"], (told["incomplete_details"] or {}).get("reason")) == (status, reason)
    assert [item["status"] for item in told["output"]] == ["completed", status]


def test_an_answer_that_says_nothing_has_an_empty_text() -> None:
    assert [item["content"][0]["text"] for item in whole(content=None)["output"]] == [""]
    assert [item["type"] for item in whole(content="", reasoning_content="Hm.")["output"]] == ["reasoning"]
    calls = whole(content="", tool_calls=[call(0, "aaaaaaaaa", "{}")])
    assert [item["type"] for item in calls["output"]] == ["function_call"]


def test_arguments_that_come_as_an_object_are_written_as_text() -> None:
    wrong: Any = {"word": "a"}
    told = whole(tool_calls=[call(0, "aaaaaaaaa", wrong), call(1, "bbbbbbbbb", "", None)])
    assert [item["arguments"] for item in told["output"]] == ['{"word":"a"}', ""]


def test_usage_that_is_not_known_is_not_made_up() -> None:
    assert whole(content="x", usage=None)["usage"] is None
    reasoned = {**USAGE, "completion_tokens_details": {"reasoning_tokens": 5}}
    assert whole(content="x", usage=reasoned)["usage"]["output_tokens_details"] == {"reasoning_tokens": 5}


def test_the_router_object_passes() -> None:
    assert "router" not in whole(content="x")
    assert whole(content="x", router={"chosen": "m"})["router"] == {"chosen": "m"}


def test_an_answer_without_a_head_is_still_a_response() -> None:
    told = whole(content="x", id=None, created=None, model=None)
    assert (told["id"], told["created_at"], told["model"]) == ("resp_unnamed", 0, "")


@pytest.mark.parametrize("asked", [{}, {"reasoning": {"summary": "auto"}}])
def test_the_items_of_an_answer_are_the_input_of_the_next_request(asked: Body) -> None:
    ids = ("aaaaaaaaa", "chatcmpl-tool-0123456789abcdef")
    calls = [call(index, call_id, '{"word":"a"}') for index, call_id in enumerate(ids)]
    output = whole(asked, content="Wait.", reasoning_content="Hm.", tool_calls=calls)["output"]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "found"}
        for item in output
        if item["type"] == "function_call"
    ]
    _, turn, *answers = turns(user(), *output, *reversed(results))
    assert turn["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True},
        {"type": "text", "text": "Wait."},
    ]
    made = [entry["id"] for entry in turn["tool_calls"]]
    assert made[0] == "aaaaaaaaa"
    assert [entry["tool_call_id"] for entry in answers] == made[::-1]
