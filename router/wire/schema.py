"""JSON Schemas made safe for a model, without changing what they accept where that is possible.

Models behind the API read the schema as text, and some stumble over `$ref` (GLM writes nested arguments as strings,
pydantic-ai#10243); a grammar made from `$schema` or `$id` has failed with 400 (LiteLLM PR 13389, 2025-08); booleans of
Draft 4 are refused before that. So local references are put in place, the spelling of older dialects is brought to
Draft 7, and what only names or comments is left out. A model's profile says what else it cannot take. Where a profile
makes a schema accept more than before, the keyword is told; a schema never accepts less.
"""

from __future__ import annotations

import enum
import functools
from typing import Any, Final

import msgspec

from router.wire.dialects import compiles, fault, modern
from router.wire.keywords import DEFINITIONS, EXACT, HOLDS, IN_PLACE, UNEVALUATED, Holds, Path, mixes, pointer
from router.wire.references import Base, References, Target

NODES_MAX: Final = 4_000
DEPTH_MAX: Final = 40
# What copies of referenced parts may add, over all schemas of one request: a few lines can ask for gigabytes.
GROWTH_BYTES_MAX: Final = 262_144
# A message about a schema quotes no more of it than this.
QUOTED_MAX: Final = 200

_DROPPED: Final = frozenset({"$schema", "$id", "$comment", "$anchor", *DEFINITIONS})
# References whose target depends on who asks; nothing upstream follows them.
_DYNAMIC: Final = ("$dynamicRef", "$recursiveRef")


class SchemaProfile(enum.Enum):
    """What a model takes: everything that Draft 7 has; everything but `$ref`; neither `$ref` nor
    `additionalProperties`, as it was read of the early models."""

    FULL = "full"
    NO_REF = "no_ref"
    STRICT_SUBSET = "strict_subset"


class Rewritten(msgspec.Struct, frozen=True, kw_only=True):
    """`widened` names the keywords without which the schema accepts more than it did."""

    schema: dict[str, Any]
    widened: tuple[str, ...] = ()


