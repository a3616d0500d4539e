"""Where the references of one schema document lead, and which of them lead back to themselves.

`referencing` does the look-up (pointers, anchors, embedded ids) because it never fetches anything unless it is told how
to, and it is not.
"""

from __future__ import annotations

from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from router.wire.keywords import IN_PLACE, Path, subschemas

# What a look-up may raise on a document that is no schema at all.
_ASTRAY: Final = (Unresolvable, AttributeError, LookupError, TypeError, ValueError)

# Where relative references start: referencing's resolver. It keeps its type to itself.
Base = Any


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """`path` is the target's way into the document, None when it is not written in the reference."""

    schema: Any
    base: Base
    path: Path | None


class References:
    """The references of `document`. Targets are told apart by `id()`, so every part of it is an object of its own."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        dialect, own = document.get("$schema"), document.get("$id")
        self._specification = specification_with(dialect if isinstance(dialect, str) else "", default=DRAFT202012)
        uri = own if isinstance(own, str) else ""
        registry: Any = Registry().with_resource(uri, self._specification.create_resource(document))
        text = msgspec.json.encode(document)
        # Parts with names of their own are rare, and only they need the whole document read beforehand.
        self._named = text.count(b'"$id"') > ("$id" in document) or b'nchor"' in text
        if self._named:
            with suppress(*_ASTRAY):
                registry = registry.crawl()
        self.root: Base = registry.resolver(uri)
        self._sizes: dict[int, int] = {}

    def inside(self, node: dict[str, Any], base: Base | None) -> Base:
        """Where references start inside `node`, which has an `$id`."""
        try:
            return (base or self.root).in_subresource(self._specification.create_resource(node))
        except _ASTRAY:
            return base

    def find(self, reference: str, base: Base | None) -> Target | None:
        """What `reference` points to, if it is a schema inside the document. `base` is None for the whole of it."""
        try:
            found = (base or self.root).lookup(reference)
        except _ASTRAY:
            return None
        if not isinstance(found.contents, dict | bool):
            return None
        if self._named:
            return Target(schema=found.contents, base=found.resolver, path=None)
        return Target(schema=found.contents, base=self.root, path=steps(reference) if reference[:1] == "#" else None)

    def size(self, target: Target) -> int:
        """Bytes of the target as JSON: what a copy of it adds."""
        key = id(target.schema)
        if key not in self._sizes:
            self._sizes[key] = len(msgspec.json.encode(target.schema))
        return self._sizes[key]

    def recursive(self) -> frozenset[int] | None:
        """The `id()` of every target that leads to itself or to one that does. None when one leads to itself without a
        step into the value, so that no value could ever be held against it."""
        leads_to: dict[int, set[int]] = {}
        stays_at: dict[int, set[int]] = {}  # those about the very same value
        waiting: list[tuple[Any, Base, int | None, bool]] = [(self.document, self.root, None, True)]
        while waiting:
            node, base, owner, stays = waiting.pop()
            if not isinstance(node, dict):
                continue
            if "$id" in node and node is not self.document:
                base = self.inside(node, base)
            reference = node.get("$ref")
            target = self.find(reference, base) if isinstance(reference, str) else None
            if target is not None:
                key = id(target.schema)
                if owner is not None:
                    leads_to[owner].add(key)
                    if stays:
                        stays_at[owner].add(key)
                if key not in leads_to:
                    leads_to[key], stays_at[key] = set(), set()
                    waiting.append((target.schema, target.base, key, True))
            waiting += ((child, base, owner, stays and path[0] in IN_PLACE) for path, child in subschemas(node))
        try:
            TopologicalSorter(stays_at).prepare()
        except CycleError:
            return None
        sorter = TopologicalSorter(leads_to)
        straight: set[int] = set()
        with suppress(CycleError):  # the sorter still gives out what no cycle holds back
            sorter.prepare()
        while ready := sorter.get_ready():
            straight.update(ready)
            sorter.done(*ready)
        return frozenset(leads_to.keys() - straight)


def steps(reference: str) -> Path:
    """The way that a reference of the form `#/…` describes."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in unquote(reference[1:]).split("/")[1:])
