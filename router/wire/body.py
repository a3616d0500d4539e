"""The body of one attempt: a chat request as a given model takes it, built anew by allow-list."""

from __future__ import annotations

import msgspec

from router.wire.adapt import without_reasoning
from router.wire.chat import ChatRequest, Sampling
from router.wire.messages import Message
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
    """The body for one attempt on `model`. `reasons` says whether it takes an effort, thinking turns, and images in the
    results of tools."""
    sampling = {name: getattr(request.sampling, name) for name in Sampling.__struct_fields__}
    return _encode.encode(
        _Body(
            model=model,
            messages=list(request.messages) if reasons else without_reasoning(request.messages),
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
