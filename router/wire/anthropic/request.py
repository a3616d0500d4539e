"""A Messages request read into a chat request, so that all rules of messages, tools and ids are shared.

What only Anthropic's servers can do and an app could not notice the lack of is refused; what nobody reads is dropped
and named.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.anthropic.fields import drop
from router.wire.anthropic.places import Places
from router.wire.anthropic.tools import read_choice, read_tools
from router.wire.anthropic.turns import Content, read_conversation
from router.wire.anthropic.wishes import read_form, read_reasoning
from router.wire.chat import ChatRequest, IncomingChat, read_chat
from router.wire.reading import Bounds, decode

# Anthropic's own maximum; the chat format goes further, and so might a client that believes it speaks that.
TEMPERATURE_MAX: Final = 1


class Incoming(msgspec.Struct, kw_only=True):
    """A Messages request as apps send it. The fields at the end are declared to be refused."""

    model: str
    messages: list[dict[str, Any]]
    max_tokens: int | None = None
    system: Content | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    output_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    mcp_servers: list[Any] | None = None
    thread: dict[str, Any] | None = None
    inference_geo: str | None = None


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The request, and what its answer depends on: the text it goes on with, and whether thoughts are shown."""

    request: ChatRequest
    prefill: str = ""
    thoughts_shown: bool = True


_decoder = msgspec.json.Decoder(Incoming)


def read_request(body: bytes, bounds: Bounds) -> Read:
    """The request in `body` (JSON) of `POST /v1/messages`. Raises `BadRequest` with the place and the remedy."""
    raw, dropped = decode(body, _decoder)
    if raw.max_tokens is None:
        raise BadRequest(
            "max_tokens is required: say how many tokens the answer may have.", code="missing_field", param="max_tokens"
        )
    return _read(raw, dropped, bounds)


def read_count(body: bytes, bounds: Bounds) -> ChatRequest:
    """The request in `body` of `POST /v1/messages/count_tokens`: the same fields, and no bound for an answer."""
    raw, dropped = decode(body, _decoder)
    return _read(raw, dropped, bounds).request


def _read(raw: Incoming, dropped: list[str], bounds: Bounds) -> Read:
    _refuse(raw)
    if len(raw.messages) > bounds.messages_max:
        raise BadRequest(f"More than {bounds.messages_max} messages.", code="too_many_messages", param="messages")
    if raw.temperature is not None and not 0 <= raw.temperature <= TEMPERATURE_MAX:
        raise BadRequest(f"temperature must be from 0 to {TEMPERATURE_MAX}.", code="invalid_value", param="temperature")
    conversation = read_conversation(raw.system, raw.messages, dropped)
    choice, parallel = read_choice(raw.tool_choice, dropped)
    effort, shown = read_reasoning(raw.thinking, raw.output_config, dropped)
    form, place = read_form(raw.output_config, raw.output_format, dropped)
    places = Places(origins=conversation.origins, form=place)
    chat = IncomingChat(
        model=raw.model,
        messages=conversation.messages,
        max_tokens=raw.max_tokens,
        temperature=raw.temperature,
        top_p=raw.top_p,
        stop=raw.stop_sequences,
        stream=raw.stream,
        tools=read_tools(raw.tools, dropped),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=form,
        reasoning_effort=effort,
        metadata=_metadata(raw.metadata, dropped),
    )
    try:
        # One turn may have become several messages, and the bound is on what the app sent.
        request = read_chat(chat, dropped, msgspec.structs.replace(bounds, messages_max=len(conversation.messages)))
    except BadRequest as error:
        raise places.translated(error) from error
    return Read(request=request, prefill=conversation.prefill, thoughts_shown=shown)


def _refuse(raw: Incoming) -> None:
    """Fields that only Anthropic's servers can follow, and without which the answer would be another."""
    if raw.mcp_servers:
        raise BadRequest(
            "mcp_servers are called by Anthropic's servers, not by this router; "
            "call them in the app and send what they offer as tools.",
            code="unsupported_tool_type",
            param="mcp_servers",
        )
    if raw.thread is not None:
        raise BadRequest(
            "thread refers to a conversation kept at Anthropic; send all of its messages.",
            code="invalid_value",
            param="thread",
        )
    if raw.inference_geo not in (None, "global"):
        raise BadRequest(
            "inference_geo cannot be chosen here: the region is the policy's. Leave it out.",
            code="invalid_value",
            param="inference_geo",
        )


def _metadata(raw: dict[str, Any] | None, dropped: list[str]) -> dict[str, Any] | None:
    """Without the id of the app's user, which is meant for Anthropic's eyes."""
    if raw is None or "user_id" not in raw:
        return raw
    drop(dropped, "metadata.user_id")
    return {key: value for key, value in raw.items() if key != "user_id"}
