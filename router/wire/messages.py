"""The turns of a conversation: read leniently, put in the order and with the ids that Mistral accepts.

The rules are those of Mistral's own validators (mistral-common 1.13.1, seen 2026-11): tool-call ids of nine
alphanumerics, as many tool results as calls, an assistant turn between a tool result and the user, content or calls in
every assistant turn, and a user, a tool or a prefix turn at the end. All are safe on every model and needed on some.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.names import check_name, fits
from router.wire.parts import Part, TextPart, ThinkingPart, joined, read_content

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID: Final = re.compile(r"[a-zA-Z0-9]{9}\Z")
# What is put between a tool result and a user turn: an acknowledgement that adds no claim of its own.
BRIDGE: Final = "OK."
# What the user is made to say first when the history was cut off before a tool call: nothing.
OPENING: Final = "…"
# The roles of both dialects, and whose turn each is.
_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",  # OpenAI's forerunner of tools
}


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """The function of a tool call; `arguments` is JSON text, as the model wrote it."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str = "function"
    function: Called


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A turn as Mistral takes it; `role` is system, user, assistant or tool."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    prefix: bool | None = None


class IncomingCalled(msgspec.Struct, kw_only=True):
    name: str
    # Mistral's own SDK sends an object here when it was given one.
    arguments: str | dict[str, Any] | None = None


class IncomingCall(msgspec.Struct, kw_only=True):
    function: IncomingCalled
    id: str | None = None
    type: str | None = None


