"""What holds for every schema: what was valid stays valid, twice is once, the result is Draft 7."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from router.wire.schema import Rewritten, Room, SchemaProfile, Unfit, rewrite
from tests.wire.schemas import FULL, STRICT_SUBSET, Schema

PROFILES = st.sampled_from(SchemaProfile)
DRAFT_7 = jsonschema_rs.Draft7Validator({"$ref": "http://json-schema.org/draft-07/schema#"})
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
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "contains": inner,
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


def made(schema: Schema, profile: SchemaProfile) -> Rewritten | None:
    try:
        return rewrite(schema, profile, Room())
    except Unfit:
        return None


def verdicts(schema: Schema, values: list[Any]) -> list[bool]:
    validator = jsonschema_rs.Draft202012Validator(schema)
    return [validator.is_valid(value) for value in values]


@settings(max_examples=150)
@given(SCHEMAS, PROFILES, st.lists(VALUES, min_size=1, max_size=5))
def test_what_was_valid_stays_valid_and_nothing_more_unless_it_is_told(
    schema: Schema, profile: SchemaProfile, values: list[Any]
) -> None:
    rewritten = made(schema, profile)
    if rewritten is None:
        return
    before, after = verdicts(schema, values), verdicts(rewritten.schema, values)
    if rewritten.widened:
        assert all(is_ for was, is_ in zip(before, after, strict=True) if was)
    else:
        assert after == before


@settings(max_examples=100)
@given(SCHEMAS, PROFILES)
def test_rewriting_twice_is_rewriting_once(schema: Schema, profile: SchemaProfile) -> None:
    once = made(schema, profile)
    if once is None:
        return
    twice = rewrite(once.schema, profile, Room())
    assert json.dumps(twice.schema) == json.dumps(once.schema)
    assert twice.widened == ()


@settings(max_examples=100)
@given(SCHEMAS, PROFILES)
def test_what_is_made_is_draft_7_and_what_the_profile_takes(schema: Schema, profile: SchemaProfile) -> None:
    once = made(schema, profile)
    if once is None:
        return
    assert DRAFT_7.is_valid(once.schema)
    keywords = set(_keywords(once.schema))
    assert not keywords & {"$schema", "$id", "$comment", "$anchor"}
    assert profile is FULL or "$ref" not in keywords
    assert profile is not STRICT_SUBSET or "additionalProperties" not in keywords


def _keywords(schema: Any) -> list[str]:
    """The keywords of `schema` and all within, found by a way of its own: names and data stand under these keys."""
    if isinstance(schema, list):
        return [keyword for part in schema for keyword in _keywords(part)]
    if not isinstance(schema, dict):
        return []
    found = list(schema)
    for keyword, value in schema.items():
        if keyword in ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"):
            found += _keywords(list(value.values()))
        elif keyword not in ("enum", "const", "default", "examples", "required"):
            found += _keywords(value)
    return found


@given(
    st.dictionaries(st.sampled_from(["$ref", "properties", "items", "anyOf", "type", "minimum", "a"]), VALUES), PROFILES
)
def test_any_object_is_made_safe_or_refused_in_words(schema: Schema, profile: SchemaProfile) -> None:
    try:
        rewrite(schema, profile, Room())
    except Unfit as unfit:
        told = unfit.what
    else:
        told = "made safe"
    assert told
