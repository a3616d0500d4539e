"""A value that fits a JSON Schema: the arguments of a tool call, or the JSON an app asked for.

It covers what tools and response formats use. Where a schema asks for more (a pattern, say), the value may miss it,
and so may a model's.
"""

import math
from typing import Any, Final, TypeGuard

DEPTH_MAX: Final = 8
# A schema may ask for more than anybody wants to read; the value stays small whatever it says.
NODES_MAX: Final = 2_000
ITEMS_MAX: Final = 50
LETTERS_MAX: Final = 1_000
FORMATS: Final = {
    "date": "2026-11-23",
    "date-time": "2026-11-23T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}
Schema = dict[str, Any]


def instance(schema: Any) -> Any:
    """The plainest value that fits."""
    return _Builder(schema).fit(schema, "value", 0)


class _Builder:
    """Walks one schema; a recursive one ends at the depth or when the nodes run out."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._nodes = 0

    def fit(self, given: Any, hint: str, depth: int) -> Any:
        """`hint` becomes the text where any text will do."""
        self._nodes += 1
        schema = self._resolved(given)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        if depth and schema.get("default") is not None:
            return schema["default"]
        if parts := schema.get("allOf"):
            schema = _merged([schema, *(self._resolved(part) for part in parts)])
        if options := schema.get("anyOf") or schema.get("oneOf"):
            chosen = self._option(options, depth)
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            schema = _merged([rest, chosen])
            if self._exhausted(depth) or "enum" in schema or "const" in schema or "anyOf" in chosen:
                return None if self._exhausted(depth) else self.fit(schema, hint, depth + 1)
        return self._by_type(schema, hint, depth)

    def _exhausted(self, depth: int) -> bool:
        return depth > DEPTH_MAX or self._nodes > NODES_MAX

    def _option(self, options: list[Any], depth: int) -> Schema:
        """A real value says more than null; past the limits null ends a recursive schema."""
        resolved = [self._resolved(option) for option in options]
        nulls = [option for option in resolved if option.get("type") == "null"]
        real = [option for option in resolved if option.get("type") != "null"]
        return (nulls or real)[0] if self._exhausted(depth) else (real or nulls)[0]

    def _by_type(self, schema: Schema, hint: str, depth: int) -> Any:
        match _type_of(schema):
            case "object":
                return {} if self._exhausted(depth) else self._object(schema, depth)
            case "array":
                return [] if self._exhausted(depth) else self._array(schema, hint, depth)
            case "integer":
                return _number(schema, whole=True)
            case "number":
                return _number(schema, whole=False)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return _text(schema, hint)

    def _object(self, schema: Schema, depth: int) -> Schema:
        properties = schema.get("properties") or {}
        # Where nothing is required, the top level is filled all the same: a call without arguments shows little.
        names = schema.get("required") or (list(properties) if depth == 0 else [])
        return {name: self.fit(properties.get(name, {}), name.replace("_", " "), depth + 1) for name in names}

    def _array(self, schema: Schema, hint: str, depth: int) -> list[Any]:
        items = schema.get("items", {})
        if isinstance(items, list):
            return [self.fit(item, hint, depth + 1) for item in items[:ITEMS_MAX]]
        count = max(int(schema.get("minItems", 0)), 1 if schema.get("maxItems", 1) > 0 else 0)
        values = [self.fit(items, hint, depth + 1) for _ in range(min(count, ITEMS_MAX))]
        return _told_apart(values, items) if schema.get("uniqueItems") else values

    def _resolved(self, schema: Any) -> Schema:
        """Follow local references; one that leads nowhere allows anything."""
        for _ in range(DEPTH_MAX):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            target: Any = self._root
            for step in reference.removeprefix("#").split("/")[1:]:
                name = step.replace("~1", "/").replace("~0", "~")
                target = target.get(name, {}) if isinstance(target, dict) else {}
            schema = target
        return {}


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((option for option in kind if option != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _told_apart(values: list[Any], items: Any) -> list[Any]:
    if isinstance(items, dict) and items.get("enum"):
        return list(items["enum"][: len(values)])
    apart: list[Any] = []
    for place, value in enumerate(values):
        if isinstance(value, str):
            apart.append(f"{value} {place}" if place else value)
        else:
            apart.append(value + place if isinstance(value, int | float) and not isinstance(value, bool) else value)
    return apart


def _number(schema: Schema, *, whole: bool) -> float:
    """One, or the nearest value the bounds allow."""
    step = schema.get("multipleOf") or (1 if whole else None)
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    nudge = step or 1e-6 * max(1.0, abs(schema.get("exclusiveMinimum") or schema.get("exclusiveMaximum") or 1))
    if _is_number(above := schema.get("exclusiveMinimum")):
        low = max(low, above + nudge)
    if _is_number(below := schema.get("exclusiveMaximum")):
        high = min(high, below - nudge)
    value = min(max(1, low), high)
    if step:
        value = math.ceil(value / step) * step if value <= low else math.floor(value / step) * step
        value = value if value >= low else math.ceil(low / step) * step
    return int(value) if whole else value


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(schema: Schema, hint: str) -> str:
    value = FORMATS.get(schema.get("format", ""), hint)
    value = value.ljust(min(int(schema.get("minLength", 0)), LETTERS_MAX), "x")
    most = schema.get("maxLength")
    return value if most is None else value[: int(most)]


def _merged(schemas: list[Schema]) -> Schema:
    merged: Schema = {}
    for schema in schemas:
        for key, value in schema.items():
            if key == "properties":
                merged["properties"] = {**merged.get("properties", {}), **value}
            elif key == "required":
                merged["required"] = [*merged.get("required", []), *value]
            elif key != "allOf":
                merged[key] = value
    return merged
