"""JSON Schemas made safe for Mistral without changing what they accept.

Local references are put in place, because models behind the API read the schema as text and some stumble over `$ref`;
`$schema`, `$id`, `$comment` and definitions nobody points to any more are left out, since a grammar built from them has
failed with 400 (seen August 2025). The walk knows which places hold schemas: a property may well be called `$ref` or
`definitions`, and what stands under `enum`, `const`, `default` or `examples` is data.
"""

from __future__ import annotations

from typing import Any, Final

from router.errors import BadRequest

NODES_MAX: Final = 4_000
DEPTH_MAX: Final = 40

_DROPPED: Final = frozenset({"$schema", "$id", "$comment", "$anchor", "$defs", "definitions"})
_SCHEMA: Final = frozenset(
    {
        *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "not"),
        *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
    }
)
_SCHEMA_LIST: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMA_MAP: Final = frozenset({"properties", "patternProperties", "dependencies", "dependentSchemas"})
_ANNOTATIONS: Final = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"})


def safe_schema(schema: dict[str, Any], place: str) -> dict[str, Any]:
    """`schema` without references; `place` is its path in the request, for errors.

    Raises `BadRequest` with a JSON pointer: `schema_external_ref`, `schema_recursive`, `schema_unresolved_ref`,
    `schema_too_large` or `invalid_schema`.
    """
    return _Walk(schema, place).root()


class _Walk:
    def __init__(self, document: dict[str, Any], place: str) -> None:
        self.document = document
        self.place = place
        self.nodes = 0

    def root(self) -> dict[str, Any]:
        walked = self.schema(self.document, "#", ())
        if not isinstance(walked, dict):
            raise self.refusal("invalid_schema", "#", "must be an object")
        return walked

    def schema(self, node: Any, pointer: str, seen: tuple[str, ...]) -> Any:
        self.nodes += 1
        if self.nodes > NODES_MAX or pointer.count("/") > DEPTH_MAX * 2:
            raise self.refusal("schema_too_large", pointer, f"has more than {NODES_MAX} parts or is nested too deeply")
        if isinstance(node, bool):
            return node
        if not isinstance(node, dict):
            raise self.refusal("invalid_schema", pointer, "must be an object or a boolean")
        target = node.get("$ref")
        if isinstance(target, str):
            return self.reference(node, target, pointer, seen)
        return self.keywords(node, pointer, seen)

    def keywords(self, node: dict[str, Any], pointer: str, seen: tuple[str, ...]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in node.items():
            if key in _DROPPED or key == "nullable":
                continue
            out[key] = self.keyword(key, value, f"{pointer}/{key}", seen)
        if node.get("nullable") is True and isinstance(out.get("type"), str):  # OpenAPI 3.0's way to allow null
            out["type"] = [out["type"], "null"]
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            # Draft 4 wrote a boolean here, which the Draft-7 check upstream refuses.
            if isinstance(out.get(exclusive), bool) and out.pop(exclusive) and bound in out:
                out[exclusive] = out.pop(bound)
        return out

    def keyword(self, key: str, value: Any, pointer: str, seen: tuple[str, ...]) -> Any:
        if key in _SCHEMA_MAP and isinstance(value, dict):
            return {
                # Under `dependencies`, Draft 7 has lists of names beside schemas.
                name: child if isinstance(child, list) else self.schema(child, f"{pointer}/{name}", seen)
                for name, child in value.items()
            }
        if (key in _SCHEMA_LIST or key == "items") and isinstance(value, list):
            return [self.schema(child, f"{pointer}/{index}", seen) for index, child in enumerate(value)]
        if key in _SCHEMA or key == "items":
            return self.schema(value, pointer, seen)
        return value

    def reference(self, node: dict[str, Any], target: str, pointer: str, seen: tuple[str, ...]) -> Any:
        if not target.startswith("#"):
            raise self.refusal(
                "schema_external_ref", pointer, f"refers to {target!r}; only references inside the schema are served"
            )
        if target in seen or len(seen) > DEPTH_MAX:
            raise self.refusal("schema_recursive", pointer, f"refers to itself through {target!r}; unroll it")
        resolved = self.schema(self.resolve(target, pointer), pointer, (*seen, target))
        siblings = self.keywords({k: v for k, v in node.items() if k != "$ref"}, pointer, seen)
        if not siblings:
            return resolved
        # In one object, keywords act on each other (`properties` with `additionalProperties`, `if` with `then`).
        if isinstance(resolved, dict) and siblings.keys() <= _ANNOTATIONS:
            return {**resolved, **siblings}
        return {"allOf": [resolved, siblings]}

    def resolve(self, target: str, pointer: str) -> Any:
        node: Any = self.document
        for step in target[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(name)] if isinstance(node, list) else node[name]
            except (KeyError, IndexError, ValueError, TypeError):
                what = f"refers to {target!r}, which is not there"
                raise self.refusal("schema_unresolved_ref", pointer, what) from None
        return node

    def refusal(self, code: str, pointer: str, what: str) -> BadRequest:
        place = f"{self.place}{pointer[1:]}"
        return BadRequest(f"The schema at {place} {what}.", code=code, param=place)
