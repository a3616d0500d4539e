"""A Responses request: what becomes of each field, what is dropped by name, what is refused and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.reading import TEMPERATURE_MAX, Bounds
from router.wire.responses.format import Responses
from tests.wire.responses.speaking import TOOL, Body, answer, refused, spoken, upstream, user

RECORDED = Path(__file__).parents[1] / "recorded" / "responses.jsonl"
CLIENTS = [json.loads(line) for line in RECORDED.read_text().splitlines()]
OTHER: Body = {**TOOL, "name": "other"}
SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}


@pytest.mark.parametrize("recorded", CLIENTS, ids=[entry["client"] for entry in CLIENTS])
def test_what_a_real_client_sends_is_read(recorded: Body) -> None:
    body = json.dumps(recorded["body"]).encode()
    request, _ = Responses().read(body, Bounds())
    assert (request.model, request.stream) == ("auto", recorded["body"].get("stream") is True)
    assert set(request.dropped) <= {"include", "reasoning.summary", "input.item_reference"}


def test_the_smallest_request_stays_small() -> None:
    request, _ = spoken()
    assert upstream() == {"messages": [user()]}
    assert (request.dropped, request.include_usage, request.answers) == ((), False, 1)


def test_instructions_come_first_and_empty_ones_not_at_all() -> None:
    assert upstream(instructions="Be brief.")["messages"] == [{"role": "system", "content": "Be brief."}, user()]
    assert upstream(instructions="")["messages"] == [user()]


PARAMETERS = {"name": "look_up", "description": "Looks a word up.", "parameters": TOOL["parameters"], "strict": True}
TOOLS = [{"type": "function", "function": PARAMETERS}]
# What an app sends, and what Mistral gets beside the messages.
TRANSLATED: list[tuple[Body, Body]] = [
    ({"temperature": 2}, {"temperature": TEMPERATURE_MAX}),
    ({"top_p": 0.5}, {"top_p": 0.5}),
    ({"stream": True}, {"stream": True}),
    ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
    ({"metadata": {"a": "b", "tags": ["x"]}}, {"metadata": {"a": "b"}}),
    ({"tools": [TOOL]}, {"tools": TOOLS}),
    ({"tools": []}, {}),
    ({"tools": [TOOL], "tool_choice": "auto"}, {"tools": TOOLS}),
    ({"tools": [TOOL], "tool_choice": "none"}, {}),
    ({"tools": [TOOL], "tool_choice": "required"}, {"tools": TOOLS, "tool_choice": "any"}),
    ({"tools": [TOOL], "parallel_tool_calls": False}, {"tools": TOOLS, "parallel_tool_calls": False}),
    (
        {"tools": [TOOL], "tool_choice": {"type": "function", "name": "look_up"}},
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "look_up"}}},
    ),
    (
        {
            "tools": [OTHER, TOOL],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "look_up"}],
            },
        },
        {"tools": TOOLS, "tool_choice": "any"},
    ),
    (
        {
            "tools": [OTHER, TOOL],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "look_up"}],
            },
        },
        {"tools": TOOLS},
    ),
    ({"text": {"format": {"type": "text"}}}, {}),
    ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
    (
        {
            "text": {
                "format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True, "description": "d"}
            }
        },
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "n",
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                    "description": "d",
                    "strict": True,
                },
            }
        },
    ),
    ({"reasoning": {"effort": "low"}}, {"reasoning_effort": "none"}),
    ({"reasoning": {"effort": "xhigh"}}, {"reasoning_effort": "high"}),
    ({"reasoning": {"effort": None}}, {}),
]


@pytest.mark.parametrize(("sent", "expected"), TRANSLATED, ids=[json.dumps(sent)[:70] for sent, _ in TRANSLATED])
def test_a_field_is_translated_without_a_loss(sent: Body, expected: Body) -> None:
    body = upstream(**sent)
    assert {name: value for name, value in body.items() if name != "messages"} == expected
    assert spoken(**sent)[0].dropped == ()


def test_the_bound_and_the_tags_are_read() -> None:
    request, _ = spoken(max_output_tokens=50, metadata={"tags": ["x", "y"]})
    assert (request.max_tokens, request.tags) == (50, ("x", "y"))


# What nobody here does, and the name it is told by.
DROPPED: list[tuple[Body, str]] = [
    ({"store": True}, "store"),
    ({"truncation": "auto"}, "truncation"),
    ({"include": ["reasoning.encrypted_content"]}, "include"),
    ({"text": {"verbosity": "low"}}, "text.verbosity"),
    ({"reasoning": {"summary": "auto"}}, "reasoning.summary"),
    ({"reasoning": {"generate_summary": "auto"}}, "reasoning.generate_summary"),
    ({"reasoning": {"context": "all_turns"}}, "reasoning.context"),
    ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
    ({"service_tier": "auto"}, "service_tier"),
    ({"safety_identifier": "s"}, "safety_identifier"),
    ({"max_tool_calls": 3}, "max_tool_calls"),
    ({"user": "u"}, "user"),
    ({"stream_options": {"include_obfuscation": False}}, "stream_options"),
    ({"max_tokens": 5}, "max_tokens"),
    ({"messages": []}, "messages"),
    ({"prompt_cache_key": "é"}, "prompt_cache_key"),
    ({"input": [{"role": "assistant", "content": ""}, user()]}, "input[0]"),
    ({"input": [{"type": "reasoning", "summary": [], "encrypted_content": "x"}, user()]}, "input.encrypted_content"),
    (
        {"input": [user([{"type": "input_text", "text": "a", "annotations": [{"type": "x"}]}])]},
        "input.annotations",
    ),
]


@pytest.mark.parametrize(("sent", "name"), DROPPED, ids=[name for _, name in DROPPED])
def test_what_nobody_does_is_dropped_and_named(sent: Body, name: str) -> None:
    assert spoken(**sent)[0].dropped == (name,)


@pytest.mark.parametrize(
    "sent",
    [
        {"store": False},
        {"store": None},
        {"background": False},
        {"truncation": "disabled"},
        {"include": []},
        {"conversation": None},
        {"previous_response_id": None},
        {"prompt": None},
        {"user": None},
        {"text": None},
        {"reasoning": None},
    ],
    ids=json.dumps,
)
def test_what_asks_for_nothing_is_not_named(sent: Body) -> None:
    assert spoken(**sent)[0].dropped == ()


HOSTED = (
    "web_search",
    "file_search",
    "code_interpreter",
    "computer",
    "mcp",
    "image_generation",
    "custom",
    "local_shell",
)
# What is sent, the code, the place, and words of the message.
REFUSED: list[tuple[Body, str, str, str]] = [
    ({"previous_response_id": "resp_1"}, "nothing_stored", "previous_response_id", "send the conversation so far"),
    ({"conversation": {"id": "c"}}, "nothing_stored", "conversation", "send the conversation so far"),
    ({"prompt": {"id": "p"}, "input": None}, "nothing_stored", "prompt", "send the prompt's text"),
    ({"background": True}, "nothing_stored", "background", "stream it"),
    ({"input": None}, "missing_field", "input", "input is required"),
    ({"input": 5}, "invalid_type", "input", "at input"),
    ({"input": []}, "empty_messages", "input", "at least one user message"),
    ({"max_output_tokens": 0}, "invalid_value", "max_output_tokens", "max_output_tokens must be at least 1"),
    ({"temperature": 3}, "invalid_value", "temperature", "from 0 to 2"),
    ({"metadata": {"tags": "x"}}, "invalid_value", "metadata.tags", "metadata.tags"),
    ({"reasoning": {"effort": "huge"}}, "invalid_value", "reasoning.effort", "reasoning.effort must be one of"),
    ({"reasoning": {"effort": 1}}, "invalid_type", "reasoning.effort", "at reasoning.effort"),
    ({"text": {"format": {"type": "xml"}}}, "invalid_response_format", "text.format.type", "text.format.type must be"),
    (
        {"text": {"format": {"type": "json_schema"}}},
        "invalid_response_format",
        "text.format",
        "text.format needs a name",
    ),
    (
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"items": {"$ref": "http://a"}}}}},
        "schema_external_ref",
        "text.format.schema/items",
        "The schema at text.format.schema/items",
    ),
    *[({"tools": [TOOL, {"type": kind}]}, "unsupported_tool_type", "tools[1].type", kind) for kind in HOSTED],
    ({"tools": [{"type": "function"}]}, "missing_field", "tools[0].name", "tools[0].name is required"),
    (
        {"tools": [{**TOOL, "parameters": []}]},
        "invalid_type",
        "tools[0].parameters",
        "tools[0].parameters is not valid",
    ),
    ({"tools": [TOOL, {**TOOL, "name": "a b"}]}, "invalid_function_name", "tools[1].name", "tools[1].name must be"),
    (
        {"tools": [{**TOOL, "parameters": {"items": {"$ref": "#/x"}}}]},
        "schema_unresolved_ref",
        "tools[0].parameters/items",
        "The schema at tools[0].parameters/items",
    ),
    ({"tool_choice": "required"}, "tool_choice_without_tools", "tool_choice", "no tools"),
    ({"tools": [TOOL], "tool_choice": "sometimes"}, "invalid_tool_choice", "tool_choice", '"allowed_tools"'),
    ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "invalid_tool_choice", "tool_choice", '"name"'),
    ({"tools": [TOOL], "tool_choice": {"type": "mcp"}}, "unsupported_tool_type", "tool_choice.type", "'mcp'"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "x"}}, "unknown_tool", "tool_choice.name", "'x'"),
]


@pytest.mark.parametrize(("sent", "code", "param", "words"), REFUSED, ids=[f"{row[1]}-{row[2]}" for row in REFUSED])
def test_a_request_that_cannot_be_served_is_refused_with_its_place(
    sent: Body, code: str, param: str, words: str
) -> None:
    error = refused(**sent)
    assert (error.code, error.param) == (code, param)
    assert words in error.message
    assert "messages[" not in error.message


def test_more_than_the_bounds_is_refused() -> None:
    bounds = Bounds(messages_max=2, tools_max=1)
    assert spoken(bounds, input=[user(), user()])[0]
    error = refused(bounds, input=[user(), user()], instructions="x")
    assert (error.code, error.message) == ("too_many_messages", "More than 2 items of input.")
    assert refused(bounds, input=[user(), user(), user()]).param == "input"
    assert refused(bounds, tools=[TOOL, OTHER]).code == "too_many_tools"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"input": "hi"}', b"\xff", b"[" * 100_000])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        Responses().read(body, Bounds())


KINDS = ("message", "function_call", "function_call_output", "reasoning", "input_text", "input_image", "allowed_tools")
NAMES = (
    "type",
    "role",
    "content",
    "text",
    "name",
    "call_id",
    "output",
    "summary",
    "tools",
    "format",
    "schema",
    "image_url",
)
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from([*KINDS, "user", "assistant", "function", ""])
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("input", "instructions", "tools", "tool_choice", "text", "reasoning", "metadata", "prompt", "include", "z")


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4), st.lists(ANYTHING, max_size=3))
def test_whatever_is_sent_is_read_or_refused(fields: Body, items: list[Any]) -> None:
    body = json.dumps({"model": "auto", "input": [user(), *items], **fields}).encode()
    try:
        request, voice = Responses().read(body, Bounds())
    except BadRequest as error:
        told = json.loads(Responses().refusal(error, "req_1"))["error"]
    else:
        told = json.loads(voice.whole(answer(content="x")))
        assert request.messages
    assert told


def test_a_refusal_has_openais_form_and_this_formats_places() -> None:
    error = BadRequest("The prompt is too long.", code="context_length_exceeded", param="messages")
    told: Any = json.loads(Responses().refusal(error, "req_1"))
    assert told["error"]["param"] == "input"
    assert told["error"]["code"] == "context_length_exceeded"
    assert json.loads(Responses().refusal(BadRequest("No."), "req_1"))["error"]["param"] is None
