"""How an answer looks on the wire: one JSON object, or the event-stream shapes on record.

Native models send whole tool calls in one chunk together with `finish_reason` and `usage`; third-party models, and
requests with `stream_options.stream_tool_calls`, get them in fragments. Every chunk but the first carries `p`, a
padding of random length against guessing content by size (since 2025-08-27). Third-party chunks have none; they repeat
the role and put an `index` into the delta (recorded with zai-glm-5-2, 2026-08).
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

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
    third_party: bool = False
    fragmented_calls: bool = False
    # Older recordings leave `type` out of a call.
    typed_calls: bool = True
    padded: bool = True
    # The early API sent `finish_reason` before the last tool-call chunk.
    early_finish: bool = False
    # With the reason, or in a chunk of its own without choices (as glm-4.6 did), or not at all.
    usage: Literal["with_reason", "apart", "none"] = "with_reason"
    # Fields of a choice that hold null.
    nulls: tuple[str, ...] = ()


def completion(envelope: Envelope, answers: list[Answer], usage: dict[str, Any], shape: Shape) -> bytes:
    choices = [
        {
            "index": index,
            "finish_reason": answer.finish,
            "message": {
                "role": "assistant",
                "tool_calls": [_call(call, place, shape) for place, call in enumerate(answer.calls)] or None,
                "content": _content(answer),
            },
            **dict.fromkeys(shape.nulls),
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
    writer = _Writer(envelope, shape)
    last = len(answers) - 1
    for index, answer in enumerate(answers):
        if answer.finish == "model_length":
            # Chunks know no such reason (the vendor's OpenAPI file of 2026-08-21, and its SDK 3.7.0).
            answer = msgspec.structs.replace(answer, finish="length")
        told = usage if index == last and shape.usage == "with_reason" else None
        yield from _choice_frames(writer, index, answer, told, shape)
    if shape.usage == "apart":
        yield writer.write({"choices": [], "usage": usage}, 0)
    yield Frame(DONE, 0)


def dressed(frames: list[Frame], fault: str) -> list[Frame]:
    """The same events in another dress that the format allows, or without the end that is no part of it."""
    match fault:
        case "crlf":
            return [Frame(frame.data.replace(b"\n", b"\r\n"), frame.tokens) for frame in frames]
        case "comments":
            return [Frame(b": keep-alive\n\n" + frame.data, frame.tokens) for frame in frames]
        case "no_done":
            return [*frames[:-1], Frame(b"", 0)]
        case _:
            return frames


def _choice_frames(
    writer: "_Writer", index: int, answer: Answer, usage: dict[str, Any] | None, shape: Shape
) -> Iterator[Frame]:
    opening = {"role": "assistant", "content": ""}
    yield writer.frame(index, opening, 0)
    if shape.third_party:
        yield writer.frame(index, opening, 0)
    for thought in answer.thoughts:
        yield writer.frame(index, {"content": [_thought(thought.text, closed=None)]}, thought.tokens)
    parts = answer.parts
    if answer.thoughts:
        # The turn from thinking to text is one mixed list, then the content is a string again.
        first = parts[0].text if parts else ""
        mixed = [_thought("", closed=True), {"type": "text", "text": first}]
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
    deltas = list(_call_deltas(answer.calls, shape))
    if not (shape.fragmented_calls or shape.early_finish):
        ((delta, spent),) = deltas
        yield writer.frame(index, delta, spent, finish=answer.finish, usage=usage)
        return
    for delta, spent in deltas[:-1]:
        yield writer.frame(index, delta, spent)
    delta, spent = deltas[-1]
    if shape.early_finish:
        yield writer.frame(index, {"content": ""}, 0, finish=answer.finish)
        yield writer.frame(index, delta, spent, usage=usage)
    else:
        yield writer.frame(index, delta, spent)
        yield writer.frame(index, {"content": ""}, 0, finish=answer.finish, usage=usage)


def _call_deltas(calls: tuple[Call, ...], shape: Shape) -> Iterator[tuple[dict[str, Any], int]]:
    """The deltas that hold the calls, and how many tokens each makes known."""
    if shape.fragmented_calls:
        for position, call in enumerate(calls):
            for place, fragment in enumerate(_fragments(call, position, shape)):
                # Native fragments come without a `content` (the vendor's own client's fixtures, 2026-06).
                content = {"content": ""} if shape.third_party else {}
                yield {"tool_calls": [fragment], **content}, call.tokens if place == 0 else 0
    elif not shape.early_finish:
        whole = [_call(call, place, shape) for place, call in enumerate(calls)]
        yield {"content": "", "tool_calls": whole}, sum(call.tokens for call in calls)
    elif len(calls) == 1:
        # One call is cut in two, for the last chunk must hold something worth losing.
        call = calls[0]
        half = len(call.arguments) // 2
        head = {**_call(call, 0, shape), "function": {"name": call.name, "arguments": call.arguments[:half]}}
        tail = {"function": {"name": "", "arguments": call.arguments[half:]}, "index": 0}
        yield {"content": "", "tool_calls": [head]}, call.tokens
        yield {"content": "", "tool_calls": [tail]}, 0
    else:
        for place, call in enumerate(calls):
            yield {"content": "", "tool_calls": [_call(call, place, shape)]}, call.tokens


def _fragments(call: Call, position: int, shape: Shape) -> Iterator[dict[str, Any]]:
    kind = {"type": "function"} if shape.third_party else {}
    yield {"id": call.id, **kind, "function": {"name": call.name, "arguments": ""}, "index": position}
    for number, start in enumerate(range(0, len(call.arguments), FRAGMENT_CHARS)):
        piece = call.arguments[start : start + FRAGMENT_CHARS]
        # Later fragments of native models have no id, or the string "null" for one.
        unnamed = {"id": "null"} if number % 2 and not shape.third_party else {}
        yield {**unnamed, **kind, "function": {"name": "", "arguments": piece}, "index": position}


class _Writer:
    """Writes the chunks of one stream; the padding's length follows from the place in it, so a replay is identical."""

    def __init__(self, envelope: Envelope, shape: Shape) -> None:
        # All chunks begin alike, and an answer has a hundred of them.
        head = {"id": envelope.id, "object": "chat.completion.chunk", "created": envelope.created}
        self._head = b"data: " + _encode({**head, "model": envelope.model}).removesuffix(b"}") + b","
        self._written = 0
        self._padded = shape.padded and not shape.third_party
        self._indexed = shape.third_party
        self._nulls = {name: None for name in shape.nulls if name != "prompt_logprobs"}

    def frame(
        self,
        index: int,
        delta: dict[str, Any],
        tokens: int,
        *,
        finish: str | None = None,
        usage: dict[str, Any] | None = None,
    ) -> Frame:
        if self._indexed and self._written:
            delta = {**delta, "index": index}
        choice = {"index": index, "delta": delta, "finish_reason": finish, **self._nulls}
        return self.write({"choices": [choice]} if usage is None else {"choices": [choice], "usage": usage}, tokens)

    def write(self, chunk: dict[str, Any], tokens: int) -> Frame:
        if self._written and self._padded:
            chunk["p"] = PADDING[: 1 + self._written * 7 % len(PADDING)]
        self._written += 1
        return Frame(self._head + _encode(chunk).removeprefix(b"{") + b"\n\n", tokens)


def _call(call: Call, place: int, shape: Shape) -> dict[str, Any]:
    kind = {"type": "function"} if shape.typed_calls else {}
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, **kind, "function": function, "index": place}


def _content(answer: Answer) -> str | list[dict[str, Any]]:
    if not answer.thoughts:
        return answer.text
    thought = "".join(part.text for part in answer.thoughts)
    return [_thought(thought, closed=True), {"type": "text", "text": answer.text}]


def _thought(text: str, *, closed: bool | None) -> dict[str, Any]:
    thinking = [{"type": "text", "text": text}] if text else []
    chunk: dict[str, Any] = {"type": "thinking", "thinking": thinking}
    return chunk if closed is None else {**chunk, "closed": closed}
