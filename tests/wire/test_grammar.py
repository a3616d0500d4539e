"""What a grammar cannot be made of, so that strict has to be taken back. Verdicts are those of llguidance 1.3.0, tried
out in 2026-11."""

from __future__ import annotations

import pytest

from router.wire.grammar import obstacle
from tests.wire.schemas import TEXT, Schema

REFERENCE = {"$ref": "#/$defs/A"}


def either(*options: object) -> Schema:
    return {"oneOf": list(options)}


def tagged(tag: str, **fields: object) -> Schema:
    return {"type": "object", "properties": {"kind": {"const": tag}}, **fields}


COMPILED: list[Schema] = [
    {},
    {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
    {"additionalProperties": TEXT},
    {"patternProperties": {"^a": TEXT}},
    {"anyOf": [TEXT, TEXT]},
    {"allOf": [TEXT, {"minLength": 1}]},
    {"const": {"not": 1}},
    {"enum": [{"if": 1}]},
    {"properties": {"not": TEXT, "if": TEXT, "uniqueItems": TEXT}},
    {"type": ["string", "null"], "pattern": "^a+?b$", "minLength": 1},
    {"type": "number", "minimum": 1, "multipleOf": 2},
    {"prefixItems": [TEXT], "items": False},
    {"nullable": True, "x-a": {"not": {}}, "default": {"not": {}}},
    {"type": "integer", "format": "int64"},
    *({"type": "string", "format": name} for name in ("date-time", "date", "time", "email", "uuid", "ipv4")),
    {"$ref": "#", "description": "again"},
    {"properties": {"a": REFERENCE}, "$defs": {"A": {"items": REFERENCE}}},
    {"allOf": [REFERENCE], "$defs": {"A": {"items": REFERENCE}}},
    either(TEXT),
    either(TEXT, {"type": "number"}, {"type": "null"}),
    either({"type": ["string", "null"]}, {"type": "number"}),
    either({"anyOf": [TEXT, {"type": "null"}]}, {"type": "boolean"}),
    either({"const": "a"}, {"const": "b"}),
    either({"enum": ["a", "c"]}, {"enum": ["b", "d"]}),
    either({"const": True}, {"const": False}),
    either(False, TEXT),
    either(tagged("a", required=["kind"]), tagged("b")),
    either(
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"], "additionalProperties": False},
        {"type": "object", "properties": {"b": TEXT}, "required": ["b"], "additionalProperties": False},
    ),
]


@pytest.mark.parametrize("schema", COMPILED, ids=str)
def test_what_compiles_may_be_strict(schema: Schema) -> None:
    assert obstacle({"type": "object", "properties": {"p": schema}, **_definitions(schema)}) is None


REFUSED: list[tuple[str, Schema]] = [
    *((keyword, {keyword: TEXT}) for keyword in ("not", "if", "then", "else", "propertyNames", "contains")),
    *((keyword, {keyword: 1}) for keyword in ("minContains", "maxContains")),
    *((keyword, {keyword: False}) for keyword in ("unevaluatedProperties", "unevaluatedItems", "uniqueItems")),
    *((keyword, {keyword: {"a": ["b"]}}) for keyword in ("dependencies", "dependentRequired")),
    ("dependentSchemas", {"dependentSchemas": {"a": {}}}),
    *(("format", {"format": name}) for name in ("uri", "binary", "json", "byte", "password", "regex")),
    *(("pattern", {"pattern": text}) for text in ("(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a)b", r"(a)\1", r"\bword\b")),
    ("patternProperties", {"patternProperties": {"(?=a)": TEXT}}),
    ("oneOf", either(TEXT, TEXT)),
    ("oneOf", either({"type": "integer"}, {"type": "number"})),
    ("oneOf", either({"const": 1}, {"const": 2})),
    ("oneOf", either({"enum": ["a", "c"]}, {"enum": ["b", "c"]})),
    ("oneOf", either({"type": ["string", "null"]}, {"type": "null"})),
    ("oneOf", either({"type": "boolean"}, {"const": True})),
    ("oneOf", either(tagged("a"), tagged("b"))),
    ("oneOf", either({"required": ["a"]}, {"required": ["b"]})),
    ("oneOf", either({"type": "array", "items": TEXT}, {"type": "array", "items": {"type": "number"}})),
    ("oneOf", either(True, TEXT)),
    ("oneOf", {"oneOf": [REFERENCE, TEXT], "$defs": {"A": {"items": REFERENCE}}}),
    ("$ref", {"items": REFERENCE, "$defs": {"A": {"items": {**REFERENCE, "minItems": 1}}}}),
    ("allOf", {"items": REFERENCE, "$defs": {"A": {"items": {"allOf": [REFERENCE, TEXT]}}}}),
    ("not", {"items": REFERENCE, "$defs": {"A": {"not": {}, "items": REFERENCE}}}),
]


@pytest.mark.parametrize(("keyword", "schema"), REFUSED, ids=str)
def test_what_does_not_compile_is_named(keyword: str, schema: Schema) -> None:
    assert obstacle(schema) == keyword
    nested = {"anyOf": [{"items": {"properties": {"p": schema}}}, TEXT], **_definitions(schema)}
    assert obstacle(nested) == keyword


def _definitions(schema: Schema) -> Schema:
    return {"$defs": schema["$defs"]} if "$defs" in schema else {}