class IncomingMessage(msgspec.Struct, kw_only=True):
    """A turn as apps send it. Fields that no model reads are declared, so that their loss can be named."""

    role: str
    content: str | list[str | dict[str, Any]] | None = None
    tool_calls: list[IncomingCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    prefix: bool | None = None
    reasoning_content: str | None = None
    function_call: IncomingCalled | None = None
    refusal: str | None = None
    annotations: Any = None
    audio: Any = None
    metadata: Any = None
    id: Any = None


def short_id(tool_call_id: str) -> str:
    """The id itself when Mistral takes it, else nine alphanumerics that are always the same for the same id."""
    if _ID.match(tool_call_id):
        return tool_call_id
    number = int.from_bytes(hashlib.sha256(tool_call_id.encode()).digest()[:8], "big")
    letters = []
    for _ in range(9):
        number, digit = divmod(number, 62)
        letters.append(_BASE62[digit])
    return "".join(letters)


def read_messages(incoming: Sequence[IncomingMessage], dropped: list[str]) -> tuple[Message, ...]:
    """The conversation in Mistral's shape and order; what is left out is added to `dropped` by name.

    Raises `BadRequest` with the index of the turn that cannot be mended.
    """
    if not incoming:
        raise BadRequest("messages is empty: send at least one user message.", code="empty_messages", param="messages")
    turns: list[Message] = []
    moved: list[Message] = []
    open_calls: list[str] = []  # ids that wait for their result
    for index, raw in enumerate(incoming):
        turn = _read(raw, index, open_calls, dropped)
        if turn is None:
            dropped.append(f"messages[{index}]")
            continue
        if turn.role == "system" and turns and turns[-1].role in ("assistant", "tool"):
            # Refused there; agents remind the model like this, and at the head it is still heard.
            moved.append(turn)
            continue
        if turn.role != "tool" and open_calls:
            raise _unanswered(open_calls, f"messages[{index}]")
        if turn.role == "user" and turns and turns[-1].role == "tool":
            turns.append(Message(role="assistant", content=BRIDGE))
        if turn.role == "tool":
            _answer(turn, open_calls, index)
        elif turn.tool_calls:
            open_calls = [call.id for call in turn.tool_calls]
        turns.append(turn)
    spoken = [index for index, turn in enumerate(turns) if turn.role != "system"]
    if spoken:  # and no reminder has the last word
        first, last = spoken[0], spoken[-1] + 1
        turns = [*turns[:first], *moved, *turns[last:], *turns[first:last]]
    _check_end(turns, open_calls, len(incoming) - 1)
    if _opens_unasked(turns):
        turns.insert(0, Message(role="user", content=OPENING))
    # An app that keeps its history keeps a served prefix too; only the last turn may be one.
    earlier = (msgspec.structs.replace(turn, prefix=None) if turn.prefix else turn for turn in turns[:-1])
    return (*earlier, turns[-1])


def _read(raw: IncomingMessage, index: int, open_calls: list[str], dropped: list[str]) -> Message | None:
    place = f"messages[{index}]"
    for field in ("refusal", "annotations", "audio", "metadata", "id"):
        if getattr(raw, field) is not None:
            _once(dropped, f"messages.{field}")
    if raw.name is not None and raw.role not in ("tool", "function"):
        _once(dropped, "messages.name")
    role = _ROLES.get(raw.role)
    if role is None:
        raise BadRequest(
            f"{place}.role is {raw.role!r}; the roles are system, developer, user, assistant and tool.",
            code="unknown_role",
            param=f"{place}.role",
        )
    content = read_content(raw.content, role, place)
    match role:
        case "assistant":
            return _assistant(raw, content, place)
        case "tool":
            return _result(raw, content, place, open_calls, dropped)
        case _:
            return Message(role=role, content=_needed(content, place))


def _result(
    raw: IncomingMessage, content: str | list[Part] | None, place: str, open_calls: list[str], dropped: list[str]
) -> Message:
    if raw.role == "function":  # it has no id: the result of the one open call
        if not open_calls:
            raise BadRequest(f"{place} answers no function call.", code="tool_call_pairing", param=place)
        answered = open_calls[0]
    elif raw.tool_call_id:
        answered = short_id(raw.tool_call_id)
    else:
        raise BadRequest(f"{place} is a tool result without tool_call_id.", code="tool_call_pairing", param=place)
    name = raw.name
    if name is not None and not fits(name):  # the call says it too
        _once(dropped, "messages.name")
        name = None
    return Message(role="tool", content=_text(content), tool_call_id=answered, name=name)


def _assistant(raw: IncomingMessage, content: str | list[Part] | None, place: str) -> Message | None:
    calls = []
    for number, call in enumerate(raw.tool_calls or ()):
        where = f"{place}.tool_calls[{number}]"
        calls.append(ToolCall(id=short_id(call.id or where), function=_called(call.function, f"{where}.function")))
    if raw.function_call is not None:
        where = f"{place}.function_call"
        calls.append(ToolCall(id=short_id(where), function=_called(raw.function_call, where)))
    if len({call.id for call in calls}) < len(calls):
        raise BadRequest(f"{place}.tool_calls has an id twice.", code="tool_call_pairing", param=f"{place}.tool_calls")
    if raw.reasoning_content:
        thought = ThinkingPart(thinking=[TextPart(text=raw.reasoning_content)], closed=True)
        rest: list[Part] = [TextPart(text=content)] if isinstance(content, str) and content else []
        content = [thought, *(content if isinstance(content, list) else rest)]
    if not calls and not content:
        return None
    return Message(role="assistant", content=content or "", tool_calls=calls or None, prefix=raw.prefix or None)


def _called(called: IncomingCalled, place: str) -> Called:
    check_name(called.name, f"{place}.name")
    if isinstance(called.arguments, str):
        return Called(name=called.name, arguments=called.arguments or "{}")
    return Called(name=called.name, arguments=msgspec.json.encode(called.arguments or {}).decode())


def _needed(content: str | list[Part] | None, place: str) -> str | list[Part]:
    if content is None or content == []:
        raise BadRequest(f"{place} has no content.", code="empty_content", param=f"{place}.content")
    return content


def _text(content: str | list[Part] | None) -> str | list[Part]:
    """A tool result: plain text where it can be, because older models take nothing else."""
    if isinstance(content, list) and all(isinstance(part, TextPart) for part in content):
        return joined(content)
    return content or ""


def _answer(turn: Message, open_calls: list[str], index: int) -> None:
    if turn.tool_call_id not in open_calls:
        raise BadRequest(
            f"messages[{index}] answers a tool call that the assistant turn before it does not make.",
            code="tool_call_pairing",
            param=f"messages[{index}].tool_call_id",
        )
    open_calls.remove(turn.tool_call_id)


def _check_end(turns: list[Message], open_calls: list[str], last: int) -> None:
    place = f"messages[{last}]"
    if open_calls:
        raise _unanswered(open_calls, place)
    if not turns or turns[-1].role == "system" or (turns[-1].role == "assistant" and not turns[-1].prefix):
        raise BadRequest(
            f"{place}: the last message must be the user's, a tool result, or an assistant turn with prefix: true.",
            code="last_message_role",
            param=f"{place}.role",
        )


def _opens_unasked(turns: list[Message]) -> bool:
    """Whether the assistant calls a tool, or says all there is, before anybody else had a turn.

    The vendor's validator does not look at calls in the first message, and then finds results to no call.
    """
    opening = list(itertools.takewhile(lambda turn: turn.role == "assistant", turns))
    return len(opening) == len(turns) or any(turn.tool_calls for turn in opening)


def _unanswered(open_calls: list[str], place: str) -> BadRequest:
    return BadRequest(
        f"{len(open_calls)} tool call(s) have no result before {place}: each call needs one tool message.",
        code="tool_call_pairing",
        param=place,
    )


def _once(dropped: list[str], name: str) -> None:
    if name not in dropped:
        dropped.append(name)
