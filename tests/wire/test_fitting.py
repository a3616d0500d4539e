"""Tools and answer formats as each profile takes them, under the names that the app knows."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from router.errors import BadRequest
from router.wire import fitting
from router.wire.body import mistral_body
from router.wire.chat import parse_chat
from router.wire.fitting import KEPT_BYTES_MAX, Fitted, fit
from router.wire.manner import Manner
from router.wire.reading import Bounds
from router.wire.schema import SchemaProfile
from router.wire.tools import IncomingFunction, IncomingTool, read_format, read_toolbox
from tests.wire.schemas import FULL, NO_REF, STRICT_SUBSET, TEXT, Schema

EMPTY: Schema = {"type": "object", "properties": {}}
CLOSED: Schema = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}
TREE: Schema = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}


def function(parameters: Schema | None = None, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "look_up", "parameters": parameters, **fields}}


def fitted(*tools: dict[str, Any], profile: SchemaProfile = FULL) -> Fitted:
    return fit(read_toolbox(msgspec.convert(list(tools), list[IncomingTool]), None, None), None, profile)


def formed(schema: Schema, *, strict: bool = False, profile: SchemaProfile = FULL) -> Fitted:
    raw = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}
    return fit(read_toolbox(None, None, None), read_format(raw), profile)


def parameters(made: Fitted) -> list[Schema]:
    return [tool["function"]["parameters"] for tool in json.loads(made.tools)]


@pytest.mark.parametrize("given", [None, {}, {"$schema": "x"}, {"type": "object"}, EMPTY])
def test_a_tool_without_parameters_takes_an_empty_object(given: Schema | None) -> None:
    assert parameters(fitted(function(given))) == [EMPTY]


def test_what_is_there_already_is_sent_as_it_is() -> None:
    tool = function(CLOSED, description="d", strict=True)
    assert json.loads(fitted(tool).tools) == [tool]


def test_nothing_is_sent_where_nothing_is_asked_for() -> None:
    assert fit(read_toolbox(None, None, None), None, FULL) == Fitted()


def test_each_profile_gets_what_it_takes() -> None:
    assert parameters(fitted(function(CLOSED), profile=NO_REF)) == [CLOSED]
    opened = fitted(function(EMPTY), function(CLOSED), profile=STRICT_SUBSET)
    assert parameters(opened) == [EMPTY, {"type": "object", "properties": {"a": TEXT}}]
    assert opened.lost == ("tools[1].function.parameters.additionalProperties",)


def test_a_tool_that_a_profile_cannot_take_is_named_with_its_place() -> None:
    assert fitted(function(EMPTY), function(TREE)).misfit is None
    misfit = fitted(function(EMPTY), function(TREE), profile=NO_REF).misfit
    assert misfit is not None
    assert (misfit.code, misfit.place) == ("schema_recursive", "tools[1].function.parameters/properties/kids/items")
    assert misfit.refusal().param == misfit.place


def test_functions_are_named_as_the_app_named_them() -> None:
    toolbox = read_toolbox(None, [IncomingFunction(name="a", parameters={"not": {"pattern": "("}})], None)
    misfit = fit(toolbox, None, FULL).misfit
    assert misfit is not None
    assert misfit.place == "functions[0].parameters/not/pattern"


def test_strict_is_taken_back_where_the_grammar_would_fail_and_told() -> None:
    unique = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    made = fitted(function(CLOSED, strict=True), function(unique, strict=True), function(unique))
    assert [tool["function"].get("strict") for tool in json.loads(made.tools)] == [True, None, None]
    assert parameters(made)[1] == unique, "the keyword stays, as a hint in the prompt"
    assert made.lost == ("tools[1].function.strict",)


def test_the_form_of_the_answer_is_made_safe_likewise() -> None:
    made = formed({"$schema": "x", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": TEXT}})
    assert json.loads(made.response_format)["json_schema"]["schema"] == {"items": TEXT}
    relaxed = formed({"propertyNames": TEXT}, strict=True)
    assert "strict" not in json.loads(relaxed.response_format)["json_schema"]
    assert relaxed.lost == ("response_format.json_schema.strict",)
    opened = formed(CLOSED, profile=STRICT_SUBSET)
    assert opened.lost == ("response_format.json_schema.schema.additionalProperties",)
    recursive = formed(TREE, profile=NO_REF).misfit
    assert recursive is not None
    assert recursive.place == "response_format.json_schema.schema/properties/kids/items"


def test_a_form_without_a_schema_is_sent_as_it_is() -> None:
    made = fit(read_toolbox(None, None, None), read_format({"type": "json_object"}), STRICT_SUBSET)
    assert json.loads(made.response_format) == {"type": "json_object"}


def test_the_body_of_each_attempt_has_the_tools_of_its_model() -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "tools": [function(CLOSED)]}
    request = parse_chat(json.dumps(body).encode(), Bounds())
    sent = {
        profile: json.loads(mistral_body(request, Manner(model="m", max_tokens=9, profile=profile)))["tools"]
        for profile in SchemaProfile
    }
    assert sent[FULL] == sent[NO_REF] == [function(CLOSED)]
    assert sent[STRICT_SUBSET] == [function({"type": "object", "properties": {"a": TEXT}})]


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ({"tools": [function({"items": {"$ref": "a.json"}})]}, "tools[0].function.parameters/items"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "text"}}}},
            "response_format.json_schema.schema/type",
        ),
    ],
)
def test_what_no_model_takes_is_refused_when_the_request_is_read(field: dict[str, Any], place: str) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], **field}
    with pytest.raises(BadRequest) as caught:
        parse_chat(json.dumps(body).encode(), Bounds())
    assert caught.value.param == place
    assert place in caught.value.message


def test_the_same_tools_are_looked_at_once() -> None:
    tool = function({"type": "object", "properties": {"once": TEXT}})
    first = fitted(tool)
    walked = fitting._kept_tools.cache_info().misses
    assert fitted(tool).tools is first.tools
    assert fitting._kept_tools.cache_info().misses == walked


def test_what_is_too_large_to_be_remembered_is_made_anew() -> None:
    tool = function({"type": "object", "properties": {"a": {"description": "x" * KEPT_BYTES_MAX}}})
    known = fitting._kept_tools.cache_info().currsize
    assert fitted(tool).tools == fitted(tool).tools
    assert fitting._kept_tools.cache_info().currsize == known
