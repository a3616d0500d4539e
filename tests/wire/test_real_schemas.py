"""Schemas of real tools: all are served, and what was changed is what had to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from router.wire.grammar import obstacle
from router.wire.schema import Room, SchemaProfile, Unfit, rewrite
from tests.wire.schemas import FULL, NO_REF, STRICT_SUBSET, Schema

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded/schemas.jsonl").read_text().splitlines()]
IDS = [f"{tool['source']}:{tool['name']}" for tool in RECORDED]
DRAFT_7 = jsonschema_rs.Draft7Validator({"$ref": "http://json-schema.org/draft-07/schema#"})
# What a profile cannot take: two of pydantic's models recur, and the early models knew no maps.
UNFIT = {
    (NO_REF, "Tree"): "schema_recursive",
    (NO_REF, "Query"): "schema_recursive",
    (STRICT_SUBSET, "Tree"): "schema_recursive",
    (STRICT_SUBSET, "Query"): "schema_recursive",
    (STRICT_SUBSET, "MapM"): "schema_unsupported",
    (STRICT_SUBSET, "projects_write"): "schema_unsupported",
}


@pytest.mark.parametrize("profile", SchemaProfile)
@pytest.mark.parametrize("tool", RECORDED, ids=IDS)
def test_a_real_schema_is_served(tool: dict[str, Any], profile: SchemaProfile) -> None:
    try:
        made = rewrite(tool["parameters"], profile, Room()).schema
    except Unfit as unfit:
        told = unfit.code
    else:
        told = None
        assert DRAFT_7.is_valid(made)
        assert json.dumps(rewrite(made, profile, Room()).schema) == json.dumps(made)
    assert told == UNFIT.get((profile, tool["name"]))


@pytest.mark.parametrize("tool", RECORDED, ids=IDS)
def test_every_property_of_a_real_schema_is_still_there_and_in_its_place(tool: dict[str, Any]) -> None:
    made = rewrite(tool["parameters"], FULL, Room()).schema
    assert list(_names(made, made)) == list(_names(tool["parameters"], tool["parameters"]))


def _names(schema: Any, document: Schema, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of all properties, through references, each of which is followed once on the way."""
    if not isinstance(schema, dict):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in inside:
        box, name = reference.split("/")[1:]
        yield from _names(document[box][name], document, (*inside, reference))
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from _names(inner, document, inside)
    for key in ("items", "anyOf", "oneOf"):
        inner = schema.get(key, [])
        for part in inner if isinstance(inner, list) else [inner]:
            yield from _names(part, document, inside)


def test_few_real_schemas_cannot_be_strict() -> None:
    obstacles = {
        tool["name"]: keyword
        for tool in RECORDED
        if (keyword := obstacle(rewrite(tool["parameters"], FULL, Room()).schema)) is not None
    }
    assert set(obstacles.values()) <= {"oneOf", "format"}
    assert len(obstacles) < len(RECORDED) / 20
