"""Tools, the choice among them, and the form of the answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.tools import IncomingFunction, IncomingTool, Toolbox, read_format, read_toolbox

EMPTY = {"type": "object", "properties": {}}


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


def box(choice: Any, *names: str) -> Toolbox:
    return read_toolbox(msgspec.convert([function(name) for name in names], list[IncomingTool]), None, choice)


def refused(choice: Any, *names: str) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        box(choice, *names)
    return caught.value


def shape(toolbox: Toolbox) -> tuple[list[str], Any]:
    return [tool.function.name for tool in toolbox.tools], msgspec.to_builtins(toolbox.choice)


NAMED_B = {"type": "function", "function": {"name": "b"}}


def allowed(mode: str | None, *tools: Any) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"tools": list(tools)} | ({"mode": mode} if mode else {})}


# What an app asks for, and what Mistral is told when the tools a and b are offered, and when there are none.
CHOICES: list[tuple[Any, tuple[list[str], Any], str | None]] = [
    (None, (["a", "b"], None), None),
    ("auto", (["a", "b"], None), None),
    # The API itself leaves the tools out of the prompt, and older models garble answers otherwise.
    ("none", ([], None), None),
    ("any", (["a", "b"], "any"), "tool_choice_without_tools"),
    ("required", (["a", "b"], "any"), "tool_choice_without_tools"),
    (NAMED_B, (["a", "b"], NAMED_B), "tool_choice_without_tools"),
    ({"function": {"name": "b"}}, (["a", "b"], NAMED_B), "tool_choice_without_tools"),
    ({"name": "b"}, (["a", "b"], NAMED_B), "tool_choice_without_tools"),  # function_call
    (allowed("auto", function("b")), (["b"], None), "tool_choice_without_tools"),
    (allowed("required", function("b")), (["b"], "any"), "tool_choice_without_tools"),
    (allowed(None, {"type": "function", "name": "b"}), (["b"], None), "tool_choice_without_tools"),
    (allowed("auto", "noise", function("b"), function("z")), (["b"], None), "tool_choice_without_tools"),
]


@pytest.mark.parametrize(("choice", "sent", "_"), CHOICES, ids=[str(choice) for choice, *_ in CHOICES])
def test_a_choice_among_tools_is_said_as_mistral_says_it(choice: Any, sent: tuple[list[str], Any], _: Any) -> None:
    assert shape(box(choice, "a", "b")) == sent


@pytest.mark.parametrize(("choice", "_", "code"), CHOICES, ids=[str(choice) for choice, *_ in CHOICES])
def test_a_choice_without_tools_is_empty_or_refused(choice: Any, _: Any, code: str | None) -> None:
    if code is None:
        assert box(choice) == Toolbox()
    else:
        assert (refused(choice).code, refused(choice).param) == (code, "tool_choice")


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ("always", "invalid_tool_choice"),
        ("", "invalid_tool_choice"),
        ({}, "invalid_tool_choice"),
        ({"type": "function"}, "invalid_tool_choice"),
        ({"type": "function", "function": {"name": 7}}, "invalid_tool_choice"),
        ({"type": "allowed_tools", "allowed_tools": {}}, "invalid_tool_choice"),
        ({"type": "function", "function": {"name": "z"}}, "unknown_tool"),
        (allowed("auto"), "unknown_tool"),
        (allowed("auto", function("z")), "unknown_tool"),
        (allowed("auto", {"type": "function", "function": "b"}), "unknown_tool"),
        (allowed("auto", {"name": ["b"]}), "unknown_tool"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused(choice: Any, code: str) -> None:
    error = refused(choice, "a", "b")
    assert error.code == code
    assert error.param is not None
    assert error.param.startswith("tool_choice")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["a", "function"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "function", "name", "allowed_tools", "tools", "mode"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(ANY_JSON, st.booleans())
def test_any_choice_is_understood_or_refused_in_words(choice: Any, restricts: bool) -> None:
    wanted = {"type": "allowed_tools", "allowed_tools": {"tools": [choice]}} if restricts else choice
    try:
        toolbox = box(wanted, "a", "b")
    except BadRequest as refusal:
        told = refusal.code
    else:
        told = ""
        assert {tool.function.name for tool in toolbox.tools} <= {"a", "b"}
    assert told in ("", "invalid_tool_choice", "unknown_tool")


def test_a_tool_is_sent_whole() -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = function("weather", description="Today's", parameters=parameters, strict=True)
    toolbox = read_toolbox(msgspec.convert([tool], list[IncomingTool]), None, None)
    assert list(msgspec.to_builtins(toolbox.tools)) == [tool]


@pytest.mark.parametrize("parameters", [None, {}])
def test_a_tool_without_parameters_takes_an_empty_object(parameters: Any) -> None:
    tool = function("now", parameters=parameters, strict=False, description=None)
    toolbox = read_toolbox(msgspec.convert([tool], list[IncomingTool]), None, None)
    assert list(msgspec.to_builtins(toolbox.tools)) == [function("now", parameters=EMPTY)]


def test_functions_are_tools_of_an_older_name() -> None:
    functions = [IncomingFunction(name="a"), IncomingFunction(name="b")]
    assert read_toolbox(None, functions, {"name": "b"}) == box({"name": "b"}, "a", "b")


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 64])
def test_a_good_function_name_passes(name: str) -> None:
    assert shape(box(None, name)) == ([name], None)


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a.b", "été", "a\n"])
def test_a_bad_function_name_is_refused_with_its_place(name: str) -> None:
    error = refused(None, "good", name)
    assert (error.code, error.param) == ("invalid_function_name", "tools[1].function.name")
    with pytest.raises(BadRequest) as caught:
        read_toolbox(None, [IncomingFunction(name=name)], None)
    assert caught.value.param == "functions[0].name"


@pytest.mark.parametrize("tool", [{"type": "web_search"}, {"type": "custom", "custom": {}}, {"type": "function"}])
def test_a_tool_that_is_no_function_is_refused_with_its_place(tool: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        read_toolbox(msgspec.convert([tool], list[IncomingTool]), None, None)
    assert (caught.value.code, caught.value.param) == ("unsupported_tool_type", "tools[0].type")


def test_a_bad_schema_is_refused_with_its_place_in_the_request() -> None:
    tool = function("a", parameters={"type": "object", "properties": {"x": {"$ref": "https://example.com/x"}}})
    with pytest.raises(BadRequest) as caught:
        read_toolbox(msgspec.convert([tool], list[IncomingTool]), None, None)
    assert (caught.value.code, caught.value.param) == (
        "schema_external_ref",
        "tools[0].function.parameters/properties/x",
    )


SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": EMPTY}}


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (None, None),
        ({}, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (SCHEMA, SCHEMA),
        (
            {"type": "json_schema", "json_schema": {**SCHEMA["json_schema"], "strict": True, "description": "d"}},
            {"type": "json_schema", "json_schema": {**SCHEMA["json_schema"], "strict": True, "description": "d"}},
        ),
        (
            {"type": "json_schema", "json_schema": {**SCHEMA["json_schema"], "strict": None, "description": None}},
            SCHEMA,
        ),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$schema": "x", "type": "object"}}},
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        ),
    ],
)
def test_the_form_of_the_answer_is_said_as_mistral_says_it(raw: Any, sent: Any) -> None:
    assert msgspec.to_builtins(read_format(raw)) == sent


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        ({"strict": True}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": True}}, "response_format.json_schema"),
    ],
)
def test_a_form_that_cannot_be_meant_is_refused_with_its_place(raw: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_format(raw)
    assert (caught.value.code, caught.value.param) == ("invalid_response_format", param)
