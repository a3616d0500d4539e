"""Turns as apps send them, in few words, and what becomes of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.errors import BadRequest
from router.wire.messages import IncomingMessage, read_messages

Turn = dict[str, Any]


def read(*turns: Turn) -> tuple[list[Turn], list[str]]:
    """The conversation as it is sent, and what was dropped."""
    dropped: list[str] = []
    messages = read_messages(msgspec.convert(list(turns), list[IncomingMessage]), dropped)
    return list(msgspec.to_builtins(messages)), dropped


def sent(*turns: Turn) -> list[Turn]:
    return read(*turns)[0]


def refused(*turns: Turn) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(*turns)
    return caught.value


def user(content: Any = "hi") -> Turn:
    return {"role": "user", "content": content}


def system(content: Any = "Be brief.") -> Turn:
    return {"role": "system", "content": content}


def call(call_id: str | None = "aaaaaaaaa", arguments: Any = "{}") -> Turn:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}


def calls(*ids: str, **fields: Any) -> Turn:
    return {"role": "assistant", "tool_calls": [call(call_id) for call_id in ids], **fields}


def result(call_id: str, content: Any = "found", **fields: Any) -> Turn:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **fields}
