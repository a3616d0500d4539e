"""What all request bodies share: decoding, what nobody reads, tags, ranges. Errors name the place and the remedy."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from router.errors import BadRequest

MODEL_LETTERS_MAX: Final = 256
TAGS_MAX: Final = 8
# OpenAI allows up to 2; Mistral refuses more than 1.5.
TEMPERATURE_MAX: Final = 1.5
CACHE_KEY_MAX: Final = 256
# What was dropped is named in a header and a record, so a body full of inventions must not make those large.
DROPPED_MAX: Final = 64
DROPPED_LETTERS_MAX: Final = 64

_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_POINTED: Final = re.compile(rb"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?\Z")
# Beyond, a number has no meaning in any field, and writing it out would cost its length.
_WHOLE_DIGITS_MAX: Final = 18
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])

Body = TypeVar("Body", bound=msgspec.Struct)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may hold, whatever its size in bytes."""

    messages_max: int = 2_048
    tools_max: int = 128


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What every request has. `include_usage` asks for usage in a chunk apart, `dropped` names what nobody reads,
    `warnings` say what was sent otherwise than it was asked for."""

    model: str
    stream: bool = False
    include_usage: bool = False
    tags: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def decode(body: bytes, decoder: msgspec.json.Decoder[Body]) -> tuple[Body, list[str]]:
    """The body, and the names of its fields that say something and that `Body` does not know. Raises BadRequest."""
    try:
        try:
            raw = decoder.decode(body)
        except msgspec.ValidationError as error:
            if "got `float`" not in str(error):
                raise
            raw = decoder.decode(_with_whole_numbers(body))
        fields = _decode_fields.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error) from error
    known = frozenset(raw.__struct_fields__)
    return raw, sorted(name for name, value in fields.items() if name not in known and bytes(value) != b"null")


def _with_whole_numbers(body: bytes) -> bytes:
    """The body with 100.0 and 1e2 written as 100: Mistral takes one for the other, and some languages have no other
    numbers."""
    fields = _decode_fields.decode(body)
    return msgspec.json.encode({name: msgspec.Raw(_whole(bytes(raw))) for name, raw in fields.items()})


def _whole(raw: bytes) -> bytes:
    if not _POINTED.match(raw):
        return raw
    number = Decimal(raw.decode())
    if number.adjusted() >= _WHOLE_DIGITS_MAX or number != number.to_integral_value():
        return raw
    return b"%d" % int(number)


def unreadable(error: Exception) -> BadRequest:
    """A `BadRequest` for a body that does not decode: not JSON, or a wrong type at a named place."""
    if isinstance(error, msgspec.ValidationError):
        what, _, path = str(error).partition(" - at `$")
        place = path.rstrip("`").lstrip(".") or None
        if missing := _MISSING.match(what):
            place = f"{place}.{missing[1]}" if place else missing[1]
            return BadRequest(f"{place} is required.", code="missing_field", param=place)
        return BadRequest(f"{what}{f' at {place}' if place else ''}.", code="invalid_type", param=place)
    if isinstance(error, RecursionError):
        return BadRequest("The body is nested too deeply.", code="nested_too_deeply")
    return BadRequest(f"The body is not valid JSON: {error}.", code="invalid_json")


def check_model(model: str) -> None:
    if len(model) > MODEL_LETTERS_MAX:
        raise BadRequest(f"model is longer than {MODEL_LETTERS_MAX} letters.", code="invalid_value", param="model")


def split_tags(metadata: dict[str, Any] | None) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The metadata meant for the vendor, and the tags meant for the router."""
    if not metadata or "tags" not in metadata:
        return metadata or None, ()
    tags = metadata["tags"] if metadata["tags"] is not None else []
    fits = isinstance(tags, list) and len(tags) <= TAGS_MAX
    if not fits or not all(isinstance(tag, str) and 0 < len(tag) <= 64 for tag in tags):
        raise BadRequest(
            f"metadata.tags must be a list of at most {TAGS_MAX} strings of 1 to 64 characters.",
            code="invalid_value",
            param="metadata.tags",
        )
    rest = {key: value for key, value in metadata.items() if key != "tags"}
    return rest or None, tuple(dict.fromkeys(tags))


def named(dropped: list[str]) -> tuple[str, ...]:
    """What was dropped, in bounds."""
    return tuple(name[:DROPPED_LETTERS_MAX] for name in dropped[:DROPPED_MAX])


def within(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise BadRequest(f"{name} must be from {low} to {high}.", code="invalid_value", param=name)


Number = TypeVar("Number", int, float)


def not_negative(name: str, value: Number | None) -> Number | None:
    if value is not None and value < 0:
        raise BadRequest(f"{name} must be at least 0.", code="invalid_value", param=name)
    return value


def at_least_one(name: str, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise BadRequest(f"{name} must be at least 1.", code="invalid_value", param=name)
    return value


def temperature(value: float | None) -> float | None:
    """Within OpenAI's range, clamped to Mistral's."""
    within("temperature", value, 0, 2)
    return min(value, TEMPERATURE_MAX) if value is not None else None


def clamped(asked: float | None) -> tuple[str, ...]:
    """The warning for a temperature beyond Mistral's range."""
    beyond = asked is not None and asked > TEMPERATURE_MAX
    return (f"temperature {asked:g} was sent as {TEMPERATURE_MAX:g}, the most that Mistral takes",) if beyond else ()


def top_p(value: float | None) -> float | None:
    """0 means "only the likeliest token", which Mistral writes as a small number: its range excludes 0."""
    within("top_p", value, 0, 1)
    return (value or 0.0001) if value is not None else None


def cache_key(value: str | None, dropped: list[str]) -> str | None:
    """The vendor takes printable ASCII; another key is no reason to refuse."""
    if value is None or (value.isascii() and value.isprintable() and len(value) <= CACHE_KEY_MAX):
        return value
    dropped.append("prompt_cache_key")
    return None
