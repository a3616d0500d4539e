"""Chat requests: read leniently from either dialect, rebuilt for Mistral by allow-list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import BadRequest
from router.wire.body import mistral_body
from router.wire.chat import N_MAX, ChatRequest, parse_chat
from router.wire.manner import Manner
from router.wire.reading import TAGS_MAX, TEMPERATURE_MAX, Bounds

Body = dict[str, Any]

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {}}}}
# Every field of Mistral's chat request that the router sends (OpenAPI file of 2026-08-21). Anything else upstream is a
# 422 `extra_forbidden`.
ALLOWED = {
    *("model", "messages", "max_tokens", "stream", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
    *("reasoning_effort", "temperature", "top_p", "stop", "random_seed", "presence_penalty", "frequency_penalty", "n"),
    *(
        "prediction",
        "min_tokens",
        "top_k",
        "repetition_penalty",
        "safe_prompt",
        "guardrails",
        "prompt_cache_key",
        "metadata",
    ),
}
ALLOWED_IN_MESSAGES = {"role", "content", "tool_calls", "tool_call_id", "name", "prefix"}


def parse(bounds: Bounds | None = None, **fields: Any) -> ChatRequest:
    body = {"model": "auto", "messages": [USER], **fields}
    return parse_chat(json.dumps(body).encode(), bounds or Bounds())


def upstream(request: ChatRequest, *, reasons: bool = True) -> Body:
    body: Body = json.loads(mistral_body(request, Manner(model="m", max_tokens=99, reasons=reasons)))
    return body


def added(**fields: Any) -> Body:
    """What the fields come to upstream, beyond the model, the messages and the bound."""
    body = upstream(parse(**fields))
    return {name: value for name, value in body.items() if name not in ("model", "messages", "max_tokens")}


def refused(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(**fields)
    return caught.value


def test_the_smallest_request_stays_small() -> None:
    request = parse()
    assert upstream(request) == {"model": "m", "messages": [USER], "max_tokens": 99}
    assert (request.dropped, request.tags, request.answers) == ((), (), 1)


# What an app sends, and what Mistral gets.
TRANSLATED: list[tuple[Body, Body]] = [
    ({"temperature": 0}, {"temperature": 0}),
    ({"temperature": 1.5}, {"temperature": 1.5}),
    ({"temperature": 2}, {"temperature": TEMPERATURE_MAX}),
    ({"top_p": 1}, {"top_p": 1}),
    ({"top_p": 0}, {"top_p": 0.0001}),
    ({"stop": "\n"}, {"stop": "\n"}),
    ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
    ({"stop": []}, {}),
    ({"stop": ""}, {}),
    ({"random_seed": 7}, {"random_seed": 7}),
    ({"seed": 7}, {"random_seed": 7}),
    ({"seed": 0}, {"random_seed": 0}),
    ({"seed": -7}, {"random_seed": 7}),
    ({"seed": 1, "random_seed": 2}, {"random_seed": 2}),
    ({"presence_penalty": -2, "frequency_penalty": 2}, {"presence_penalty": -2, "frequency_penalty": 2}),
    ({"n": 1}, {}),
    ({"n": 3}, {"n": 3}),
    ({"stream": True}, {"stream": True}),
    ({"stream": False}, {}),
    ({"safe_prompt": True}, {"safe_prompt": True}),
    ({"min_tokens": 3, "top_k": 5}, {"min_tokens": 3, "top_k": 5}),
    ({"repetition_penalty": 1.1}, {"repetition_penalty": 1.1}),
    ({"guardrails": [{"block_on_error": True}]}, {"guardrails": [{"block_on_error": True}]}),
    ({"guardrails": []}, {}),
    ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
    ({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
    ({"metadata": {}}, {}),
    ({"metadata": {"a": "b", "tags": ["x"]}}, {"metadata": {"a": "b"}}),
    ({"metadata": {"tags": ["x"]}}, {}),
    ({"metadata": {"tags": None}}, {}),
    ({"prediction": {"type": "content", "content": "x"}}, {"prediction": {"type": "content", "content": "x"}}),
    (
        {"prediction": {"type": "content", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}},
        {"prediction": {"type": "content", "content": "xy"}},
    ),
    ({"tools": []}, {}),
    ({"tools": [], "tool_choice": "auto", "parallel_tool_calls": True}, {}),
    ({"tools": [TOOL]}, {"tools": [TOOL]}),
    ({"tools": [TOOL], "tool_choice": "none", "parallel_tool_calls": True}, {}),
    ({"tools": [TOOL], "tool_choice": "auto"}, {"tools": [TOOL]}),
    ({"tools": [TOOL], "tool_choice": "required"}, {"tools": [TOOL], "tool_choice": "any"}),
    ({"tools": [TOOL], "parallel_tool_calls": False}, {"tools": [TOOL], "parallel_tool_calls": False}),
    (
        {"functions": [TOOL["function"]], "function_call": {"name": "a"}},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "a"}}},
    ),
    ({"response_format": {"type": "text"}}, {}),
    ({"response_format": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}),
    ({"reasoning_effort": "none"}, {"reasoning_effort": "none"}),
    ({"reasoning_effort": "minimal"}, {"reasoning_effort": "none"}),
    ({"reasoning_effort": "low"}, {"reasoning_effort": "none"}),
    ({"reasoning_effort": "medium"}, {"reasoning_effort": "high"}),
    ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
    ({"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"}),
    ({"reasoning_effort": "max"}, {"reasoning_effort": "high"}),
    ({"prompt_mode": "reasoning"}, {"reasoning_effort": "high"}),
    ({"prompt_mode": "reasoning", "reasoning_effort": "none"}, {"reasoning_effort": "none"}),
    ({"prompt_mode": None}, {}),
    ({"stream_options": {"include_usage": True}}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "sent"), TRANSLATED, ids=[json.dumps(fields) for fields, _ in TRANSLATED])
def test_a_field_is_translated_and_nothing_else_is_dropped(fields: Body, sent: Body) -> None:
    assert added(**fields) == sent
    assert parse(**fields).dropped == ()


def test_every_field_that_is_sent_has_a_case() -> None:
    sent = {name for _, body in TRANSLATED for name in body}
    assert sent == ALLOWED - {"model", "messages", "max_tokens"}


# OpenAI's fields that Mistral refuses with 422 (docs, recorded answers), and the router's fate for them.
DROPPED = [
    *("audio", "logit_bias", "logprobs", "modalities", "moderation", "prompt_cache_options", "prompt_cache_retention"),
    *("safety_identifier", "service_tier", "store", "top_logprobs", "user", "verbosity", "web_search_options"),
    "an_unheard_of_field",
]


@pytest.mark.parametrize("name", DROPPED)
@pytest.mark.parametrize("value", ["x", 7, True, {"a": [1]}])
def test_what_nobody_reads_is_dropped_and_named(name: str, value: Any) -> None:
    request = parse(**{name: value})
    assert request.dropped == (name,)
    assert name not in upstream(request)


def test_a_temperature_beyond_mistrals_is_sent_lower_and_said_so() -> None:
    assert parse(temperature=1.5).warnings == ()
    assert parse(temperature=1.9).warnings == ("temperature 1.9 was sent as 1.5, the most that Mistral takes",)


def test_a_field_that_says_nothing_is_no_loss() -> None:
    assert parse(user=None, logprobs=None).dropped == ()


def test_what_is_dropped_is_named_in_order() -> None:
    named = parse(user="u", store=False, messages=[{**USER, "name": "bob"}]).dropped
    assert named == ("store", "user", "messages.name")


@pytest.mark.parametrize(
    "name", [*sorted(ALLOWED - {"model", "messages"}), "seed", "functions", "max_completion_tokens"]
)
def test_null_means_absent(name: str) -> None:
    assert upstream(parse(**{name: None})) == upstream(parse())
    assert parse(**{name: None}).dropped == ()


@pytest.mark.parametrize("key", ["é", "a\nb", "x" * 257])
def test_a_cache_key_that_mistral_would_refuse_is_dropped_and_named(key: str) -> None:
    request = parse(prompt_cache_key=key)
    assert request.dropped == ("prompt_cache_key",)
    assert request.sampling.prompt_cache_key is None


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": None}, 5),
    ],
)
def test_the_bound_has_two_names(fields: Body, most: int | None) -> None:
    assert parse(**fields).max_tokens == most


@pytest.mark.parametrize(
    ("options", "include"),
    [(None, False), ({}, False), ({"include_usage": False}, False), ({"include_usage": True}, True)],
)
def test_the_wish_for_a_usage_chunk_is_kept_for_the_stream(options: Any, include: bool) -> None:
    assert parse(stream=True, stream_options=options).include_usage is include


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"top_k": -1}, "top_k"),
        ({"repetition_penalty": -0.1}, "repetition_penalty"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_p": -1}, "top_p"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"frequency_penalty": -2.1}, "frequency_penalty"),
        ({"n": 0}, "n"),
        ({"n": N_MAX + 1}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_tokens"),
        ({"reasoning_effort": "ultra"}, "reasoning_effort"),
        ({"prediction": {}}, "prediction.content"),
        ({"n": 2, "prediction": {"content": "x"}}, "n"),
        ({"prediction": {"content": [1]}}, "prediction.content"),
        ({"metadata": {"tags": "x"}}, "metadata.tags"),
        ({"metadata": {"tags": [1]}}, "metadata.tags"),
        ({"metadata": {"tags": [""]}}, "metadata.tags"),
        ({"metadata": {"tags": ["x" * 65]}}, "metadata.tags"),
        ({"metadata": {"tags": ["x"] * (TAGS_MAX + 1)}}, "metadata.tags"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_place(fields: Body, param: str) -> None:
    error = refused(**fields)
    assert (error.status, error.code, error.param) == (400, "invalid_value", param)
    assert param.split(".")[0] in error.message


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"model": 7}, "model", "Expected `str`, got `int` at model."),
        ({"messages": "hi"}, "messages", "Expected `array`, got `str` at messages."),
        ({"messages": [{"role": 7}]}, "messages[0].role", "Expected `str`, got `int` at messages[0].role."),
        ({"temperature": "hot"}, "temperature", "Expected `float | null`, got `str` at temperature."),
        ({"stop": [1]}, "stop[0]", "Expected `str`, got `int` at stop[0]."),
        ({"n": 1.5}, "n", "Expected `int | null`, got `float` at n."),
    ],
)  # fmt: skip
def test_a_wrong_type_is_refused_with_its_place(fields: Body, param: str, message: str) -> None:
    error = refused(**fields)
    assert (error.code, error.param, error.message) == ("invalid_type", param, message)


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"messages": [USER, {}]}, "messages[1].role"), ({"functions": [{}]}, "functions[0].name")],
)
def test_a_missing_field_is_named(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert (error.code, error.param, error.message) == ("missing_field", param, f"{param} is required.")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"model": "auto",}', "invalid_json"),
        (b'{"model": "\xff"}', "invalid_json"),
        (b"[1]", "invalid_type"),
        (b"null", "invalid_type"),
        (b'{"messages": []}', "missing_field"),
        (b'{"model": "auto"}', "missing_field"),
        (b'{"model": "auto", "messages": ' + b"[" * 100_000, "invalid_type"),
        (b'{"model": "auto", "messages": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested_too_deeply"),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_chat(body, Bounds())
    assert caught.value.code == code


def test_of_a_key_given_twice_one_value_is_read_and_one_is_sent() -> None:
    body = b'{"model": "a", "model": "b", "messages": [{"role": "user", "content": "hi"}], "n": 2, "n": 3}'
    request = parse_chat(body, Bounds())
    assert request.model == "b"
    assert mistral_body(request, Manner(model="m", max_tokens=1)).count(b'"n"') == 1


def test_there_are_bounds_whatever_the_size_in_bytes() -> None:
    few = Bounds(messages_max=2, tools_max=2)
    assert parse(few, messages=[USER] * 2, tools=[TOOL], functions=[TOOL["function"]])
    for fields, code, param in [
        ({"messages": [USER] * 3}, "too_many_messages", "messages"),
        ({"tools": [TOOL] * 3}, "too_many_tools", "tools"),
        ({"tools": [TOOL] * 2, "functions": [TOOL["function"]]}, "too_many_tools", "tools"),
    ]:
        error = refused(bounds=few, **fields)
        assert (error.code, error.param) == (code, param)


def test_tags_are_the_routers_and_each_counts_once() -> None:
    assert parse(metadata={"tags": ["b", "a", "b"]}).tags == ("b", "a")
