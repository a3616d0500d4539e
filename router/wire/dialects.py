"""What other dialects of JSON Schema write, brought to the one that the vendor's server checks every schema against,
whatever the schema says of itself: Draft 7, with Python's regular expressions."""

from __future__ import annotations

import re
from typing import Any, Final

import jsonschema_rs

from router.wire.keywords import Path

_DRAFT_7: Final = jsonschema_rs.Draft7Validator({"$ref": "http://json-schema.org/draft-07/schema#"})


def modern(node: dict[str, Any]) -> dict[str, Any]:
    """`node`, changed in place: OpenAPI 3.0 allows null by `nullable` beside a type, and Draft 4 wrote booleans for
    exclusive bounds, which the server refuses with 400 (SylphxAI/pdf-reader-mcp#63)."""
    if "nullable" in node and "type" in node:
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        if node.pop("nullable") is True and "null" not in kinds:
            node["type"] = [*kinds, "null"]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(node.get(exclusive), bool) and node.pop(exclusive) and bound in node:
            node[exclusive] = node.pop(bound)
    return node


def fault(schema: dict[str, Any]) -> tuple[Path, str] | None:
    """Where `schema` is no Draft 7, and why."""
    for error in _DRAFT_7.iter_errors(schema):
        value: Any = schema
        for step in error.instance_path:
            value = value[step]
        path = tuple(str(step) for step in error.instance_path)
        # What stands under `items` may be a schema or a list, so a fault in it is told of the whole.
        inner = fault(value) if path and isinstance(value, dict) else None
        return ((*path, *inner[0]), inner[1]) if inner else (path, error.message)
    return None


def compiles(pattern: str) -> bool:
    """Whether Python takes the regular expression."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True
