"""Schemas that not every model takes: what recurs, what is opened, what is refused and where."""

from __future__ import annotations

import json

import pytest

from router.wire.schema import DEPTH_MAX, GROWTH_BYTES_MAX, NODES_MAX, Room, SchemaProfile, Unfit, rewrite
from tests.wire.schemas import FULL, NO_REF, STRICT_SUBSET, TEXT, Schema, refused, safe

TREE = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}}
NODE = {"properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"$ref": "#/$defs/Name"}}}
LIST = {
    "$schema": "x",
    "properties": {"head": {"$ref": "#/$defs/Node"}},
    "$defs": {"Name": TEXT, "Node": NODE, "X": {}},
}
# Titles with a recursive schema, what the full profile makes of it, and where the others find fault.
RECURSIVE: dict[str, tuple[Schema, Schema, str]] = {
    "a tree": (TREE, TREE, "/properties/children/items"),
    "a list, beside what does not recur": (
        LIST,
        {
            "properties": {"head": {"$ref": "#/$defs/Node"}},
            "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}, "name": TEXT}}},
        },
        "/$defs/Node/properties/next",
    ),
    "the whole is one of its definitions": (
        {"$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}, "$ref": "#/$defs/A"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}},
        "/$defs/A/items",
    ),
    "two definitions that need each other, kept in their order": (
        {
            "definitions": {"B": {"items": {"$ref": "#/definitions/A"}}, "A": {"not": {"$ref": "#/definitions/B"}}},
            "items": {"$ref": "#/definitions/A", "title": "x"},
        },
        {
            "items": {"$ref": "#/definitions/A", "title": "x"},
            "definitions": {"B": {"items": {"$ref": "#/definitions/A"}}, "A": {"not": {"$ref": "#/definitions/B"}}},
        },
        "/definitions/B/items",
    ),
    "a property that holds itself, as zod writes it": (
        {"properties": {"a": {"anyOf": [TEXT, {"items": {"$ref": "#/properties/a"}}]}}},
        {"properties": {"a": {"anyOf": [TEXT, {"items": {"$ref": "#/properties/a"}}]}}},
        "/properties/a/anyOf/1/items",
    ),
    "a part of a definition": (
        {"not": {"$ref": "#/$defs/B/items"}, "$defs": {"B": {"items": {"items": {"$ref": "#/$defs/B/items"}}}}},
        {"not": {"$ref": "#/$defs/B/items"}, "$defs": {"B": {"items": {"items": {"$ref": "#/$defs/B/items"}}}}},
        "/$defs/B/items/items",
    ),
}  # fmt: skip


@pytest.mark.parametrize("title", RECURSIVE)
def test_the_full_profile_keeps_what_recurs(title: str) -> None:
    schema, expected, _ = RECURSIVE[title]
    assert json.dumps(safe(schema)) == json.dumps(expected)
    assert json.dumps(safe(expected)) == json.dumps(expected)


@pytest.mark.parametrize("title", RECURSIVE)
@pytest.mark.parametrize("profile", [NO_REF, STRICT_SUBSET])
def test_the_other_profiles_refuse_what_recurs_with_its_place(title: str, profile: SchemaProfile) -> None:
    schema, _, place = RECURSIVE[title]
    assert refused(schema, profile) == ("schema_recursive", place)


REFUSED: dict[str, tuple[Schema, str, str]] = {
    "a remote reference": (
        {"properties": {"a": {"$ref": "https://example.com/a.json"}}},
        "schema_external_ref",
        "/properties/a",
    ),
    "a reference to a file": ({"items": {"$ref": "a.json#/x"}}, "schema_external_ref", "/items"),
    "a reference that is no address": ({"items": {"$ref": "http://["}}, "schema_external_ref", "/items"),
    "a remote reference inside a definition": (
        {"properties": {"a/b": {"$ref": "#/$defs/A~1"}}, "$defs": {"A/": {"items": {"$ref": "b.json"}}}},
        "schema_external_ref",
        "/$defs/A~1/items",
    ),
    "a reference to nothing": ({"items": {"$ref": "#/$defs/A"}}, "schema_unresolved_ref", "/items"),
    "an anchor that is not there": ({"items": {"$ref": "#here"}}, "schema_unresolved_ref", "/items"),
    "a reference into a text": ({"title": "x", "items": {"$ref": "#/title/0"}}, "schema_unresolved_ref", "/items"),
    "a reference into a number": ({"minimum": 1, "items": {"$ref": "#/minimum/0"}}, "schema_unresolved_ref", "/items"),
    "a reference beyond a list": ({"anyOf": [{}], "items": {"$ref": "#/anyOf/1"}}, "schema_unresolved_ref", "/items"),
    "a word for a place": ({"anyOf": [{}], "items": {"$ref": "#/anyOf/one"}}, "schema_unresolved_ref", "/items"),
    "a schema that is a number": ({"properties": {"a": 7}}, "invalid_schema", "/properties/a"),
    "a schema that is a text": ({"anyOf": ["string"]}, "invalid_schema", "/anyOf/0"),
    "a root that is a boolean": ({"$ref": "#/$defs/A", "$defs": {"A": True}}, "invalid_schema", ""),
    "a reference that moves with its reader": (
        {"items": {"$dynamicRef": "#a"}},
        "schema_unsupported",
        "/items/$dynamicRef",
    ),
    "a type that nobody knows": ({"properties": {"a": {"type": "file"}}}, "invalid_schema", "/properties/a/type"),
    "required as Draft 3 wrote it": (
        {"properties": {"a": {"required": True}}},
        "invalid_schema",
        "/properties/a/required",
    ),
    "a bad regular expression": ({"properties": {"a": {"pattern": "("}}}, "invalid_schema", "/properties/a/pattern"),
    "properties that are a list": ({"properties": [TEXT]}, "invalid_schema", "/properties"),
    "a list of alternatives that is none": ({"anyOf": TEXT}, "invalid_schema", "/anyOf"),
    "a reference that is a number": ({"items": {"$ref": 7}}, "invalid_schema", "/items/$ref"),
    "a reference to itself": ({"$ref": "#"}, "schema_recursive", ""),
    "references that go round": (
        {"not": {"$ref": "#/$defs/A"}, "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"allOf": [{"$ref": "#/$defs/A"}]}}},
        "schema_recursive",
        "/$defs/B/allOf/0",
    ),
    "a tree in a part with an address of its own": (
        {"items": {"$id": "a", "items": {"$ref": "#/items"}}},
        "schema_recursive",
        "/items/items",
    ),
    "a tree below a reference that is put in place": (
        {
            "items": {"$ref": "#/$defs/A", "properties": {"b": {"not": {"$ref": "#/items/properties/b"}}}},
            "$defs": {"A": {"properties": {"a": TEXT}}},
        },
        "schema_recursive",
        "/items/properties/b/not",
    ),
}  # fmt: skip


@pytest.mark.parametrize("title", REFUSED)
@pytest.mark.parametrize("profile", SchemaProfile)
def test_what_cannot_be_made_safe_is_refused_with_its_place(title: str, profile: SchemaProfile) -> None:
    schema, code, place = REFUSED[title]
    assert refused(schema, profile) == (code, place)


CLOSED: Schema = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False}
OPEN: Schema = {"type": "object", "properties": {"a": TEXT}}


@pytest.mark.parametrize(
    ("schema", "made"),
    [
        (CLOSED, OPEN),
        ({"properties": {"b": CLOSED, "c": {"items": CLOSED}}}, {"properties": {"b": OPEN, "c": {"items": OPEN}}}),
        ({"anyOf": [CLOSED, {"type": "null"}]}, {"anyOf": [OPEN, {"type": "null"}]}),
        ({"items": {"$ref": "#/$defs/A"}, "$defs": {"A": CLOSED}}, {"items": OPEN}),
    ],
)
def test_the_strict_subset_opens_closed_objects_and_says_so(schema: Schema, made: Schema) -> None:
    rewritten = rewrite(schema, STRICT_SUBSET, Room())
    assert (rewritten.schema, rewritten.widened) == (made, ("additionalProperties",))


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"properties": {"m": {"additionalProperties": TEXT}}}, "/properties/m/additionalProperties"),
        # Where accepting more inside means accepting less outside, an object cannot be opened.
        ({"oneOf": [CLOSED, TEXT]}, "/oneOf/0/additionalProperties"),
        ({"not": CLOSED}, "/not/additionalProperties"),
        ({"if": {"items": CLOSED}}, "/if/items/additionalProperties"),
        ({"not": {"$ref": "#/$defs/A"}, "$defs": {"A": CLOSED}}, "/$defs/A/additionalProperties"),
        ({"unevaluatedProperties": False, "allOf": [CLOSED]}, "/allOf/0/additionalProperties"),
    ],
)
def test_the_strict_subset_refuses_what_it_cannot_say(schema: Schema, place: str) -> None:
    assert refused(schema, STRICT_SUBSET) == ("schema_unsupported", place)


