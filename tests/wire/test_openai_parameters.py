"""Every parameter that OpenAI's SDK declares is translated, dropped by name, or refused: none is passed on or lost."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase, CompletionCreateParamsStreaming

from tests.contract.judge import CHAT, Reader, problems_of
from tests.wire.test_chat import TOOL, USER, parse, upstream

# What an app sends, and what of it goes upstream.
TRANSLATED: dict[str, tuple[Any, dict[str, Any]]] = {
    "frequency_penalty": (0.5, {"frequency_penalty": 0.5}),
    "function_call": ("auto", {}),
    "functions": ([TOOL["function"]], {"tools": [TOOL]}),
    "max_completion_tokens": (50, {"max_tokens": 50}),
    "max_tokens": (50, {"max_tokens": 50}),
    "messages": (
        [{"role": "developer", "content": "x"}, USER],
        {"messages": [{"role": "system", "content": "x"}, USER]},
    ),
    "metadata": ({"a": "b"}, {"metadata": {"a": "b"}}),
    "model": ("auto", {}),  # what a name means is decided later
    "n": (2, {"n": 2}),
    "parallel_tool_calls": (True, {}),  # without tools it is refused
    "prediction": ({"type": "content", "content": "x"}, {"prediction": {"type": "content", "content": "x"}}),
    "presence_penalty": (0.5, {"presence_penalty": 0.5}),
    "prompt_cache_key": ("k", {"prompt_cache_key": "k"}),
    "reasoning_effort": ("low", {"reasoning_effort": "none"}),
    "response_format": ({"type": "json_object"}, {"response_format": {"type": "json_object"}}),
    "seed": (-1, {"random_seed": 1}),
    "stop": (["\n"], {"stop": ["\n"]}),
    "stream": (True, {"stream": True}),
    "stream_options": ({"include_usage": True, "include_obfuscation": False}, {}),  # the router's own to honour
    "temperature": (2, {"temperature": 1.5}),
    "tool_choice": ("none", {}),
    "tools": ([{**TOOL, "cache_control": {}}], {"tools": [TOOL]}),
    "top_p": (0, {"top_p": 0.0001}),
}
DROPPED: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "modalities": ["text"],
    "moderation": {"model": "omni-moderation-latest"},
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "s",
    "service_tier": "flex",
    "store": False,
    "top_logprobs": 3,
    "user": "u1",
    "verbosity": "low",
    "web_search_options": {},
}


def sent(**fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    request = parse(**fields)
    body = upstream(request)
    assert problems_of(CHAT, body, Reader.REASONS) == []
    if request.max_tokens:
        body["max_tokens"] = request.max_tokens
    return body, request.dropped


def test_the_sdk_declares_no_parameter_that_has_no_fate() -> None:
    declared = (
        CompletionCreateParamsBase.__annotations__.keys() | CompletionCreateParamsStreaming.__annotations__.keys()
    )
    assert declared == TRANSLATED.keys() | DROPPED.keys()
    assert TRANSLATED.keys() & DROPPED.keys() == set()


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_parameter_is_translated(name: str) -> None:
    value, made = TRANSLATED[name]
    plain, _ = sent()
    assert sent(**{name: value}) == ({**plain, **made}, ())


@pytest.mark.parametrize("name", DROPPED)
def test_a_parameter_that_mistral_does_not_have_is_dropped_and_named(name: str) -> None:
    plain, _ = sent()
    assert sent(**{name: DROPPED[name]}) == (plain, (name,))


def test_a_null_inside_is_a_field_left_out() -> None:
    call = {"id": "aaaaaaaaa", "type": None, "function": {"name": "a", "arguments": None}}
    turns = [
        {**USER, "name": None, "tool_calls": None, "tool_call_id": None},
        {"role": "assistant", "content": None, "tool_calls": [call], "prefix": None, "refusal": None, "audio": None},
        {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": None, "name": None},
    ]
    tool = {"type": "function", "function": {"name": "a", "description": None, "parameters": None, "strict": None}}
    body, dropped = sent(messages=turns, tools=[tool])
    assert None not in [value for message in body["messages"] for value in message.values()]
    assert body["tools"] == [TOOL]
    assert dropped == ()


@pytest.mark.parametrize(
    "turns",
    [
        [USER, USER],
        [USER, {"role": "system", "content": "x"}, USER],
        [USER, {"role": "assistant", "content": "x"}, {"role": "assistant", "content": "y"}, USER],
    ],
)
def test_an_order_that_mistral_accepts_stays(turns: list[dict[str, Any]]) -> None:
    assert sent(messages=turns)[0]["messages"] == turns
