"""Input items, gathered into the turns of a chat.

The Responses format lists what a model did one by one: a thought, a text, each call. Chat holds them in one assistant
turn, so neighbours are joined; the order of everything else stays.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.messages import IncomingCall, IncomingCalled, IncomingMessage
from router.wire.responses.parts import chat_content
from router.wire.responses.places import unfit

# What the ids of our reasoning items begin with (output.py), as OpenAI's own do.
THOUGHT_ID: Final = "rs_"
_ROLES: Final = ("user", "assistant", "system", "developer")
_SERVED: Final = ("message", "function_call", "function_call_output", "reasoning")


class Turns(msgspec.Struct, kw_only=True):
    """The conversation in chat's turns. `places` tells where each of them began in the request."""

    messages: list[IncomingMessage]
    places: list[str]


class _Message(msgspec.Struct, kw_only=True):
    role: str
    content: str | list[dict[str, Any]]


class _Call(msgspec.Struct, kw_only=True):
    call_id: str
    name: str
    arguments: str


class _Output(msgspec.Struct, kw_only=True):
    call_id: str
    output: str | list[dict[str, Any]]


class _Text(msgspec.Struct, kw_only=True):
    text: str


class _Reasoning(msgspec.Struct, kw_only=True):
    content: list[_Text] | None = None
    summary: list[_Text] | None = None
    encrypted_content: str | None = None
    referred: bool = False  # by its id alone: Vercel's AI SDK does so, and the conversation stands without the thought


_Item = _Message | _Call | _Output | _Reasoning
_TYPES: Final[dict[str, type[_Item]]] = dict(zip(_SERVED, (_Message, _Call, _Output, _Reasoning), strict=True))


def read_items(
    items: str | list[dict[str, Any]], instructions: str | None, items_max: int, dropped: list[str]
) -> Turns:
    """The turns that `items` mean, `instructions` before them. What no model reads is added to `dropped` by name.

    Raises `BadRequest` with the place of the item that cannot be served.
    """
    gathered = _Gathered(dropped)
    if instructions:
        gathered.add("instructions", IncomingMessage(role="system", content=instructions))
    if isinstance(items, str):
        gathered.add("input", IncomingMessage(role="user", content=items))
        return gathered.turns
    if not items:
        raise BadRequest("input is empty: send at least one user message.", code="empty_messages", param="input")
    if len(items) + bool(instructions) > items_max:
        raise BadRequest(f"More than {items_max} items of input.", code="too_many_messages", param="input")
    asked, last_place = False, "input"
    for index, raw in enumerate(items):
        place = f"input[{index}]"
        item = _read(raw, place)
        gathered.item(item, place)
        if (asks := _asks(item)) is not None:
            asked, last_place = asks, place
    if not asked:
        raise BadRequest(
            f"{last_place}: the last item must be a user message or a function_call_output.",
            code="last_message_role",
            param=last_place,
        )
    return gathered.turns


def _asks(item: _Item) -> bool | None:
    """Whether something is left to say after the item; None for a reminder, which may stand anywhere."""
    match item:
        case _Message(role="system" | "developer"):
            return None
        case _Message(role=role):
            return role != "assistant"
        case _Reasoning():
            return False
    return True  # that a call has no result is found with the other calls


def _read(raw: dict[str, Any], place: str) -> _Item:
    kind = raw.get("type")
    if kind == "item_reference" or (kind is None and raw.keys() == {"id"}):
        if str(raw.get("id")).startswith(THOUGHT_ID):
            return _Reasoning(referred=True)
        raise BadRequest(
            f"{place} refers to an item of an earlier answer, but nothing is stored here: send the item itself. "
            "Vercel's AI SDK does with providerOptions.openai.store = false.",
            code="nothing_stored",
            param=place,
        )
    kind = "message" if kind is None and "role" in raw else kind
    if not isinstance(kind, str) or kind not in _TYPES:
        raise BadRequest(
            f"{place} is of type {kind!r}; the items served are {', '.join(_SERVED)}.",
            code="unsupported_content",
            param=place,
        )
    try:
        return msgspec.convert(raw, _TYPES[kind])
    except msgspec.ValidationError as error:
        raise unfit(error, place) from error


class _Gathered:
    """The turns so far. The last one takes what belongs to it."""

    def __init__(self, dropped: list[str]) -> None:
        self.turns = Turns(messages=[], places=[])
        self.dropped = dropped

    def add(self, place: str, message: IncomingMessage) -> IncomingMessage:
        self.turns.messages.append(message)
        self.turns.places.append(place)
        return message

    def item(self, item: _Item, place: str) -> None:
        match item:
            case _Message():
                self.message(item, place)
            case _Call():
                self.call(item, place)
            case _Output():
                output = chat_content(item.output, f"{place}.output", self.dropped)
                self.add(place, IncomingMessage(role="tool", content=output, tool_call_id=item.call_id))
            case _Reasoning():
                self.reasoning(item, place)

    def message(self, item: _Message, place: str) -> None:
        if item.role not in _ROLES:
            raise BadRequest(
                f"{place}.role is {item.role!r}; the roles are {', '.join(_ROLES)}.",
                code="unknown_role",
                param=f"{place}.role",
            )
        content = chat_content(item.content, f"{place}.content", self.dropped)
        turn = self.assistant(place) if item.role == "assistant" else None
        if turn is None:
            self.add(place, IncomingMessage(role=item.role, content=content))
        else:
            turn.content = _joined(turn.content, content)

    def call(self, item: _Call, place: str) -> None:
        turn = self.last()
        if turn is None:
            turn = self.add(place, IncomingMessage(role="assistant"))
        turn.tool_calls = turn.tool_calls or []
        if item.call_id in (call.id for call in turn.tool_calls):
            text = f"{place}.call_id is the id of an earlier call of the same turn."
            raise BadRequest(text, code="tool_call_pairing", param=f"{place}.call_id")
        called = IncomingCalled(name=item.name, arguments=item.arguments)
        turn.tool_calls.append(IncomingCall(id=item.call_id, type="function", function=called))

    def reasoning(self, item: _Reasoning, place: str) -> None:
        if item.encrypted_content and "input.encrypted_content" not in self.dropped:
            self.dropped.append("input.encrypted_content")
        if item.referred and "input.item_reference" not in self.dropped:
            self.dropped.append("input.item_reference")
        text = "\n".join(part.text for part in item.content or item.summary or ())
        if text:
            turn = self.assistant(place)
            turn.reasoning_content = f"{turn.reasoning_content}\n{text}" if turn.reasoning_content else text

    def last(self) -> IncomingMessage | None:
        turn = self.turns.messages[-1] if self.turns.messages else None
        return turn if turn is not None and turn.role == "assistant" else None

    def assistant(self, place: str) -> IncomingMessage:
        """The assistant turn that takes a thought or a text: the last one, unless it has said its text already. A turn
        whose calls wait for their results takes everything, because nothing may come between."""
        turn = self.last()
        if turn is None or (turn.content and not turn.tool_calls):
            return self.add(place, IncomingMessage(role="assistant"))
        return turn


def _joined(
    first: str | list[str | dict[str, Any]] | None, second: str | list[str | dict[str, Any]]
) -> str | list[str | dict[str, Any]]:
    if not first:
        return second
    return [*([first] if isinstance(first, str) else first), *([second] if isinstance(second, str) else second)]
