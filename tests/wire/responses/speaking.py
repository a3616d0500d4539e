"""Requests and answers of the Responses format, in few words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import BadRequest
from router.wire.body import mistral_body
from router.wire.chat import ChatRequest
from router.wire.reading import Bounds
from router.wire.responses.format import Responses, ResponsesVoice

Body = dict[str, Any]

HEAD: Body = {"id": "0a1b2c", "created": 1_780_000_000, "model": "mistral-small-2603"}
USAGE: Body = {
    "prompt_tokens": 40,
    "completion_tokens": 7,
    "total_tokens": 47,
    "prompt_tokens_details": {"cached_tokens": 16},
    "cost": 0.0000123,
}
TOOL: Body = {
    "type": "function",
    "name": "look_up",
    "description": "Looks a word up.",
    "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    "strict": True,
}


def spoken(bounds: Bounds | None = None, **fields: Any) -> tuple[ChatRequest, ResponsesVoice]:
    body = {"model": "auto", "input": "hi", **fields}
    return Responses().read(json.dumps(body).encode(), bounds or Bounds())


def voice(**fields: Any) -> ResponsesVoice:
    return spoken(**fields)[1]


def refused(bounds: Bounds | None = None, **fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        spoken(bounds, **fields)
    return caught.value


def upstream(*, reasons: bool = True, **fields: Any) -> Body:
    """What Mistral gets, beyond the model and the bound."""
    body: Body = json.loads(mistral_body(spoken(**fields)[0], model="m", max_tokens=99, reasons=reasons))
    return {name: value for name, value in body.items() if name not in ("model", "max_tokens")}


def turns(*items: Any, **fields: Any) -> list[Body]:
    sent: list[Body] = upstream(input=list(items), **fields)["messages"]
    return sent


def user(content: Any = "hi") -> Body:
    return {"role": "user", "content": content}


def said(text: str) -> Body:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


def thought(text: str) -> Body:
    return {"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}


def called(call_id: str, arguments: str = "{}") -> Body:
    return {"type": "function_call", "id": "fc_1", "call_id": call_id, "name": "look_up", "arguments": arguments}


def found(call_id: str, output: Any = "found") -> Body:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def call(index: int, call_id: str | None, arguments: str, name: str | None = "look_up") -> Body:
    """A tool call of a chat answer, or a fragment of one."""
    head = {"index": index, **({"id": call_id, "type": "function"} if call_id else {})}
    return {**head, "function": {**({"name": name} if name else {}), "arguments": arguments}}


def answer(finish: str = "stop", **fields: Any) -> Body:
    """A chat answer as the line hands it over."""
    message = {"role": "assistant", **{name: value for name, value in fields.items() if name in MESSAGE_FIELDS}}
    rest = {name: value for name, value in fields.items() if name not in MESSAGE_FIELDS}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE, **rest}


MESSAGE_FIELDS = ("content", "reasoning_content", "tool_calls")


def chunk(**delta: Any) -> Body:
    return {**HEAD, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def last(finish: str = "stop", usage: Body | None = USAGE, router: Any = None) -> Body:
    return {**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}], "usage": usage, "router": router}


def streamed(speaker: ResponsesVoice, *chunks: Body, end: Body | None = None) -> bytes:
    return b"".join(speaker.chunk(one) for one in chunks) + speaker.end([end or last()])


def events(stream: bytes) -> list[Body]:
    """The events of a stream, each with the name that its `event:` line gives it."""
    found = []
    for number, event in enumerate(stream.decode().removesuffix("\n\n").split("\n\n")):
        name, data = event.split("\n")
        told = json.loads(data.removeprefix("data: "))
        assert name == f"event: {told['type']}"
        assert told["sequence_number"] == number
        found.append(told)
    return found


def kinds(stream: bytes) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(stream)]
