"""A small checker for closed JSON shapes, reporting problems the way the API's framework does (type, loc, msg, input).

The lists of fields are in `fields.py`; this file only knows how to walk them. Objects are closed: a field that is
not listed is an `extra_forbidden`, at every level.
"""

from collections.abc import Callable, Mapping
from typing import Any

from router.sim.errors import Problem

Loc = tuple[str | int, ...]
Check = Callable[[Any, Loc, list[Problem]], None]


def _problem(kind: str, loc: Loc, message: str, value: Any, found: list[Problem]) -> None:
    found.append(Problem(type=kind, loc=loc, msg=message, input=value))


def text(value: Any, loc: Loc, found: list[Problem]) -> None:
    if not isinstance(value, str):
        _problem("string_type", loc, "Input should be a valid string", value, found)


def flag(value: Any, loc: Loc, found: list[Problem]) -> None:
    if not isinstance(value, bool):
        _problem("bool_type", loc, "Input should be a valid boolean", value, found)


def open_map(value: Any, loc: Loc, found: list[Problem]) -> None:
    if not isinstance(value, dict):
        _problem("dict_type", loc, "Input should be a valid dictionary", value, found)


def anything(value: Any, loc: Loc, found: list[Problem]) -> None:
    """Every value will do."""


def number(*, ge: float | None = None, gt: float | None = None, le: float | None = None) -> Check:
    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            _problem("float_type", loc, "Input should be a valid number", value, found)
        elif ge is not None and value < ge:
            message = f"Input should be greater than or equal to {ge:g}"
            _problem("greater_than_equal", loc, message, value, found)
        elif gt is not None and value <= gt:
            _problem("greater_than", loc, f"Input should be greater than {gt:g}", value, found)
        elif le is not None and value > le:
            _problem("less_than_equal", loc, f"Input should be less than or equal to {le:g}", value, found)

    return check


def integer(*, ge: int | None = None, le: int | None = None) -> Check:
    in_range = number(ge=ge, le=le)

    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            _problem("int_type", loc, "Input should be a valid integer", value, found)
        else:
            in_range(value, loc, found)

    return check


def one_of(*allowed: str) -> Check:
    listed = " or ".join(f"'{name}'" for name in allowed)

    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if not isinstance(value, str) or value not in allowed:
            _problem("enum", loc, f"Input should be {listed}", value, found)

    return check


def nullable(inner: Check) -> Check:
    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if value is not None:
            inner(value, loc, found)

    return check


def list_of(inner: Check, *, at_most: int | None = None) -> Check:
    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if not isinstance(value, list):
            _problem("list_type", loc, "Input should be a valid list", value, found)
            return
        if at_most is not None and len(value) > at_most:
            message = f"List should have at most {at_most} items after validation, not {len(value)}"
            _problem("too_long", loc, message, len(value), found)
        for index, item in enumerate(value):
            inner(item, (*loc, index), found)

    return check


def either(**by_type: Check) -> Check:
    """A union told apart by JSON type: `str`, `list` or `dict`."""
    first = next(iter(by_type.values()))

    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        by_type.get(type(value).__name__, first)(value, loc, found)

    return check


def closed(fields: Mapping[str, Check], *, required: tuple[str, ...] = ()) -> Check:
    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            message = "Input should be a valid dictionary or object to extract fields from"
            _problem("model_attributes_type", loc, message, value, found)
            return
        for name in required:
            if name not in value:
                _problem("missing", (*loc, name), "Field required", value, found)
        for name, item in value.items():
            if inner := fields.get(name):
                inner(item, (*loc, name), found)
            else:
                _problem("extra_forbidden", (*loc, name), "Extra inputs are not permitted", item, found)

    return check


def tagged(tag: str, kinds: Mapping[str, Check], *, guess: Callable[[dict[str, Any]], str] | None = None) -> Check:
    """A union told apart by a field; `guess` names the kind of an object that leaves the field out."""
    expected = ", ".join(f"'{kind}'" for kind in kinds)

    def check(value: Any, loc: Loc, found: list[Problem]) -> None:
        if not isinstance(value, dict):
            message = "Input should be a valid dictionary or object to extract fields from"
            _problem("model_attributes_type", loc, message, value, found)
            return
        kind = value.get(tag, guess(value) if guess else None)
        if kind is None:
            message = f"Unable to extract tag using discriminator '{tag}'"
            _problem("union_tag_not_found", loc, message, value, found)
        elif not isinstance(kind, str) or kind not in kinds:
            message = f"Input tag '{kind}' found using '{tag}' does not match any of the expected tags: {expected}"
            _problem("union_tag_invalid", loc, message, value, found)
        else:
            kinds[kind](value, (*loc, kind), found)

    return check
