"""A stream's chunks made whole: fragments of calls numbered, the end held back until it is the end.

Some streams say `finish_reason: "tool_calls"` before the last tool-call chunk has come, and clients that stop there
lose the call. So every finish is kept until the upstream's stream is over and goes out in one last chunk, with the
usage.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.wire.answer import flatten, said_in
from router.wire.chat import Dialect

_decode = msgspec.json.Decoder()


class Chunks:
    """One stream's state. `model` is the one that really answers; `said` is its text so far, calls' arguments too."""

    def __init__(self, *, model: str, dialect: Dialect) -> None:
        self.model = model
        self.dialect = dialect
        self.usage: Any = None
        self.finishes: dict[int, str] = {}
        self.has_content = False
        self.said: list[str] = []
        self._head: dict[str, Any] = {}
        self._begun: set[int] = set()
        self._calls: dict[tuple[int, int], str | None] = {}

    @property
    def finished(self) -> bool:
        """Whether every answer that began has said how it ended."""
        return bool(self.finishes) and self._begun <= self.finishes.keys()

    @property
    def complete(self) -> bool:
        """Whether all was said, the closing line aside: a finish alone may come before the last tool call."""
        return self.finished and self.usage is not None

    @property
    def in_error(self) -> bool:
        return "error" in self.finishes.values()

    def feed(self, data: bytes) -> dict[str, Any] | None:
        """The chunk to pass on, or None when it only ended something. Raises ValueError for what is not a chunk."""
        try:
            chunk = _decode.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        if not isinstance(chunk, dict) or not isinstance(chunk.get("choices"), list):
            raise ValueError("not a chunk")
        chunk.pop("p", None)  # padding against guessing by length; Mistral's since 2025-08-27
        usage = chunk.pop("usage", None)
        if usage is not None:
            self.usage = usage
        chunk["model"] = self.model
        if not self._head:
            self._head = {name: chunk[name] for name in ("id", "object", "created", "model") if name in chunk}
        chunk["choices"] = [choice for choice in chunk["choices"] if isinstance(choice, dict) and self._choice(choice)]
        return chunk if chunk["choices"] else None

    def _choice(self, choice: dict[str, Any]) -> bool:
        """Whether anything is left to pass on once the finish is kept back."""
        index = _number(choice.setdefault("index", 0))
        self._begun.add(index)
        finish = choice.get("finish_reason")
        if finish is not None:
            self.finishes[index] = finish
            choice["finish_reason"] = None
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            return False
        if self.dialect is Dialect.OPENAI:
            flatten(delta)
        calls = [call for call in _list(delta.get("tool_calls")) if isinstance(call, dict)]
        for position, call in enumerate(calls):
            self._call(index, position, call)
        self.said += said_in(delta)
        content = delta.get("content") or delta.get("reasoning_content") or calls
        self.has_content = self.has_content or bool(content)
        return bool(content) or "role" in delta

    def _call(self, choice: int, position: int, call: dict[str, Any]) -> None:
        at = _number(call.setdefault("index", position))
        if call.get("id") in (None, "", "null"):  # fragments of a call come without, or with the string "null"
            call.pop("id", None)
        if (choice, at) not in self._calls:
            self._calls[choice, at] = call.get("id")
            call["type"] = "function"
        else:
            self._fragment(call, self._calls[choice, at])

    def _fragment(self, call: dict[str, Any], call_id: str | None) -> None:
        """A later part of a call. OpenAI's SDK would append an id or a name that came again; LangChain's class for
        Mistral makes up an id where there is none, and Mistral's SDK raises where there is no name (2026-11)."""
        call.pop("id", None)
        function = call.get("function")
        if isinstance(function, dict) and not function.get("name"):
            function.pop("name", None)
            if self.dialect is Dialect.MISTRAL:
                function["name"] = ""
        if self.dialect is Dialect.MISTRAL and call_id is not None:
            call["id"] = call_id

    def last(self, *, usage: dict[str, Any] | None, router: Any, apart: bool) -> list[dict[str, Any]]:
        """The chunks that end the stream: every choice's finish, the usage, what the router did. `apart` sends usage
        in a chunk without choices, as OpenAI does when `stream_options.include_usage` is set."""
        ends = [
            {"index": index, "delta": {}, "finish_reason": finish} for index, finish in sorted(self.finishes.items())
        ]
        tail = {"usage": usage, "router": router}
        if apart:
            return [{**self._head, "choices": ends}, {**self._head, "choices": [], **tail}]
        return [{**self._head, "choices": ends, **tail}]


def _number(index: Any) -> int:
    if not isinstance(index, int):
        raise ValueError(f"{index!r} is not an index")
    return index


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
