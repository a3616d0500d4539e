"""The conversation: Anthropic's turns as the messages of a chat request, each with the place it came from.

Turns of the same role in a row are one, as at Anthropic. Results of tools stand in user turns there and are messages of
their own here, so one turn may become several; results come first, because the calls before them wait for them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.errors import BadRequest
from router.wire.anthropic.blocks import (
    ASSISTANT,
    SYSTEM,
    USER,
    Parts,
    Served,
    ToolResult,
    ToolUse,
    parts_of,
    plain,
    read_block,
    result_of,
)
from router.wire.anthropic.fields import drop, take
from router.wire.anthropic.places import Origin
from router.wire.messages import IncomingCall, IncomingCalled, IncomingMessage

Content = str | list[dict[str, Any]]


class Turn(msgspec.Struct, kw_only=True):
    role: str
    content: Content


class _Turns(msgspec.Struct, kw_only=True):
    """Turns in a row of one role, their blocks with their places."""

    role: str
    place: str
    blocks: list[tuple[str, dict[str, Any]]]


class Conversation(msgspec.Struct, kw_only=True):
    """`origins` has the place of each message. `prefill` is the text that the answer goes on with."""

    messages: list[IncomingMessage]
    origins: list[Origin]
    prefill: str = ""


def read_conversation(system: Content | None, turns: list[dict[str, Any]], dropped: list[str]) -> Conversation:
    """The messages that say the same. Raises `BadRequest` with the place in Anthropic's request."""
    if not turns:
        raise BadRequest("messages is empty: send at least one user message.", code="empty_messages", param="messages")
    conversation = Conversation(messages=[], origins=[])
    if system:
        _system(conversation, Origin(turn="system", content="system"), _blocks(system, "system"), dropped)
    joined = _joined(turns, dropped)
    for turn in joined:
        origin = Origin(turn=turn.place, content=f"{turn.place}.content")
        match turn.role:
            case "system":
                _system(conversation, origin, turn.blocks, dropped)
            case "user":
                _user(conversation, origin, turn.blocks, dropped)
            case _:
                _assistant(conversation, origin, turn.blocks, dropped, last=turn is joined[-1])
    return conversation


def _joined(turns: list[dict[str, Any]], dropped: list[str]) -> list[_Turns]:
    joined: list[_Turns] = []
    for index, raw in enumerate(turns):
        place = f"messages[{index}]"
        turn = take(Turn, raw, place, dropped, named="messages")
        if turn.role not in ("user", "assistant", "system"):
            raise BadRequest(
                f"{place}.role is {turn.role!r}; the roles are user, assistant and system.",
                code="unknown_role",
                param=f"{place}.role",
            )
        blocks = _blocks(turn.content, f"{place}.content")
        if joined and joined[-1].role == turn.role:
            joined[-1].blocks += blocks
        else:
            joined.append(_Turns(role=turn.role, place=place, blocks=blocks))
    return joined


def _blocks(content: Content, place: str) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(content, str):
        return [(place, {"type": "text", "text": content})]
    return [(f"{place}[{index}]", raw) for index, raw in enumerate(content)]


def _add(conversation: Conversation, origin: Origin, message: IncomingMessage) -> None:
    conversation.messages.append(message)
    conversation.origins.append(origin)


def _system(
    conversation: Conversation, origin: Origin, blocks: list[tuple[str, dict[str, Any]]], dropped: list[str]
) -> None:
    if content := plain(_parts(blocks, SYSTEM, dropped)):
        _add(conversation, origin, IncomingMessage(role="system", content=content))


def _user(
    conversation: Conversation, origin: Origin, blocks: list[tuple[str, dict[str, Any]]], dropped: list[str]
) -> None:
    parts: Parts = []
    answered = False
    for place, raw in blocks:
        block = read_block(raw, place, USER, dropped)
        if isinstance(block, ToolResult):
            answered = True
            message = IncomingMessage(
                role="tool", tool_call_id=block.tool_use_id, content=result_of(block, place, dropped)
            )
            _add(conversation, Origin(turn=place, content=f"{place}.content"), message)
        parts += parts_of(block, place, dropped)
    if parts or not answered:
        _add(conversation, origin, IncomingMessage(role="user", content=plain(parts)))


def _assistant(
    conversation: Conversation,
    origin: Origin,
    blocks: list[tuple[str, dict[str, Any]]],
    dropped: list[str],
    *,
    last: bool,
) -> None:
    """A turn at the end is one that the answer goes on with, if it says anything. One that says nothing is left out."""
    parts: Parts = []
    calls: list[IncomingCall] = []
    for place, raw in blocks:
        block = read_block(raw, place, ASSISTANT, dropped)
        parts += parts_of(block, place, dropped)
        if isinstance(block, ToolUse):
            calls.append(IncomingCall(id=block.id, function=IncomingCalled(name=block.name, arguments=block.input)))
    text = "".join(part["text"] for part in parts if isinstance(part, dict) and "text" in part)
    if not calls and not (text if last else parts):
        drop(dropped, origin.turn)
        return
    message = IncomingMessage(role="assistant", content=plain(parts), tool_calls=calls or None, prefix=last)
    _add(conversation, origin, message)
    if last:
        conversation.prefill = text


def _parts(blocks: list[tuple[str, dict[str, Any]]], served: Served, dropped: list[str]) -> Parts:
    parts: Parts = []
    for place, raw in blocks:
        parts += parts_of(read_block(raw, place, served, dropped), place, dropped)
    return parts
