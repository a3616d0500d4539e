"""Objects of a request taken field by field: wrong ones refused with their place, unread ones named."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from router.errors import BadRequest

T = TypeVar("T", bound=msgspec.Struct)
# Agents mark dozens of blocks to be cached. Mistral caches by itself, so the one word says it all.
_CACHE: Final = "cache_control"
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")


def take(kind: type[T], raw: dict[str, Any], place: str, dropped: list[str], *, named: str) -> T:
    """`raw` as a struct of that kind. What the kind does not know is added to `dropped` as a field of `named`.

    Raises `BadRequest` inside `place`: `missing_field` or `invalid_type`.
    """
    try:
        found = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise _wrong(error, place) from error
    for key, value in raw.items():
        if key not in kind.__struct_fields__ and key != "type" and value is not None:
            drop(dropped, _CACHE if key == _CACHE else f"{named}.{key}")
    return found


def drop(dropped: list[str], name: str) -> None:
    """Name what is left out, once."""
    if name not in dropped:
        dropped.append(name)


def _wrong(error: msgspec.ValidationError, place: str) -> BadRequest:
    what, _, path = str(error).partition(" - at `$")
    at = place + path.rstrip("`")
    if missing := _MISSING.match(what):
        at = f"{at}.{missing[1]}"
        return BadRequest(f"{at} is required.", code="missing_field", param=at)
    return BadRequest(f"{what} at {at}.", code="invalid_type", param=at)
