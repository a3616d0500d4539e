"""What a page is asked for in its address, checked: a wrong filter earns the names and values that there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from litestar import Request

from router.errors import BadRequest, UnsupportedMediaType

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# How many of the allowed values a message names.
NAMED_MAX: Final = 20
FORM_BYTES_MAX: Final = 16_384


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A span of time up to now, and how much of it one bar of a chart holds."""

    words: str
    length_ms: int
    step_ms: int

    def since_ms(self, now_ms: int) -> int:
        """Where it begins: whole steps, the one under way included."""
        return now_ms // self.step_ms * self.step_ms + self.step_ms - self.length_ms


RANGES: Final = {
    "24h": Range(words="24 hours", length_ms=DAY_MS, step_ms=HOUR_MS),
    "7d": Range(words="7 days", length_ms=7 * DAY_MS, step_ms=DAY_MS),
    "30d": Range(words="30 days", length_ms=30 * DAY_MS, step_ms=DAY_MS),
}


def asked(request: Request[Any, Any, Any], *allowed: str) -> dict[str, str]:
    """The filters of the address, without empty ones. Raises BadRequest for a name that is not among `allowed`, and for
    one that is given twice."""
    given = dict(request.query_params)
    for name in given:
        if name not in allowed:
            raise BadRequest(f"There is no filter {name!r} here: {_listed(allowed)}.", code="invalid_value", param=name)
        if (times := len(request.query_params.getall(name))) > 1:
            raise BadRequest(f"The filter {name!r} is given {times} times.", code="invalid_value", param=name)
    return {name: value.strip() for name, value in given.items() if value.strip()}


def one_of(name: str, given: Mapping[str, str], allowed: Collection[str], default: str) -> str:
    """The value of the filter `name`. Raises BadRequest for one that is not among `allowed`."""
    value = given.get(name, default)
    if value != default and value not in allowed:
        text = f"{name} {value!r} is not known: {_listed(sorted(allowed))}."
        raise BadRequest(text, code="invalid_value", param=name)
    return value


def number_of(name: str, given: Mapping[str, str], most: int) -> int:
    """A page's number, from 1. Raises BadRequest."""
    text = given.get(name, "1")
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise BadRequest(f"{name} must be a number from 1 to {most:,}.", code="invalid_value", param=name)
    return int(text)


async def form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of a form that was sent. Raises UnsupportedMediaType, BadRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("A form is sent as application/x-www-form-urlencoded.")
    announced = request.headers.get("content-length", "")
    if not (announced.isdecimal() and int(announced) <= FORM_BYTES_MAX):
        raise BadRequest(f"A form has a length, of at most {FORM_BYTES_MAX:,} bytes.", code="invalid_value")
    try:
        fields = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=32)
    except ValueError:
        raise BadRequest("The form could not be read.", code="invalid_value") from None
    return {name: values[-1] for name, values in fields.items()}


def _listed(values: Collection[str]) -> str:
    shown = ", ".join(list(values)[:NAMED_MAX])
    more = f" and {len(values) - NAMED_MAX:,} more" if len(values) > NAMED_MAX else ""
    return f"there are {shown}{more}" if shown else "there are none yet"
