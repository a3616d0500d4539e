"""How an answer looks on the wire: one JSON object, or the event-stream shapes on record.

Native models send whole tool calls in one chunk together with `finish_reason` and `usage`; third-party models, and
requests with `stream_options.stream_tool_calls`, get them in fragments. Every chunk but the first carries `p`, a
padding of random length against guessing content by size (since 2025-08-27).
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from router.sim.answers import Answer, Call, Part

DONE: Final = b"data: [DONE]\n\n"
PADDING: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
FRAGMENT_CHARS: Final = 12
_encode = msgspec.json.Encoder().encode


class Frame(msgspec.Struct, frozen=True):
    """One event, and how many tokens it makes known."""

    data: bytes
    tokens: int


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every chunk of an answer repeats. `model` is the name the caller used: an alias is echoed, not resolved."""

    id: str
    created: int
    model: str


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    fragmented_calls: bool = False
    # Third-party models leave the id out of later fragments; native ones send the string "null".
    null_ids: bool = True
    # The early API sent `finish_reason` before the last tool-call chunk.
    early_finish: bool = False
    with_usage: bool = True


def completion(envelope: Envelope, answers: list[Answer], usage: dict[str, Any]) -> bytes:
    choices = [
        {
            "index": index,
            "finish_reason": answer.finish,
            "message": {
                "role": "assistant",
                "tool_calls": [_call(call, place) for place, call in enumerate(answer.calls)] or None,
                "content": _content(answer),
            },
        }
        for index, answer in enumerate(answers)
    ]
    return _encode(
        {
            "id": envelope.id,
            "created": envelope.created,
            "model": envelope.model,
            "usage": usage,
            "object": "chat.completion",
            "choices": choices,
        }
    )


def frames(envelope: Envelope, answers: list[Answer], usage: dict[str, Any], shape: Shape) -> Iterator[Frame]:
    writer = _Writer(envelope)
    last = len(answers) - 1
    for index, answer in enumerate(answers):
        if answer.finish == "model_length":
            # Chunks know no such reason (the vendor's OpenAPI file of 2026-08-21, and its SDK 3.7.0).
            answer = msgspec.structs.replace(answer, finish="length")
        told = usage if index == last and shape.with_usage else None
        yield from _choice_frames(writer, index, answer, told, shape)
    yield Frame(DONE, 0)


def _choice_frames(
    writer: "_Writer", index: int, answer: Answer, usage: dict[str, Any] | None, shape: Shape
) -> Iterator[Frame]:
    yield writer.frame(index, {"role": "assistant", "content": ""}, 0)
    for thought in answer.thoughts:
        yield writer.frame(index, {"content": [_thought(thought.text, closed=None)]}, thought.tokens)
    parts = answer.parts
    if answer.thoughts:
        # The turn from thinking to text is one mixed list, then the content is a string again.
        opening = parts[0].text if parts else ""
        mixed = [_thought("", closed=True), {"type": "text", "text": opening}]
        tokens = parts[0].tokens if parts else 0
        if len(parts) <= 1 and not answer.calls:
            yield writer.frame(index, {"content": mixed}, tokens, finish=answer.finish, usage=usage)
            return
        yield writer.frame(index, {"content": mixed}, tokens)
        parts = parts[1:]
    if answer.calls:
        for part in parts:
            yield writer.frame(index, {"content": part.text}, part.tokens)
        yield from _call_frames(writer, index, answer, usage, shape)
        return
    for part in parts[:-1]:
        yield writer.frame(index, {"content": part.text}, part.tokens)
    # The last piece of text, the reason and the usage arrive together.
    final = parts[-1] if parts else Part("", 0)
    yield writer.frame(index, {"content": final.text}, final.tokens, finish=answer.finish, usage=usage)


def _call_frames(
    writer: "_Writer", index: int, answer: Answer, usage: dict[str, Any] | None, shape: Shape
) -> Iterator[Frame]:
    tokens = sum(call.tokens for call in answer.calls)
    if shape.fragmented_calls:
        fragments = [
            (fragment, call.tokens if place == 0 else 0)
            for position, call in enumerate(answer.calls)
            for place, fragment in enumerate(_fragments(call, position, shape))
        ]
    elif shape.early_finish and len(answer.calls) == 1:
        # One call is cut in two, for the last chunk must hold something worth losing.
        call = answer.calls[0]
        half = len(call.arguments) // 2
        head = {**_call(call, 0), "function": {"name": call.name, "arguments": call.arguments[:half]}}
        tail = {"function": {"name": "", "arguments": call.arguments[half:]}, "index": 0}
        fragments = [(head, tokens), (tail, 0)]
    elif shape.early_finish:
        fragments = [(_call(call, place), call.tokens) for place, call in enumerate(answer.calls)]
    else:
        calls = [_call(call, place) for place, call in enumerate(answer.calls)]
        delta = {"content": "", "tool_calls": calls}
        yield writer.frame(index, delta, tokens, finish=answer.finish, usage=usage)
        return
    for fragment, spent in fragments[:-1]:
        yield writer.frame(index, {"content": "", "tool_calls": [fragment]}, spent)
    last, spent = fragments[-1]
    if shape.early_finish:
        yield writer.frame(index, {"content": ""}, 0, finish=answer.finish)
        yield writer.frame(index, {"content": "", "tool_calls": [last]}, spent, usage=usage)
    else:
        yield writer.frame(index, {"content": "", "tool_calls": [last]}, spent)
        yield writer.frame(index, {"content": ""}, 0, finish=answer.finish, usage=usage)


def _fragments(call: Call, position: int, shape: Shape) -> Iterator[dict[str, Any]]:
    yield {"id": call.id, "function": {"name": call.name, "arguments": ""}, "index": position}
    later = {"id": "null"} if shape.null_ids else {}
    for start in range(0, len(call.arguments), FRAGMENT_CHARS):
        piece = call.arguments[start : start + FRAGMENT_CHARS]
        yield {**later, "function": {"name": "", "arguments": piece}, "index": position}


class _Writer:
    """Writes the chunks of one stream; the padding's length follows from the place in it, so a replay is identical."""

    def __init__(self, envelope: Envelope) -> None:
        # All chunks begin alike, and an answer has a hundred of them.
        head = {"id": envelope.id, "object": "chat.completion.chunk", "created": envelope.created}
        self._head = b"data: " + _encode({**head, "model": envelope.model}).removesuffix(b"}") + b","
        self._written = 0

    def frame(
        self,
        index: int,
        delta: dict[str, Any],
        tokens: int,
        *,
        finish: str | None = None,
        usage: dict[str, Any] | None = None,
    ) -> Frame:
        chunk: dict[str, Any] = {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
        if usage is not None:
            chunk["usage"] = usage
        if self._written:
            chunk["p"] = PADDING[: 1 + self._written * 7 % len(PADDING)]
        self._written += 1
        return Frame(self._head + _encode(chunk).removeprefix(b"{") + b"\n\n", tokens)


def _call(call: Call, place: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function, "index": place}


def _content(answer: Answer) -> str | list[dict[str, Any]]:
    if not answer.thoughts:
        return answer.text
    thought = "".join(part.text for part in answer.thoughts)
    return [_thought(thought, closed=True), {"type": "text", "text": answer.text}]


def _thought(text: str, *, closed: bool | None) -> dict[str, Any]:
    thinking = [{"type": "text", "text": text}] if text else []
    chunk: dict[str, Any] = {"type": "thinking", "thinking": thinking}
    return chunk if closed is None else {**chunk, "closed": closed}
