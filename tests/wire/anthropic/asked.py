"""Messages requests in few words, what becomes of them upstream, and why they are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import BadRequest
from router.wire.anthropic.format import MESSAGES
from router.wire.body import mistral_body
from router.wire.chat import ChatRequest
from router.wire.reading import Bounds
from router.wire.voice import Voice

Body = dict[str, Any]

HI = {"role": "user", "content": "hi"}
TOOL = {"name": "look_up", "input_schema": {"type": "object", "properties": {}}}


def encoded(**fields: Any) -> bytes:
    """The smallest request with those fields; None leaves one out."""
    body = {"model": "auto", "max_tokens": 99, "messages": [HI], **fields}
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()


def spoken(bounds: Bounds | None = None, **fields: Any) -> tuple[ChatRequest, Voice]:
    return MESSAGES.read(encoded(**fields), bounds or Bounds())


def read(bounds: Bounds | None = None, **fields: Any) -> ChatRequest:
    return spoken(bounds, **fields)[0]


def upstream(request: ChatRequest) -> Body:
    body: Body = json.loads(mistral_body(request, model="m", max_tokens=request.max_tokens or 99, reasons=True))
    return body


def added(**fields: Any) -> Body:
    """What the fields come to upstream, beyond the model, the messages and the bound."""
    body = upstream(read(**fields))
    return {name: value for name, value in body.items() if name not in ("model", "messages", "max_tokens")}


def sent(*messages: Body, **fields: Any) -> list[Body]:
    """The messages as they are sent upstream."""
    told: list[Body] = upstream(read(messages=list(messages), **fields))["messages"]
    return told


def refused(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(**fields)
    return caught.value


def user(*blocks: Body) -> Body:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def text(said: str, **fields: Any) -> Body:
    return {"type": "text", "text": said, **fields}


def use(call_id: str, **arguments: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": "look_up", "input": arguments}


def result(call_id: str, content: Any = "found", **fields: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}
