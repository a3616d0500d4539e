"""JSON Schemas made safe: what becomes of each keyword on the profiles that lose nothing."""

from __future__ import annotations

import json

import pytest

from router.wire.schema import SchemaProfile
from tests.wire.schemas import FULL, NO_REF, TEXT, Schema, safe

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
        {"items": {"minLength": 2, "allOf": [{"type": "string", "minLength": 1}]}},
    ),
    "rules that act on each other are kept apart": (
        {
            "items": {"$ref": "#/$defs/A", "additionalProperties": False},
            "$defs": {"A": {"properties": {"a": TEXT}}},
        },
        {"items": {"additionalProperties": False, "allOf": [{"properties": {"a": TEXT}}]}},
    ),
    "a rule beside a reference that its target lacks": (
        {"items": {"$ref": "#/$defs/A", "minLength": 2}, "$defs": {"A": TEXT}},
        {"items": {"type": "string", "minLength": 2}},
    ),
    "properties beside a reference to a target without any": (
        {"items": {"$ref": "#/$defs/A", "properties": {"a": TEXT}}, "$defs": {"A": {"type": "object"}}},
        {"items": {"type": "object", "properties": {"a": TEXT}}},
    ),
    "an allOf beside a reference that has one": (
        {"items": {"$ref": "#/$defs/A", "allOf": [TEXT]}, "$defs": {"A": {"allOf": [{"minLength": 1}]}}},
        {"items": {"allOf": [{"allOf": [{"minLength": 1}]}, TEXT]}},
    ),
    "what is not evaluated stays where it was": (
        {
            "items": {"$ref": "#/$defs/A", "unevaluatedProperties": False},
            "$defs": {"A": {"properties": {"a": TEXT}, "additionalProperties": True}},
        },
        {
            "items": {
                "unevaluatedProperties": False,
                "allOf": [{"properties": {"a": TEXT}, "additionalProperties": True}],
            }
        },
    ),
    "a reference to a boolean": (
        {"items": {"$ref": "#/$defs/A", "title": "x"}, "$defs": {"A": True}},
        {"items": {"title": "x", "allOf": [True]}},
    ),
    "an anchor": (
        {"items": {"$ref": "#here"}, "$defs": {"A": {"$anchor": "here", **TEXT}}},
        {"items": TEXT},
    ),
    "parts with addresses of their own": (
        {
            "$id": "https://example.com/all",
            "properties": {"a": {"$ref": "one"}, "b": {"$ref": "https://example.com/all#/$defs/B"}},
            "$defs": {
                "A": {"$id": "one", "items": {"$ref": "#/$defs/B"}, "$defs": {"B": {"type": "null"}}},
                "B": TEXT,
            },
        },
        {"properties": {"a": {"items": {"type": "null"}}, "b": TEXT}},
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
    "a list of types that is nullable": (
        {"type": ["string", "number"], "nullable": True},
        {"type": ["string", "number", "null"]},
    ),
    "nullable and null already": ({"type": ["string", "null"], "nullable": True}, {"type": ["string", "null"]}),
    "nullable beside a reference": (
        {"items": {"$ref": "#/$defs/A", "nullable": True}, "$defs": {"A": TEXT}},
        {"items": {"type": ["string", "null"]}},
    ),
    # OpenAPI 3.0.3 gives it a meaning only beside a type; without one it is a hint to the reader.
    "nullable without a type": ({"enum": ["a"], "nullable": True}, {"enum": ["a"], "nullable": True}),
    "a type beside a nullable target": (
        {"items": {"$ref": "#/$defs/A", "type": "string"}, "$defs": {"A": {"nullable": True}}},
        {"items": {"type": "string", "allOf": [{"nullable": True}]}},
    ),
    "not nullable": ({"type": "string", "nullable": False}, TEXT),
    "an object that may have more": ({"type": "object", "additionalProperties": True}, {"type": "object"}),
    "an object that may have anything more": (
        {"type": "object", "additionalProperties": {"$comment": "x"}},
        {"type": "object"},
    ),
    "an object with more of one kind": (
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
    "more properties, and somebody who counts them": (
        {"unevaluatedProperties": False, "anyOf": [{"additionalProperties": True}]},
        {"unevaluatedProperties": False, "anyOf": [{"additionalProperties": True}]},
    ),
    "more properties of a part, and somebody who counts those of the whole": (
        {"unevaluatedProperties": False, "properties": {"a": {"additionalProperties": True}}},
        {"unevaluatedProperties": False, "properties": {"a": {}}},
    ),
    "keywords that nobody knows": (
        {"type": "object", "x-order": [1], "example": {"$ref": "#/no"}, "strict": True},
        {"type": "object", "x-order": [1], "example": {"$ref": "#/no"}, "strict": True},
    ),
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
@pytest.mark.parametrize("profile", [FULL, NO_REF])
def test_a_schema_is_made_safe(title: str, profile: SchemaProfile) -> None:
    schema, expected = CASES[title]
    assert safe(schema, profile) == expected


@pytest.mark.parametrize("title", CASES)
def test_a_safe_schema_stays_as_it_is(title: str) -> None:
    _, expected = CASES[title]
    assert json.dumps(safe(expected)) == json.dumps(expected)


@pytest.mark.parametrize("profile", SchemaProfile)
def test_properties_keep_their_names_and_their_order(profile: SchemaProfile) -> None:
    names = ["z", "type", "$ref", "$defs", "additionalProperties", "pattern", "a", "nullable", "not", "$id", "enum"]
    schema: Schema = {"properties": {name: {"title": name, "type": "string"} for name in names}, "required": names}
    assert list(safe(schema, profile)["properties"]) == names
    assert safe(schema, profile) == schema
