"""JSON Schema's keywords by what stands under them, so that a walk never takes data or a property's name for a schema.

15 of 100 real tools have a property called `type`, `title`, `format` or another keyword (census of 407 tools, 2026-11):
whoever rewrites by key alone breaks them. What is not listed here holds data, and is never looked into.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, Final

Path = tuple[str, ...]


class Holds(enum.Enum):
    """What stands under a keyword."""

    SCHEMA = enum.auto()
    SCHEMAS = enum.auto()  # a list
    NAMED = enum.auto()  # an object whose names are the app's own
    ITEMS = enum.auto()  # a schema, or in Draft 7 a list of them


HOLDS: Final[dict[str, Holds]] = {
    **dict.fromkeys(
        [
            *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "not"),
            *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
        ],
        Holds.SCHEMA,
    ),
    **dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], Holds.SCHEMAS),
    # Under `dependencies`, Draft 7 has lists of names beside schemas.
    **dict.fromkeys(["properties", "patternProperties", "dependencies", "dependentSchemas"], Holds.NAMED),
    "items": Holds.ITEMS,
}

# Where references usually lead; nothing applies a schema that stands here by itself.
DEFINITIONS: Final = ("$defs", "definitions")
# These describe the same value as the schema they stand in, so `unevaluatedProperties` there sees what they evaluate.
IN_PLACE: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas", "dependencies"}
)
# Inside these, a schema that accepts more may make the whole accept less.
EXACT: Final = frozenset({"not", "if", "oneOf", "contains"})

# Assertions that mean the same whatever stands beside them …
INDEPENDENT: Final = frozenset(
    {
        *("type", "enum", "const", "format", "pattern", "minLength", "maxLength", "multipleOf", "nullable"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems"),
        *("minProperties", "maxProperties", "required", "propertyNames", "dependentRequired", "dependentSchemas"),
        *("dependencies", "allOf", "anyOf", "oneOf", "not"),
    }
)
# … and those that act on each other within one object.
ENTANGLED: Final = frozenset(
    {
        *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties"),
        *("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "minContains", "maxContains"),
        *("if", "then", "else"),
    }
)
UNEVALUATED: Final = frozenset({"unevaluatedProperties", "unevaluatedItems"})


def subschemas(node: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every schema directly inside `node`, with its way there."""
    for key, value in node.items():
        holds = HOLDS.get(key)
        if holds is Holds.NAMED and isinstance(value, dict):
            yield from (((key, name), child) for name, child in value.items() if not isinstance(child, list))
        elif holds in (Holds.SCHEMAS, Holds.ITEMS) and isinstance(value, list):
            yield from (((key, str(index)), child) for index, child in enumerate(value))
        elif holds in (Holds.SCHEMA, Holds.ITEMS):
            yield (key,), value


def pointer(path: Path) -> str:
    """The JSON pointer (RFC 6901) of a way into a schema."""
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path)


def mixes(target: dict[str, Any], siblings: dict[str, Any]) -> bool:
    """Whether keywords that stood beside a reference mean the same inside its target. Annotations do: the nearer one
    counts. Assertions do unless the target has one of the same name, or they act on others that it has."""
    if not UNEVALUATED.isdisjoint(target) or not (ENTANGLED.isdisjoint(siblings) or ENTANGLED.isdisjoint(target)):
        return False
    if "nullable" in target and "type" in siblings:
        return False
    return all(key not in INDEPENDENT or key not in target for key in siblings)
