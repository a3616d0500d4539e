"""A stream's chunks, told as the Responses API tells them: items that are added, grow and are done.

Thoughts and texts follow one another: each is done when another begins. Calls stay open until the stream's end, because
a fragment of an earlier call may come after a later one has begun, and what is done takes nothing more.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.errors import RouterError
from router.wire.responses.output import (
    MESSAGE,
    Asked,
    Form,
    Head,
    blank,
    call_item,
    called,
    head_of,
    item_id,
    part,
    response,
    status_of,
    text_item,
    thinking,
)
from router.wire.sse import frame


class _Text(msgspec.Struct, kw_only=True):
    form: Form
    id: str
    index: int
    pieces: list[str]


class _Call(msgspec.Struct, kw_only=True):
    id: str
    index: int
    call_id: str
    name: str
    pieces: list[str]


class Events:
    """One stream's state."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._head: Head | None = None
        self._events = 0
        self._items = 0
        self._text: _Text | None = None
        self._calls: dict[int, _Call] = {}
        self._done: dict[int, dict[str, Any]] = {}

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """The frames that a chunk comes to; the first one also opens the response."""
        head, frames = self._begin(chunk)
        for choice in chunk["choices"]:
            delta = choice.get("delta") or {}
            if thought := delta.get("reasoning_content"):
                frames += self._say(head, thinking(self.asked), thought)
            if text := delta.get("content"):
                frames += self._say(head, MESSAGE, text)
            for call in delta.get("tool_calls") or ():
                frames += self._call(head, call) if isinstance(call, dict) else []
        return b"".join(frames)

    def end(self, chunks: list[dict[str, Any]]) -> bytes:
        """The frames that close what is open and the response. `chunks` hold the finish, the usage and `router`."""
        head, frames = self._begin(chunks[0])
        finish = next((choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]), None)
        if not self._items:
            frames += self._open(head, MESSAGE)[1]  # apps look for a first item
        status = status_of(finish)
        unfinished: list[_Text | _Call] = [*([self._text] if self._text else []), *self._calls.values()]
        for item in sorted(unfinished, key=lambda item: item.index):
            last = item.index == self._items - 1  # what was cut short was cut at its end
            frames += self._close(item, status if last else "completed")
        body = response(
            self.asked,
            head,
            status=status,
            output=[item for _, item in sorted(self._done.items())],
            finish=finish,
            usage=next((chunk["usage"] for chunk in chunks if chunk.get("usage")), None),
            router=next((chunk["router"] for chunk in chunks if chunk.get("router") is not None), None),
        )
        frames.append(self._event(f"response.{status}", response=body))
        return b"".join(frames)

    def broken(self, error: RouterError) -> bytes:
        """The frame that says a stream broke off. OpenAI's type has the code and the message at the top, its SDKs raise
        for what stands under `error`, and other clients look there too."""
        told = error.told()
        top = {name: told[name] for name in ("code", "message", "param")}
        return self._event("error", **top, error=told)

    def _begin(self, chunk: dict[str, Any]) -> tuple[Head, list[bytes]]:
        if self._head is not None:
            return self._head, []
        self._head = head_of(chunk)
        body = response(self.asked, self._head, status="in_progress", output=[])
        kinds = ("response.created", "response.in_progress")
        return self._head, [self._event(kind, response=body) for kind in kinds]

    def _say(self, head: Head, form: Form, piece: str) -> list[bytes]:
        frames: list[bytes] = []
        text = self._text
        if text is None or text.form is not form:
            frames += self._close(text, "completed") if text else []
            text, opening = self._open(head, form)
            frames += opening
        text.pieces.append(piece)
        frames.append(self._event(f"{form.text_events}.delta", **_at(text), delta=piece, **blank(form.text_lists)))
        return frames

    def _open(self, head: Head, form: Form) -> tuple[_Text, list[bytes]]:
        index = self._next()
        text = self._text = _Text(form=form, id=item_id(form.prefix, head, index), index=index, pieces=[])
        item = text_item(form, text.id, [], "in_progress")
        return text, [
            self._event("response.output_item.added", output_index=index, item=item),
            self._event(f"{form.part_events}.added", **_at(text), part=part(form, "")),
        ]

    def _call(self, head: Head, fragment: dict[str, Any]) -> list[bytes]:
        frames: list[bytes] = []
        known = self._calls.get(fragment["index"])
        index = known.index if known else self._items
        call_id, name, arguments = called(fragment, head, index)
        if known is None:
            if self._text is not None:
                frames += self._close(self._text, "completed")
            known = _Call(id=item_id("fc", head, index), index=self._next(), call_id=call_id, name=name, pieces=[])
            self._calls[fragment["index"]] = known
            item = call_item(known.id, call_id, name, "", "in_progress")
            frames.append(self._event("response.output_item.added", output_index=index, item=item))
        if arguments:
            known.pieces.append(arguments)
            kind = "response.function_call_arguments.delta"
            frames.append(self._event(kind, item_id=known.id, output_index=index, delta=arguments))
        return frames

    def _close(self, item: _Text | _Call, status: str) -> list[bytes]:
        said = "".join(item.pieces)
        if isinstance(item, _Call):
            done = call_item(item.id, item.call_id, item.name, said, status)
            kind = "response.function_call_arguments.done"
            frames = [self._event(kind, item_id=item.id, output_index=item.index, arguments=said)]
        else:
            self._text, form = None, item.form
            whole_part = part(form, said)
            done = text_item(form, item.id, [whole_part], status)
            frames = [
                self._event(f"{form.text_events}.done", **_at(item), text=said, **blank(form.text_lists)),
                self._event(f"{form.part_events}.done", **_at(item), part=whole_part),
            ]
        self._done[item.index] = done
        return [*frames, self._event("response.output_item.done", output_index=item.index, item=done)]

    def _next(self) -> int:
        self._items += 1
        return self._items - 1

    def _event(self, kind: str, **fields: Any) -> bytes:
        data = {"type": kind, "sequence_number": self._events, **fields}
        self._events += 1
        return b"event: " + kind.encode() + b"\n" + frame(msgspec.json.encode(data))


def _at(text: _Text) -> dict[str, Any]:
    return {"item_id": text.id, "output_index": text.index, text.form.index_name: 0}
