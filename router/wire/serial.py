"""A conversation for models that make one call at a time: of several calls in one turn, each gets a turn of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from router.wire.messages import Message


def one_call_a_turn(messages: Iterable[Message]) -> Iterator[Message]:
    """The conversation with every call right before its result, in the order of the calls. Nothing is lost: what was
    said beside the calls stays with the first.

    As read_messages leaves them, the results of a turn's calls follow it at once, one for each, in any order.
    """
    turn: Message | None = None  # with several calls, while its results come in
    results: dict[str | None, Message] = {}
    for message in messages:
        if turn is None or turn.tool_calls is None:
            if len(message.tool_calls or ()) > 1:
                turn, results = message, {}
            else:
                yield message
            continue
        results[message.tool_call_id] = message
        if len(results) == len(turn.tool_calls):
            for number, call in enumerate(turn.tool_calls):
                said = turn.content if number == 0 else ""
                yield msgspec.structs.replace(turn, content=said, tool_calls=[call])
                yield results[call.id]
            turn = None
