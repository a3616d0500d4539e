"""JSON Schemas made safe: the same values are accepted, nothing refers to anything, what cannot be is refused."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.schema import DEPTH_MAX, NODES_MAX, safe_schema

Schema = dict[str, Any]


def safe(schema: Schema) -> Schema:
    return safe_schema(schema, "p")


def refused(schema: Schema) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        safe(schema)
    return caught.value


TEXT = {"type": "string"}

# Titles with a schema and what it becomes.
CASES: dict[str, tuple[Schema, Schema]] = {
    "a plain object": (
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
    ),
    "what pydantic writes": (
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}},
        {"type": "object", "properties": {"a": TEXT}},
    ),
    "what zod writes": (
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "$id": "x", "$comment": "y"},
        {"type": "object"},
    ),
    "a reference at the root": ({"$ref": "#/definitions/A", "definitions": {"A": TEXT}}, TEXT),
    "a reference to a reference": (
        {"items": {"$ref": "#/$defs/A"}, "$defs": {"A": {"$ref": "#/$defs/B"}, "B": TEXT}},
        {"items": TEXT},
    ),
    "the same reference twice": (
        {"prefixItems": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}], "$defs": {"A": TEXT}},
        {"prefixItems": [TEXT, TEXT]},
    ),
    "a pointer with escapes": (
        {"items": {"$ref": "#/$defs/a~1b~0c"}, "$defs": {"a/b~c": TEXT}},
        {"items": TEXT},
    ),
    "a pointer into a list": (
        {"anyOf": [TEXT, {"type": "null"}], "items": {"$ref": "#/anyOf/1"}},
        {"anyOf": [TEXT, {"type": "null"}], "items": {"type": "null"}},
    ),
    "a description beside a reference wins": (
        {"items": {"$ref": "#/$defs/A", "description": "near"}, "$defs": {"A": {**TEXT, "description": "far"}}},
        {"items": {"type": "string", "description": "near"}},
    ),
    "a rule beside a reference holds as well": (
        {"items": {"$ref": "#/$defs/A", "minLength": 2}, "$defs": {"A": {**TEXT, "minLength": 1}}},
        {"items": {"allOf": [{"type": "string", "minLength": 1}, {"minLength": 2}]}},
    ),
    "rules that act on each other are kept apart": (
        {
            "items": {"$ref": "#/$defs/A", "additionalProperties": False},
            "$defs": {"A": {"properties": {"a": TEXT}}},
        },
        {"items": {"allOf": [{"properties": {"a": TEXT}}, {"additionalProperties": False}]}},
    ),
    "a property may be called like a keyword": (
        {
            "type": "object",
            "properties": {
                "$ref": TEXT,
                "definitions": TEXT,
                "$schema": TEXT,
                "nullable": {"type": "boolean"},
                "exclusiveMinimum": {"type": "boolean"},
            },
        },
        {
            "type": "object",
            "properties": {
                "$ref": TEXT,
                "definitions": TEXT,
                "$schema": TEXT,
                "nullable": {"type": "boolean"},
                "exclusiveMinimum": {"type": "boolean"},
            },
        },
    ),
    "data is left alone": (
        {"enum": [{"$ref": "#/nowhere"}], "const": {"$id": "x"}, "default": {"$defs": 1}, "examples": [{"items": 1}]},
        {"enum": [{"$ref": "#/nowhere"}], "const": {"$id": "x"}, "default": {"$defs": 1}, "examples": [{"items": 1}]},
    ),
    "nullable as OpenAPI writes it": (
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
    ),
    "not nullable": ({"type": "string", "nullable": False}, TEXT),
    "a bound of Draft 4": (
        {"type": "number", "minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True},
        {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 9},
    ),
    "a bound of Draft 4 that is not exclusive": ({"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
    "an exclusive bound of Draft 4 without a bound": ({"exclusiveMaximum": True}, {}),
    "a bound of Draft 6": ({"exclusiveMinimum": 1}, {"exclusiveMinimum": 1}),
    "booleans are schemas": (
        {"properties": {"a": True, "b": False}, "items": False},
        {"properties": {"a": True, "b": False}, "items": False},
    ),
    "items of Draft 4 are a list": ({"items": [{"$id": "x"}, TEXT]}, {"items": [{}, TEXT]}),
    "dependencies of Draft 7 are names or schemas": (
        {"dependencies": {"a": ["b"], "c": {"$ref": "#/definitions/A"}}, "definitions": {"A": TEXT}},
        {"dependencies": {"a": ["b"], "c": TEXT}},
    ),
    **{
        f"a reference under {keyword}": (
            {keyword: {"$ref": "#/$defs/A"}, "$defs": {"A": TEXT}},
            {keyword: TEXT},
        )
        for keyword in [
            *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"),
            *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
        ]
    },
    **{
        f"a reference under {keyword}": (
            {keyword: {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": TEXT}},
            {keyword: {"a": TEXT}},
        )
        for keyword in ["properties", "patternProperties", "dependentSchemas"]
    },
    **{
        f"a reference under {keyword}": (
            {keyword: [{"$ref": "#/$defs/A"}], "$defs": {"A": TEXT}},
            {keyword: [TEXT]},
        )
        for keyword in ["allOf", "anyOf", "oneOf", "prefixItems"]
    },
}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_a_schema_is_made_safe(title: str) -> None:
    schema, expected = CASES[title]
    assert safe(schema) == expected


@pytest.mark.parametrize("title", CASES)
def test_a_safe_schema_stays_as_it_is(title: str) -> None:
    _, expected = CASES[title]
    assert safe(expected) == expected


TREE = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}

REFUSED: dict[str, tuple[Schema, str, str]] = {
    "a remote reference": (
        {"properties": {"a": {"$ref": "https://example.com/a.json"}}},
        "schema_external_ref",
        "p/properties/a",
    ),
    "a reference to a file": ({"items": {"$ref": "a.json#/x"}}, "schema_external_ref", "p/items"),
    "a tree": (TREE, "schema_recursive", "p/properties/children/items/properties/children/items"),
    "a definition that refers to itself": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}},
        "schema_recursive",
        "p/items",
    ),
    "two definitions that refer to each other": (
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}},
        "schema_recursive",
        "p",
    ),
    "a reference to nothing": ({"items": {"$ref": "#/$defs/A"}}, "schema_unresolved_ref", "p/items"),
    "a reference into a text": ({"title": "x", "items": {"$ref": "#/title/0"}}, "schema_unresolved_ref", "p/items"),
    "a reference beyond a list": ({"anyOf": [{}], "items": {"$ref": "#/anyOf/1"}}, "schema_unresolved_ref", "p/items"),
    "a schema that is a number": ({"properties": {"a": 7}}, "invalid_schema", "p/properties/a"),
    "a schema that is a text": ({"anyOf": ["string"]}, "invalid_schema", "p/anyOf/0"),
    "a root that is a boolean": ({"$ref": "#/$defs/A", "$defs": {"A": True}}, "invalid_schema", "p"),
}  # fmt: skip


@pytest.mark.parametrize("title", REFUSED)
def test_what_cannot_be_made_safe_is_refused_with_its_place(title: str) -> None:
    schema, code, place = REFUSED[title]
    error = refused(schema)
    assert (error.code, error.param) == (code, place)
    assert f"The schema at {place} " in error.message


def nested(depth: int) -> Schema:
    schema: Schema = TEXT
    for _ in range(depth):
        schema = {"items": schema}
    return schema


def doubling(steps: int) -> Schema:
    """Each definition refers to the next one twice: 2**steps parts in a few lines."""
    pairs: Schema = {
        f"D{step}": {"anyOf": [{"$ref": f"#/$defs/D{step + 1}"}, {"$ref": f"#/$defs/D{step + 1}"}]}
        for step in range(steps)
    }
    return {"$ref": "#/$defs/D0", "$defs": {**pairs, f"D{steps}": TEXT}}


@pytest.mark.parametrize("schema", [nested(1_000), doubling(30), {"anyOf": [TEXT] * NODES_MAX}])
def test_a_bomb_is_refused_before_it_goes_off(schema: Schema) -> None:
    assert refused(schema).code == "schema_too_large"


@pytest.mark.parametrize("schema", [nested(DEPTH_MAX), doubling(8), {"anyOf": [TEXT] * 1_000}])
def test_a_large_schema_is_served(schema: Schema) -> None:
    assert "$ref" not in str(safe(schema))


NAMES = st.sampled_from(["a", "b", "$ref", "definitions"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"])
REFERENCES = st.sampled_from(["#/$defs/one", "#/$defs/two", "#/definitions/three"])


def _more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "$ref": REFERENCES,
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
            "dependentSchemas": st.dictionaries(NAMES, inner, max_size=2),
            "unevaluatedProperties": inner,
            "minimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "enum": st.lists(VALUES, min_size=1, max_size=2),
            "const": VALUES,
            "title": st.just("t"),
            "description": st.just("d"),
            "$comment": st.just("c"),
        },
    )


PARTS = st.recursive(st.booleans() | st.builds(dict), _more, max_leaves=5)
SCHEMAS = st.builds(
    lambda root, one, two, three: {**root, "$defs": {"one": one, "two": two}, "definitions": {"three": three}},
    *[_more(PARTS)] * 4,
)


@settings(max_examples=60)
@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=5))
def test_a_safe_schema_accepts_exactly_what_the_schema_accepts(schema: Schema, values: list[Any]) -> None:
    try:
        made = safe(schema)
    except BadRequest:
        return
    before, after = jsonschema_rs.Draft202012Validator(schema), jsonschema_rs.Draft202012Validator(made)
    assert [after.is_valid(value) for value in values] == [before.is_valid(value) for value in values]


@settings(max_examples=30)
@given(SCHEMAS)
def test_making_safe_twice_is_making_safe_once(schema: Schema) -> None:
    try:
        made = safe(schema)
    except BadRequest:
        return
    assert safe(made) == made


@given(st.dictionaries(st.sampled_from(["$ref", "properties", "items", "anyOf", "type", "minimum", "a"]), VALUES))
def test_any_object_is_made_safe_or_refused_in_words(schema: Schema) -> None:
    try:
        made = safe(schema)
    except BadRequest as refusal:
        told = refusal.param
    else:
        told = "p" if isinstance(made, dict) else None
    assert told is not None
    assert told.startswith("p")
