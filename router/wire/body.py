"""The body of one attempt: a chat request as a given model takes it, built anew by allow-list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from router.wire.chat import ChatRequest, Sampling
from router.wire.messages import BRIDGE, Message
from router.wire.parts import Part, ThinkingPart
from router.wire.tools import NamedChoice, ResponseFormat, Tool


class _Body(Sampling, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    messages: list[Message]
    max_tokens: int
    stream: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None


_encode = msgspec.json.Encoder()


def mistral_body(request: ChatRequest, *, model: str, max_tokens: int, reasons: bool) -> bytes:
    """The body for one attempt on `model`. `reasons` says whether it takes thinking turns and an effort."""
    sampling = {name: getattr(request.sampling, name) for name in Sampling.__struct_fields__}
    return _encode.encode(
        _Body(
            model=model,
            messages=list(request.messages if reasons else _without_thinking(request.messages)),
            max_tokens=max_tokens,
            stream=request.stream,
            tools=request.toolbox.tools,
            tool_choice=request.toolbox.choice,
            parallel_tool_calls=request.parallel_tool_calls,
            response_format=request.response_format,
            reasoning_effort=request.reasoning if reasons else None,
            **sampling,
        )
    )


def _without_thinking(messages: Iterable[Message]) -> Iterator[Message]:
    """Thinking parts go back only to models that think; others answer them with 400, and an empty turn likewise."""
    last = ""
    for message in messages:
        if isinstance(message.content, list):
            kept: str | list[Part] = [part for part in message.content if not isinstance(part, ThinkingPart)]
            if not kept and not message.tool_calls:
                if last != "tool" or message.prefix:
                    continue
                kept = BRIDGE  # what stands between a tool result and the user must stay
            message = msgspec.structs.replace(message, content=kept or "")
        last = message.role
        yield message
