"""Which values a field may have, for whoever wrote another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import inspect

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def with_choices(what: str, kind: Any, place: str) -> str:
    """What msgspec says is wrong at `place` of a `kind`, such as `budget[0].mode`; with the values that may stand
    there, where it names none itself."""
    if not what.startswith("Invalid enum value"):
        return what
    found = list(_values(_at(inspect.type_info(kind), place)))
    return f"{what}, not one of {', '.join(map(str, found))}" if found else what


def _at(info: inspect.Type, place: str) -> list[inspect.Type]:
    here = _plain([info])
    for name, _ in _STEP.findall(place):
        here = _plain(_below(here, name))
    return here


def _below(infos: Iterable[inspect.Type], name: str) -> Iterator[inspect.Type]:
    for info in infos:
        match info:
            case inspect.StructType():
                yield from (field.type for field in info.fields if field.encode_name == name)
            case inspect.DictType():
                yield info.value_type
            case inspect.CollectionType():
                yield info.item_type


def _plain(infos: Iterable[inspect.Type]) -> list[inspect.Type]:
    found: list[inspect.Type] = []
    for info in infos:
        match info:
            case inspect.UnionType():
                found += _plain(info.types)
            case inspect.Metadata():
                found += _plain([info.type])
            case _:
                found.append(info)
    return found


def _values(infos: Iterable[inspect.Type]) -> Iterator[Any]:
    for info in infos:
        match info:
            case inspect.EnumType():
                yield from (member.value for member in info.cls)
            case inspect.LiteralType():
                yield from info.values
            case inspect.DictType():  # the mistake is one of its names
                yield from _values(_plain([info.key_type]))
