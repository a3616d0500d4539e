"""The fields of a Messages request: what each comes to upstream, what is dropped and named, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from router.errors import BadRequest
from router.wire.anthropic.request import read_count
from router.wire.reading import Bounds
from tests.wire.anthropic.asked import HI, TOOL, Body, added, encoded, read, refused, text, upstream, user

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def test_the_smallest_request_stays_small() -> None:
    request = read()
    assert upstream(request) == {"model": "m", "messages": [HI], "max_tokens": 99}
    assert (request.model, request.dropped, request.tags, request.stream) == ("auto", (), (), False)


def function(**fields: Any) -> Body:
    return {"type": "function", "function": {"name": "look_up", "parameters": TOOL["input_schema"], **fields}}


FORM = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
}
# What an app sends, and what Mistral gets.
TRANSLATED: list[tuple[Body, Body]] = [
    ({"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}),
    ({"stop_sequences": ["a", "b"]}, {"stop": ["a", "b"]}),
    ({"stop_sequences": []}, {}),
    ({"stream": True}, {"stream": True}),
    ({"tools": []}, {}),
    ({"tools": [TOOL]}, {"tools": [function()]}),
    ({"tools": [{**TOOL, "type": "custom"}]}, {"tools": [function()]}),
    (
        {"tools": [{**TOOL, "description": "Looks.", "strict": True}]},
        {"tools": [function(description="Looks.", strict=True)]},
    ),
    ({"tools": [TOOL], "tool_choice": {"type": "auto"}}, {"tools": [function()]}),
    ({"tools": [TOOL], "tool_choice": {"type": "any"}}, {"tools": [function()], "tool_choice": "any"}),
    ({"tools": [TOOL], "tool_choice": {"type": "none"}}, {}),
    (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "look_up"}},
        {"tools": [function()], "tool_choice": {"type": "function", "function": {"name": "look_up"}}},
    ),
    (
        {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"tools": [function()], "parallel_tool_calls": False},
    ),
    (
        {"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": False}},
        {"tools": [function()], "tool_choice": "any"},
    ),
    ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
    ({"thinking": {"type": "adaptive"}}, {}),
    ({"thinking": {"type": "between_tools"}}, {}),
    ({"thinking": {"type": "enabled"}}, {"reasoning_effort": "high"}),
    ({"output_config": {"effort": "low"}}, {"reasoning_effort": "none"}),
    ({"output_config": {"effort": "max"}, "thinking": {"type": "adaptive"}}, {"reasoning_effort": "high"}),
    ({"output_config": {"effort": "xhigh"}, "thinking": {"type": "enabled"}}, {"reasoning_effort": "high"}),
    ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, {"response_format": FORM}),
    ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, {"response_format": FORM}),
    ({"output_config": {}}, {}),
    ({"metadata": {"run": "7"}}, {"metadata": {"run": "7"}}),
    ({"mcp_servers": []}, {}),
    ({"inference_geo": "global"}, {}),
]


@pytest.mark.parametrize(("asked", "told"), TRANSLATED, ids=lambda case: str(case)[:60])
def test_each_field_becomes_what_mistral_calls_it(asked: Body, told: Body) -> None:
    assert added(**asked) == told
    assert read(**asked).dropped == ()


CACHED = {"cache_control": {"type": "ephemeral"}}
# What nobody reads, and the names under which the app is told.
DROPPED: list[tuple[Body, tuple[str, ...]]] = [
    ({"top_k": 40}, ("top_k",)),
    ({"service_tier": "auto", "speed": "fast"}, ("service_tier", "speed")),
    ({"container": "c", "context_management": {"edits": []}}, ("container", "context_management")),
    ({"metadata": {"user_id": "u"}}, ("metadata.user_id",)),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ("thinking.budget_tokens",)),
    ({"output_config": {"effort": "high"}}, ("output_config.effort",)),
    ({"output_config": {"effort": "max"}, "thinking": {"type": "disabled"}}, ("output_config.effort",)),
    ({"output_config": {"task_budget": {}}}, ("output_config.task_budget",)),
    ({"tools": [{**TOOL, "defer_loading": True}] * 2}, ("tools.defer_loading",)),
    ({"tools": [TOOL], "tool_choice": {"type": "auto", "mood": 1}}, ("tool_choice.mood",)),
    ({"messages": [{**HI, "clear_at": "never"}]}, ("messages.clear_at",)),
    ({"messages": [user(text("x", citations=[{}]))]}, ("messages.content.citations",)),
    ({"system": [text("x", mood="y")]}, ("system.mood",)),
    # Said once, wherever and however often it stands.
    (
        {
            **CACHED,
            "system": [text("x", **CACHED), text("y", **CACHED)],
            "tools": [{**TOOL, **CACHED}],
            "messages": [user(text("x", **CACHED))],
        },
        ("cache_control",),
    ),
    ({"messages": [HI, {"role": "assistant", "content": ""}]}, ("messages[1]",)),
    ({"messages": [HI, {"role": "assistant", "content": []}, HI], "system": "x"}, ("messages[1]",)),
]


@pytest.mark.parametrize(("asked", "named"), DROPPED, ids=lambda case: str(case)[:60])
def test_what_nobody_reads_is_named_once(asked: Body, named: tuple[str, ...]) -> None:
    assert read(**asked).dropped == named


def test_a_null_is_nothing_and_nothing_is_not_named() -> None:
    body = b'{"model": "m", "max_tokens": 1, "top_k": null, "messages": [{"role": "user", "content": "x"}]}'
    assert read_count(body, Bounds()).dropped == ()
    assert read(messages=[user(text("x", citations=None, cache_control=None))]).dropped == ()


def test_tags_are_the_routers_as_in_chat() -> None:
    request = read(metadata={"tags": ["a", "b"], "user_id": "u"})
    assert request.tags == ("a", "b")
    assert "metadata" not in upstream(request)


# What is refused, with its code, its place, and a part of what is said.
REFUSED: list[tuple[Body, str, str | None, str]] = [
    ({"max_tokens": None}, "missing_field", "max_tokens", "how many tokens"),
    ({"max_tokens": 0}, "invalid_value", "max_tokens", "at least 1"),
    ({"max_tokens": "9"}, "invalid_type", "max_tokens", "max_tokens"),
    ({"model": None}, "missing_field", "model", "required"),
    ({"model": "m" * 257}, "invalid_value", "model", "256"),
    ({"messages": None}, "missing_field", "messages", "required"),
    ({"messages": []}, "empty_messages", "messages", "at least one"),
    ({"messages": [], "system": "x"}, "empty_messages", "messages", "at least one"),
    ({"messages": "hi"}, "invalid_type", "messages", "messages"),
    ({"temperature": 1.5}, "invalid_value", "temperature", "from 0 to 1"),
    ({"top_p": 2}, "invalid_value", "top_p", "from 0 to 1"),
    ({"metadata": {"tags": "a"}}, "invalid_value", "metadata.tags", "metadata.tags"),
    ({"mcp_servers": [{"type": "url"}]}, "unsupported_tool_type", "mcp_servers", "as tools"),
    ({"thread": {"type": "create"}}, "invalid_value", "thread", "all of its messages"),
    ({"inference_geo": "eu"}, "invalid_value", "inference_geo", "the policy's"),
    ({"thinking": {"type": "deep"}}, "invalid_value", "thinking.type", "adaptive"),
    ({"thinking": {}}, "missing_field", "thinking.type", "required"),
    ({"output_config": {"effort": "huge"}}, "invalid_value", "output_config.effort", "low, medium"),
    ({"output_config": {"effort": 3}}, "invalid_value", "output_config.effort", "low, medium"),
    (
        {"output_config": {"format": {"type": "xml", "schema": {}}}},
        *("invalid_response_format", "output_config.format.type", "must be json_schema"),
    ),
    (
        {"output_config": {"format": {"type": "json_schema"}}},
        *("missing_field", "output_config.format.schema", "output_config.format.schema is required"),
    ),
    ({"tools": [{"name": "a"}]}, "missing_field", "tools[0].input_schema", "tools[0].input_schema is required"),
    ({"tools": [{**TOOL, "name": 7}]}, "invalid_type", "tools[0].name", "tools[0].name"),
    ({"tools": [TOOL, {**TOOL, "name": "a b"}]}, "invalid_function_name", "tools[1].name", "tools[1].name must be"),
    ({"tool_choice": {"type": "any"}}, "tool_choice_without_tools", "tool_choice", "there are no tools"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "b"}}, "unknown_tool", "tool_choice.name", "'b'"),
    ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "invalid_tool_choice", "tool_choice", '"tool"'),
    ({"tools": [TOOL], "tool_choice": {"type": "all"}}, "invalid_tool_choice", "tool_choice", '"any"'),
    ({"tools": [TOOL], "tool_choice": {"type": 3}}, "invalid_type", "tool_choice.type", "tool_choice.type"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "code", "place", "said"), REFUSED, ids=lambda case: str(case)[:50])
def test_each_mistake_is_told_with_its_place(asked: Body, code: str, place: str | None, said: str) -> None:
    error = refused(**asked)
    assert (error.code, error.param) == (code, place)
    assert said in error.message


@pytest.mark.parametrize(
    "kind",
    [
        *("web_search_20250305", "bash_20250124", "text_editor_20250728", "computer_20250124", "mcp_toolset"),
        *("code_execution_20250825", "memory_20250818", "tool_search_tool_regex_20251119"),
    ],
)
def test_tools_that_only_anthropic_knows_are_refused(kind: str) -> None:
    error = refused(tools=[TOOL, {"type": kind, "name": "x"}])
    assert (error.code, error.param) == ("unsupported_tool_type", "tools[1].type")
    assert kind in error.message
    assert "input_schema" in error.message


NOWHERE = {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}}


def test_a_schemas_mistakes_are_told_in_anthropics_fields() -> None:
    error = refused(tools=[TOOL, {"name": "a", "input_schema": NOWHERE}])
    assert (error.code, error.param) == ("schema_unresolved_ref", "tools[1].input_schema/properties/a")
    assert "The schema at tools[1].input_schema/properties/a refers" in error.message
    for asked, place in (
        ({"output_config": {"format": {"schema": NOWHERE}}}, "output_config.format.schema/properties/a"),
        ({"output_format": {"schema": NOWHERE}}, "output_format.schema/properties/a"),
    ):
        error = refused(**asked)
        assert (error.code, error.param) == ("schema_unresolved_ref", place)
        assert f"The schema at {place} refers" in error.message


def test_what_a_message_quotes_of_the_request_stays_as_it_was_written() -> None:
    error = refused(tools=[{"name": "a", "input_schema": {"$ref": "tools[1].function.x"}}])
    assert error.param == "tools[0].input_schema"
    assert "refers to 'tools[1].function.x'" in error.message


def test_the_bounds_hold_for_what_the_app_sent() -> None:
    bounds = Bounds(messages_max=2, tools_max=1)
    assert read(bounds, system="x", messages=[HI, HI]).model == "auto"
    with pytest.raises(BadRequest, match="More than 2 messages"):
        read(bounds, messages=[HI, HI, HI])
    with pytest.raises(BadRequest, match="More than 1 tools"):
        read(bounds, tools=[TOOL, TOOL])


@pytest.mark.parametrize("body", [b"", b"[]", b"nul", b'{"model": 1}', b"\xff"])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read_count(body, Bounds())
    assert caught.value.code in ("invalid_json", "invalid_type")


def test_a_count_needs_no_bound_for_an_answer() -> None:
    request = read_count(encoded(max_tokens=None, system="x", tools=[TOOL]), Bounds())
    assert (request.max_tokens, len(request.messages), len(request.toolbox.tools)) == (None, 2, 1)
