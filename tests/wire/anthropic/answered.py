"""Answers as the line leaves them, whole and in chunks, and what the SDK makes of the voice that tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx2
from anthropic import Anthropic
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from router.wire.anthropic.format import MESSAGES
from router.wire.chat import Dialect
from router.wire.chunks import Chunks
from router.wire.reading import Bounds
from router.wire.voice import Voice
from tests.wire.anthropic.asked import Body, encoded

USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 7,
    "total_tokens": 37,
    "prompt_tokens_details": {"cached_tokens": 20},
}
EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


def voice(**asked: Any) -> Voice:
    return MESSAGES.read(encoded(**asked), Bounds())[1]


def answer(finish: str = "stop", **message: Any) -> Body:
    return {
        "id": "0a1b",
        "object": "chat.completion",
        "created": 1,
        "model": "mistral-small-2603",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "", **message}, "finish_reason": finish}],
        "usage": {**USAGE, "cost": 0.25},
    }


def call(call_id: str | None, arguments: Any = "{}", **fields: Any) -> Body:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}, **fields}


def whole(said: Body, **asked: Any) -> Body:
    """The message told of an answer."""
    told: Body = json.loads(voice(**asked).whole(said))
    return told


def upstream_chunk(finish: str | None = None, **delta: Any) -> bytes:
    head = {"id": "0a1b", "object": "chat.completion.chunk", "created": 1, "model": "alias"}
    return json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()


def frames(*deltas: Body, finish: str = "stop", apart: bool = False, router: Any = None, **asked: Any) -> list[bytes]:
    """What goes out for each of the upstream's deltas, and for the end."""
    said, chunks = voice(**asked), Chunks(model="mistral-small-2603", dialect=Dialect.OPENAI)
    fed = [chunks.feed(upstream_chunk(**delta)) for delta in deltas]
    chunks.feed(upstream_chunk(finish, content=""))
    told = [said.chunk(chunk) for chunk in fed if chunk is not None]
    return [*told, said.end(chunks.last(usage={**USAGE, "cost": 0.25}, router=router, apart=apart))]


def events(told: Iterable[bytes]) -> list[Body]:
    """The data of every event; its name stands in the line before, as the SDK wants it."""
    found = []
    for frame in b"".join(told).decode().split("\n\n")[:-1]:
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def valid(told: Iterable[bytes]) -> list[Body]:
    """The same, each held against the SDK's types."""
    found = events(told)
    for event in found:
        if event["type"] != "ping":
            EVENT.validate_python(event, strict=True)
    return found


def accumulated(told: Iterable[bytes]) -> Message:
    """What the SDK's own accumulator makes of the stream."""
    stream = b"".join(told)
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=stream, headers=headers))
    with (
        httpx2.Client(transport=transport) as http,
        Anthropic(api_key="sk-mr-1", base_url="http://router.test", http_client=http, max_retries=0) as client,
        client.messages.stream(model="auto", max_tokens=99, messages=[{"role": "user", "content": "hi"}]) as sent,
    ):
        return sent.get_final_message()


def plain(told: Message) -> Body:
    """The SDK's message as plain data."""
    return told.model_dump(exclude_none=True, warnings=False)


def held(told: Body) -> Body:
    """A whole message as the SDK holds it. The cost is left out: the accumulator takes only what it knows of usage."""
    usage = {name: value for name, value in told["usage"].items() if name != "cost"}
    return plain(Message.model_validate({**told, "usage": usage}, strict=True))
