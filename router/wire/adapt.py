"""What must change in a conversation for a model that does not reason.

Thinking parts go back only to models that think; others answer them with 400 (mistralai/mistral-vibe 710, seen 2026).
Tokenizers before v15, which these models have, read nothing but text in a tool's result (mistral-common 1.13.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from router.wire.messages import BRIDGE, OPENING, Message
from router.wire.parts import Part, TextPart, ThinkingPart, joined


def without_reasoning(messages: Iterable[Message]) -> list[Message]:
    """The conversation with the same words and images, and without what such models refuse."""
    return _asking(list(_with_plain_results(_without_thoughts(messages))))


def changes(message: Message) -> bool:
    """Whether the turn holds what `without_reasoning` leaves out or moves."""
    if not isinstance(message.content, list):
        return False
    return message.role == "tool" or any(isinstance(part, ThinkingPart) for part in message.content)


def _without_thoughts(messages: Iterable[Message]) -> Iterator[Message]:
    last = ""
    for message in messages:
        if isinstance(message.content, list):
            kept: str | list[Part] = [part for part in message.content if not isinstance(part, ThinkingPart)]
            if not kept and not message.tool_calls:  # an empty turn is refused
                if last != "tool" or message.prefix:
                    continue
                kept = BRIDGE  # what stands between a tool result and the user must stay
            message = msgspec.structs.replace(message, content=kept or "")
        last = message.role
        yield message


def _with_plain_results(messages: Iterable[Message]) -> Iterator[Message]:
    """Images in results go to a user's turn behind them, where every model that sees can read them."""
    seen: list[Part] = []
    for message in messages:
        if seen and message.role != "tool":
            yield from _shown(seen)
            seen = []
            if message == Message(role="assistant", content=BRIDGE):
                continue  # one bridge is enough
        if message.role == "tool" and isinstance(message.content, list):
            seen += [part for part in message.content if not isinstance(part, TextPart)]
            message = msgspec.structs.replace(message, content=joined(message.content))
        yield message
    if seen:
        yield from _shown(seen)


def _shown(parts: list[Part]) -> Iterator[Message]:
    yield Message(role="assistant", content=BRIDGE)
    yield Message(role="user", content=parts)


def _asking(messages: list[Message]) -> list[Message]:
    """Still asking something when the last turn, a prefix of mere thoughts, has gone."""
    match messages[-1:]:
        case [Message(role="assistant", prefix=None) as said]:
            return [*messages[:-1], msgspec.structs.replace(said, prefix=True)]
        case [] | [Message(role="system")]:
            return [*messages, Message(role="user", content=OPENING)]
    return messages