class Unfit(Exception):
    """A schema that cannot be made safe: an error code, the JSON pointer, and what is wrong there."""

    def __init__(self, *, code: str, pointer: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.pointer = pointer
        self.what = what


class Recursive(Unfit):
    """A reference that leads back to itself."""


class Room:
    """What is left of GROWTH_BYTES_MAX."""

    def __init__(self) -> None:
        self.bytes_left = GROWTH_BYTES_MAX


def rewrite(schema: dict[str, Any], profile: SchemaProfile, room: Room) -> Rewritten:
    """`schema` as a model of that profile takes it. Raises Unfit. `room` is shared by the schemas of one request.

    The result is valid Draft 7, rewriting it again changes nothing, and every value that was valid is valid after.
    """
    try:
        walk = _Walk(schema, profile, room)
        made = walk.root()
    except Recursive:
        kept = References(schema).recursive() if profile is SchemaProfile.FULL else None
        if kept is None:
            raise
        walk = _Walk(schema, profile, room, kept)
        made = walk.root()
    if (found := fault(made)) is not None:
        path, what = found
        raise Unfit(code="invalid_schema", pointer=pointer(path), what=f"is not valid: {what[:QUOTED_MAX]}")
    return Rewritten(schema=made, widened=tuple(dict.fromkeys(walk.widened)))


class _Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What holds inside a part of a schema. `base` is where references start, None for the whole document; `stack` are
    the targets that are being put in place; `exact` says that accepting more here may accept less in the whole,
    `watched` that an `unevaluatedProperties` looks in."""

    base: Base | None = None
    stack: tuple[int, ...] = ()
    exact: bool = False
    watched: bool = False


class _Walk:
    """One walk over a document. `kept` are the recursive targets whose references stay as they are."""

    def __init__(
        self,
        document: dict[str, Any],
        profile: SchemaProfile,
        room: Room,
        kept: frozenset[int] = frozenset(),
    ) -> None:
        self.document = document
        self.profile = profile
        self.room = room
        self.kept = kept
        self.nodes = 0
        self.widened: list[str] = []
        self.kept_paths: dict[Path, Path] = {}  # of the targets, with the place of the reference

    @functools.cached_property
    def references(self) -> References:
        return References(self.document)

    def root(self) -> dict[str, Any]:
        scope = _Scope()
        made = self.schema(self.document, (), 0, scope)
        if not isinstance(made, dict):
            raise self.refusal("invalid_schema", (), "must be an object")
        self.definitions(made, scope)
        return made

    def definitions(self, made: dict[str, Any], scope: _Scope) -> None:
        """Add the definitions that kept references lead to, and make sure that each of them leads somewhere."""
        boxes: dict[str, dict[str, Any]] = {}
        done = False
        while not done:
            done = True
            for path in list(self.kept_paths):
                if len(path) > 1 and path[0] in DEFINITIONS and path[1] not in boxes.setdefault(path[0], {}):
                    boxes[path[0]][path[1]] = self.schema(self.document[path[0]][path[1]], path[:2], 1, scope)
                    done = False
        for box, definitions in boxes.items():
            made[box] = {name: definitions[name] for name in self.document[box] if name in definitions}
        for path, place in self.kept_paths.items():
            if not _leads_to_the_same(path, self.document, made):
                raise self.recursive(place, f"#{pointer(path)}")

    def schema(self, node: Any, path: Path, depth: int, scope: _Scope) -> Any:
        self.nodes += 1
        if self.nodes > NODES_MAX or depth > DEPTH_MAX:
            raise self.refusal("schema_too_large", path, f"has more than {NODES_MAX} parts or is nested too deeply")
        if isinstance(node, bool):
            return node
        if not isinstance(node, dict):
            raise self.refusal("invalid_schema", path, "must be an object or a boolean")
        if "$id" in node and path:
            scope = msgspec.structs.replace(scope, base=self.references.inside(node, scope.base))
        if isinstance(node.get("$ref"), str):
            return self.reference(node, path, depth, scope)
        return modern(self.keywords(node, path, depth, scope))

    def keywords(self, node: dict[str, Any], path: Path, depth: int, scope: _Scope) -> dict[str, Any]:
        if not scope.watched and not UNEVALUATED.isdisjoint(node):
            scope = msgspec.structs.replace(scope, watched=True)
        out: dict[str, Any] = {}
        for key, value in node.items():
            holds = HOLDS.get(key)
            if holds is not None:
                made = self.inner(key, holds, value, (*path, key), depth + 1, scope)
                if key != "additionalProperties" or self.keeps(made, (*path, key), scope):
                    out[key] = made
            elif key == "pattern":
                if self.keeps_pattern(value, (*path, key), scope):
                    out[key] = value
            elif key in _DYNAMIC:
                what = f"uses {key}, which no model follows; write the schema in its place, or a plain $ref"
                raise self.refusal("schema_unsupported", (*path, key), what)
            elif key not in _DROPPED:
                out[key] = value
        return out

    def inner(self, key: str, holds: Holds, value: Any, path: Path, depth: int, scope: _Scope) -> Any:
        if scope.watched and key not in IN_PLACE:
            scope = msgspec.structs.replace(scope, watched=False)
        if key in EXACT and not scope.exact:
            scope = msgspec.structs.replace(scope, exact=True)
        if holds is Holds.NAMED and isinstance(value, dict):
            return {
                name: child if isinstance(child, list) else self.schema(child, (*path, name), depth, scope)
                for name, child in value.items()
            }
        if holds in (Holds.SCHEMAS, Holds.ITEMS) and isinstance(value, list):
            return [self.schema(child, (*path, str(index)), depth, scope) for index, child in enumerate(value)]
        if holds in (Holds.SCHEMA, Holds.ITEMS):
            return self.schema(value, path, depth, scope)
        return value  # of the wrong type, which the check at the end finds

    def keeps(self, additional: Any, path: Path, scope: _Scope) -> bool:
        """Whether `additionalProperties` with that value is sent."""
        if additional in (True, {}) and not scope.watched:
            return False  # says what is so without it
        if self.profile is not SchemaProfile.STRICT_SUBSET:
            return True
        if additional is not False or scope.exact or scope.watched:
            what = "cannot be left out without changing what is valid, and not every model takes it"
            raise self.refusal("schema_unsupported", path, what)
        self.widened.append("additionalProperties")
        return False

    def keeps_pattern(self, pattern: Any, path: Path, scope: _Scope) -> bool:
        r"""Whether `pattern` is sent. The vendor compiles it with Python's `re` and answers 400 when that fails, also
        for what is fine in ECMAScript, such as `\p{L}` (mistral-common 1.13.1, 2026-11)."""
        if not isinstance(pattern, str) or compiles(pattern):
            return True
        if scope.exact or fault({"pattern": pattern}) is not None:
            what = f"is no regular expression that Mistral's server takes: {pattern[:QUOTED_MAX]!r}"
            raise self.refusal("invalid_schema", path, what)
        self.widened.append("pattern")
        return False

    def reference(self, node: dict[str, Any], path: Path, depth: int, scope: _Scope) -> Any:
        reference = node["$ref"]
        target = self.references.find(reference, scope.base)
        if target is None and not reference.startswith("#"):
            what = f"refers to {reference[:QUOTED_MAX]!r}; only references inside the schema are served"
            raise self.refusal("schema_external_ref", path, what)
        if target is None:
            raise self.refusal(
                "schema_unresolved_ref", path, f"refers to {reference[:QUOTED_MAX]!r}, which is not there"
            )
        if id(target.schema) in self.kept:
            if target.path is None:
                raise self.recursive(path, reference)
            self.kept_paths.setdefault(target.path, path)
            return modern(self.keywords(node, path, depth, scope))
        return self.in_place(node, target, path, depth, scope)

    def in_place(self, node: dict[str, Any], target: Target, path: Path, depth: int, scope: _Scope) -> Any:
        if id(target.schema) in scope.stack:
            raise self.recursive(path, node["$ref"])
        if len(scope.stack) >= DEPTH_MAX:
            raise self.refusal("schema_too_large", path, f"refers on more than {DEPTH_MAX} times")
        self.room.bytes_left -= self.references.size(target)
        if self.room.bytes_left < 0:
            raise self.refusal(
                "schema_too_large",
                path,
                f"grows by more than {GROWTH_BYTES_MAX:,} bytes when its references are put in place",
            )
        siblings = self.keywords({key: value for key, value in node.items() if key != "$ref"}, path, depth, scope)
        inside = msgspec.structs.replace(
            scope,
            base=target.base,
            stack=(*scope.stack, id(target.schema)),
            watched=scope.watched or not UNEVALUATED.isdisjoint(node),
        )
        place = path if target.path is None else target.path
        resolved = self.schema(target.schema, place, depth, inside)
        if not siblings:
            return resolved
        if isinstance(resolved, dict) and mixes(resolved, siblings):
            return modern({**resolved, **siblings})
        return modern({**siblings, "allOf": [resolved, *siblings.get("allOf", [])]})

    def recursive(self, path: Path, reference: str) -> Unfit:
        what = f"refers to itself through {reference[:QUOTED_MAX]!r}; unroll it as deep as it is needed"
        return Recursive(code="schema_recursive", pointer=pointer(path), what=what)

    def refusal(self, code: str, path: Path, what: str) -> Unfit:
        return Unfit(code=code, pointer=pointer(path), what=what)


def _leads_to_the_same(path: Path, before: Any, after: Any) -> bool:
    """Whether `path` still leads to the same part: it is there, and no reference on the way was put in place."""
    for depth, step in enumerate(path):
        if isinstance(before, list) and isinstance(after, list):
            before, after = before[int(step)], after[int(step)]
            continue
        if not isinstance(before, dict) or not isinstance(after, dict) or step not in after:
            return False
        put_in_place = isinstance(before.get("$ref"), str) and before["$ref"] != after.get("$ref")
        if put_in_place and not (depth == 0 and step in DEFINITIONS):
            return False
        before, after = before[step], after[step]
    return True
