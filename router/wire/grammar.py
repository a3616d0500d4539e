"""What the vendor's grammar compiler refuses, so that `strict` is taken back in words instead of failing with 400.

A strict schema is compiled to a grammar by llguidance, which the vendor's own stack names (mistral-common 1.13.1); what
stands here was tried out on llguidance 1.3.0 (2026-11). A schema that is not strict is only text to the model.
"""

from __future__ import annotations

import re
from typing import Any, Final

from router.wire.keywords import DEFINITIONS, ENTANGLED, INDEPENDENT, subschemas

_REFUSED: Final = (
    *("not", "if", "then", "else", "propertyNames", "dependencies", "dependentRequired", "dependentSchemas"),
    *("contains", "minContains", "maxContains", "uniqueItems", "unevaluatedProperties", "unevaluatedItems"),
    "$dynamicAnchor",
)
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "unknown"}
)
# Looking around, looking back, and edges of words.
_LOOKS: Final = re.compile(r"\(\?<?[=!]|\\[1-9bBk]")
_ANY: Final = frozenset({"null", "boolean", "number", "string", "array", "object"})


def obstacle(schema: Any) -> str | None:
    """The first keyword in `schema` that keeps it from being compiled, or None. The schema is valid Draft 7."""
    if not isinstance(schema, dict):
        return None
    for keyword in _REFUSED:
        if keyword in schema:
            return keyword
    if "format" in schema and "string" in _kinds(schema) and schema["format"] not in _FORMATS:
        return "format"
    if _LOOKS.search(schema.get("pattern", "")):
        return "pattern"
    if any(_LOOKS.search(pattern) for pattern in schema.get("patternProperties", ())):
        return "patternProperties"
    if not _apart(schema.get("oneOf", [])):
        return "oneOf"
    # A reference that is still there leads back to itself, and then it has to stand alone.
    if "$ref" in schema and not (INDEPENDENT | ENTANGLED).isdisjoint(schema):
        return "$ref"
    parts = schema.get("allOf", [])
    if len(parts) > 1 and any(isinstance(part, dict) and "$ref" in part for part in parts):
        return "allOf"
    inner = [child for _, child in subschemas(schema)]
    inner += [definition for box in DEFINITIONS for definition in schema.get(box, {}).values()]
    return next((found for child in inner if (found := obstacle(child)) is not None), None)


def _apart(options: list[Any]) -> bool:
    """Whether no value can fit two of the options, by what the compiler looks at."""
    return all(_disjoint(first, second) for index, first in enumerate(options) for second in options[index + 1 :])


def _disjoint(first: Any, second: Any) -> bool:
    if first is False or second is False:
        return True
    if not isinstance(first, dict) or not isinstance(second, dict):
        return False
    common = _kinds(first) & _kinds(second)
    if not common:
        return True
    if common <= {"string", "boolean"} and (ours := _values(first)) is not None and (theirs := _values(second)):
        return not any(value in theirs for value in ours)
    if common != {"object"}:
        return False
    return any(
        _disjoint(_property(first, name), _property(second, name))
        for name in {*first.get("required", ()), *second.get("required", ())}
    )


def _kinds(schema: dict[str, Any]) -> frozenset[str]:
    """The types that the values of `schema` may have; integers are numbers."""
    if (values := _values(schema)) is not None:
        return frozenset(_kind(value) for value in values)
    if "type" in schema:
        named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return frozenset("number" if kind == "integer" else kind for kind in named)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            inner = [_kinds(option) if isinstance(option, dict) else _ANY for option in schema[keyword]]
            return frozenset().union(*inner)
    return _ANY


def _values(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _property(schema: dict[str, Any], name: str) -> Any:
    return schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
