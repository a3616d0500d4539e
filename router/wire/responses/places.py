"""Places in a chat request, named as the Responses format names them, so that an app finds what an error is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from router.errors import BadRequest
from router.wire.reading import unreadable

_TURN: Final = re.compile(r"messages\[(\d+)\]")
_FUNCTION: Final = re.compile(r"(tools\[\d+\])\.function")
# The first that a place begins with is taken, so longer names come first.
_NAMES: Final = (
    ("response_format.json_schema", "text.format"),
    ("response_format", "text.format"),
    ("tool_choice.function", "tool_choice"),
    ("max_tokens", "max_output_tokens"),
    ("reasoning_effort", "reasoning.effort"),
    ("messages", "input"),
)


def renamed(place: str, turns: Sequence[str]) -> str:
    """The name of a chat place in this format. `turns` tells where each chat turn began."""
    old, new = _stem(place, turns)
    return f"{new}{place[len(old) :]}".replace(".tool_call_id", ".call_id")


def replaced(error: BadRequest, turns: Sequence[str]) -> BadRequest:
    """The same error about the same thing, by the names of this format, in its message too."""
    if error.param is None:
        return error
    old, new = _stem(error.param, turns)
    message = error.message.replace(old, new) if old else error.message
    if error.code == "tool_call_pairing":
        message = message.replace("one tool message", "one function_call_output")
    return BadRequest(message, code=error.code, param=renamed(error.param, turns), extra=error.extra)


def unfit(error: msgspec.ValidationError, place: str) -> BadRequest:
    """What `unreadable` says of a value that stands at `place`."""
    found = unreadable(error)
    where = f"{place}.{found.param}" if found.param else place
    what = "is required" if found.code == "missing_field" else f"is not valid: {str(error).partition(' - at ')[0]}"
    return BadRequest(f"{where} {what}.", code=found.code, param=where)


def _stem(place: str, turns: Sequence[str]) -> tuple[str, str]:
    """The part of `place` that is called otherwise here, and how it is called; both empty when nothing is."""
    if (turn := _TURN.match(place)) and int(turn[1]) < len(turns):
        return turn[0], turns[int(turn[1])]
    if function := _FUNCTION.match(place):
        return function[0], function[1]
    return next(((old, new) for old, new in _NAMES if re.match(rf"{re.escape(old)}\b", place)), ("", ""))