@pytest.mark.parametrize("pattern", [r"^\p{L}+$", r"(?<year>\d{4})"])
def test_a_pattern_that_only_python_does_not_know_is_left_out_and_named(pattern: str) -> None:
    rewritten = rewrite({"items": {"type": "string", "pattern": pattern}}, FULL, Room())
    assert (rewritten.schema, rewritten.widened) == ({"items": TEXT}, ("pattern",))
    assert refused({"not": {"pattern": pattern}}) == ("invalid_schema", "/not/pattern")


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


def chained(steps: int) -> Schema:
    links: Schema = {f"D{step}": {"$ref": f"#/$defs/D{step + 1}"} for step in range(steps)}
    return {"items": {"$ref": "#/$defs/D0"}, "$defs": {**links, f"D{steps}": TEXT}}


def wordy(copies: int, letters: int) -> Schema:
    return {"prefixItems": [{"$ref": "#/$defs/A"}] * copies, "$defs": {"A": {"description": "x" * letters}}}


@pytest.mark.parametrize(
    "schema",
    [nested(1_000), doubling(30), chained(1_000), wordy(300, 1_000), {"anyOf": [TEXT] * NODES_MAX}],
    ids=["deep", "doubling", "chained", "wordy", "wide"],
)
def test_a_bomb_is_refused_before_it_goes_off(schema: Schema) -> None:
    assert refused(schema)[0] == "schema_too_large"


@pytest.mark.parametrize("schema", [nested(DEPTH_MAX), doubling(8), wordy(200, 1_000), {"anyOf": [TEXT] * 1_000}])
def test_a_large_schema_is_served(schema: Schema) -> None:
    assert "$ref" not in str(safe(schema))


def test_the_schemas_of_one_request_share_the_room_to_grow() -> None:
    room = Room()
    rewrite(wordy(200, 1_000), FULL, room)
    assert room.bytes_left < GROWTH_BYTES_MAX / 3
    with pytest.raises(Unfit):
        rewrite(wordy(200, 1_000), FULL, room)
