"""A YAML file as a tree in which every value knows its line and its path, so that whatever is said of it can be found.

Values are only ever told by the one who asked for them: an error here names the place and the kind, never the value,
because any value of such a file may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
import yaml

# Aliases of YAML let a small file stand for a huge one.
VALUES_MAX: Final = 100_000
DEPTH_MAX: Final = 40
VARIABLE: Final = "os.environ/"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# A password that begins with *, & or ! is an alias, an anchor or a tag to YAML, whose messages then quote it.
_QUOTED = re.compile(r"""'[^'<\\]{2,}'|"[^"]{2,}\"""")


class Unreadable(Exception):
    """A file that cannot be meant: the line, the path in it, and the mistake."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One value: fields of a mapping, entries of a list, or a scalar. An empty value is None."""

    path: str
    line: int
    value: dict[str, Node] | list[Node] | str | int | float | bool | Any | None

    def fields(self) -> dict[str, Node]:
        """Of a mapping, without the fields that are empty."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping")
        return {key: node for key, node in self.value.items() if node.value is not None}

    def entries(self) -> list[Node]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [node for node in self.value if node.value is not None]

    def get(self, *keys: str) -> Node | None:
        """The value behind fields of fields, None where one is missing or empty."""
        node: Node | None = self
        for key in keys:
            node = node.fields().get(key) if node is not None else None
        return node

    def text(self) -> str:
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self.wrong("text")
        return str(self.value)

    def flag(self) -> bool:
        if isinstance(self.value, bool):
            return self.value
        if str(self.value).lower() in ("true", "false"):
            return str(self.value).lower() == "true"
        raise self.wrong("true or false")

    def number(self) -> Decimal:
        """A number of zero or more, also one in quotes."""
        if not isinstance(self.value, bool) and isinstance(self.value, str | int | float):
            try:
                found = Decimal(str(self.value))
            except InvalidOperation:
                raise self.wrong("a number") from None
            if found.is_finite() and found >= 0:
                return found
        raise self.wrong("a number of zero or more")

    def whole(self) -> int:
        found = self.number()
        if found != int(found):
            raise self.wrong("a whole number")
        return int(found)

    def variable(self) -> str | None:
        """The environment variable that is meant by `os.environ/NAME`."""
        if not isinstance(self.value, str) or not self.value.startswith(VARIABLE):
            return None
        name = self.value.removeprefix(VARIABLE)
        if not _NAME.match(name):
            raise self.wrong("os.environ/NAME with the name of a variable")
        return name

    def leaves(self) -> Iterator[Node]:
        """Every value below that holds no others."""
        below: list[Node] = []
        if isinstance(self.value, dict):
            below = list(self.value.values())
        elif isinstance(self.value, list):
            below = self.value
        for node in below:
            yield from node.leaves()
        if not below:
            yield self

    def wrong(self, wanted: str) -> Unreadable:
        if isinstance(self.value, str) and self.value.startswith(VARIABLE):
            text = f"must be {wanted}, and stands in a variable: write the value itself for the import"
            return Unreadable(f"line {self.line}: {self.path}: {text}")
        kinds = {dict: "a mapping", list: "a list", bool: "true or false", str: "text", type(None): "nothing"}
        found = kinds.get(type(self.value), "a number" if isinstance(self.value, int | float) else "something else")
        return Unreadable(f"line {self.line}: {self.path or 'the file'}: must be {wanted}, and is {found}")


def read_yaml(text: str) -> Node:
    """The tree of one document. Raises Unreadable for what is no YAML, a key that stands twice, or too much of it."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                raise Unreadable("line 1: the file is empty")
            return _Reader(loader).node(root, "", 0)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        # Its own message quotes the line, and the line may hold a key.
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = _QUOTED.sub("…", str(error.problem or error.context))
        raise Unreadable(f"{place}is not YAML: {problem}") from None
    except yaml.YAMLError:
        raise Unreadable("is not YAML: it holds a character that YAML does not allow") from None
    except RecursionError:
        raise Unreadable(f"is nested deeper than {DEPTH_MAX}") from None


class _Reader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._values = 0

    def node(self, node: Any, path: str, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._values += 1
        if self._values > VALUES_MAX or depth > DEPTH_MAX:
            raise Unreadable(
                f"line {line}: the file holds more than {VALUES_MAX} values, or nests deeper than {DEPTH_MAX}"
            )
        if isinstance(node, yaml.MappingNode):
            self._once(node, path)
            self._loader.flatten_mapping(node)
            fields = {str(key.value): value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
            below: Any = {key: self.node(value, _under(path, key), depth + 1) for key, value in fields.items()}
        elif isinstance(node, yaml.SequenceNode):
            below = [self.node(value, f"{path}[{index}]", depth + 1) for index, value in enumerate(node.value)]
        else:
            try:
                below = self._loader.construct_object(node)
            except (
                ValueError,
                KeyError,
                AttributeError,
            ):  # what its resolvers raise for a day or a number that is none
                raise Unreadable(f"line {line}: {path}: must be text, a number or a date; quote what is text") from None
        return Node(path=path, line=line, value=below)

    def _once(self, node: Any, path: str) -> None:
        """YAML's own readers keep the last of two equal keys and say nothing."""
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable(f"line {line}: {path or 'the file'}: a key must be text")
            if key.value in seen:
                raise Unreadable(f"line {line}: {_under(path, key.value)} stands twice")
            seen.add(key.value)


def _under(path: str, key: str) -> str:
    shown = key if _PLAIN.match(key) else json.dumps(key)
    return f"{path}.{shown}" if path else shown
