"""The body of one attempt: a chat request as a given model takes it, built anew by allow-list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from router.wire.chat import ChatRequest, Sampling
from router.wire.fitting import fit
from router.wire.messages import BRIDGE, Message
from router.wire.parts import Part, ThinkingPart
from router.wire.schema import SchemaProfile
from router.wire.serial import one_call_a_turn
from router.wire.tools import NamedChoice


class _Body(Sampling, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    messages: list[Message]
    max_tokens: int
    stream: bool = False
    tools: msgspec.Raw | None = None
    tool_choice: str | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: msgspec.Raw | None = None
    reasoning_effort: str | None = None


_encode = msgspec.json.Encoder()


def mistral_body(
    request: ChatRequest,
    *,
    model: str,
    max_tokens: int,
    reasons: bool,
    profile: SchemaProfile = SchemaProfile.FULL,
    serial: bool = False,
) -> bytes:
    """The body for one attempt on `model`. `reasons` says whether it takes thinking turns and an effort, `profile`
    what schemas it takes, `serial` that it is to make one tool call at a time, whatever the app said."""
    fitted = fit(request.toolbox, request.response_format, profile)
    assert fitted.misfit is None, "a model is only asked when the request fits its profile"
    messages: Iterable[Message] = request.messages if reasons else _without_thinking(request.messages)
    sampling = {name: getattr(request.sampling, name) for name in Sampling.__struct_fields__}
    return _encode.encode(
        _Body(
            model=model,
            messages=list(one_call_a_turn(messages) if serial else messages),
            max_tokens=max_tokens,
            stream=request.stream,
            tools=_raw(fitted.tools),
            tool_choice=request.toolbox.choice,
            # The vendor declares the field for every chat model, and true as its default (OpenAPI file, 2026-08-21).
            parallel_tool_calls=False if serial and fitted.tools else request.parallel_tool_calls,
            response_format=_raw(fitted.response_format),
            reasoning_effort=request.reasoning if reasons else None,
            **sampling,
        )
    )


def _raw(json: bytes) -> msgspec.Raw | None:
    return msgspec.Raw(json) if json else None


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
