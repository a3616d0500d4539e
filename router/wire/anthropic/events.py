"""A stream of chat chunks as Anthropic's events: one block after the other, each begun and ended.

Thoughts and text go out as they come. Tool calls are kept until the end: their fragments may be mixed, blocks must not
be, and the SDK raises for arguments that are no JSON. Mistral's own models send calls whole at the end anyway. A `ping`
goes out for each fragment that is kept, so that nobody takes the stream for dead.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.errors import RouterError
from router.wire.anthropic.blocks import SIGNATURE
from router.wire.anthropic.output import opening, stop_reason, tool_use, usage
from router.wire.anthropic.prefill import Prefill
from router.wire.anthropic.refusal import error_object


class Events:
    """One stream's state; every verb returns frames."""

    def __init__(self, *, prefill: str, thoughts_shown: bool) -> None:
        self._prefill = Prefill(prefill)
        self._thoughts_shown = thoughts_shown
        self._id = ""
        self._open: str | None = None  # the type of the block that is begun
        self._index = -1  # of the last block that was begun
        self._calls: dict[int, dict[str, Any]] = {}

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """The frames for what a chunk adds."""
        frames = self._begin(chunk)
        for choice in chunk["choices"]:
            delta = choice["delta"]
            frames += self._think(delta.get("reasoning_content") or "")
            frames += self._say(self._prefill.feed(delta.get("content") or ""))
            for call in delta.get("tool_calls") or ():
                if isinstance(call, dict):
                    self._keep(call)
                    frames += event("ping")
        return frames

    def end(self, chunks: list[dict[str, Any]]) -> bytes:
        """The frames that say the calls, why it stopped and what it used."""
        finish, used, router = None, None, None
        for chunk in chunks:
            for choice in chunk["choices"]:
                finish = choice.get("finish_reason") or finish
            used = chunk.get("usage") or used
            router = chunk.get("router") or router
        frames = self._begin(chunks[0]) + self._say(self._prefill.rest()) + self._close()
        for index, at in enumerate(sorted(self._calls)):
            frames += self._call(tool_use(self._calls[at], self._id, index))
        stopped = {"stop_reason": stop_reason(finish, called=bool(self._calls)), "stop_sequence": None}
        told = {"router": router} if router is not None else {}
        return frames + event("message_delta", delta=stopped, usage=usage(used), **told) + event("message_stop")

    def _begin(self, chunk: dict[str, Any]) -> bytes:
        if self._id:
            return b""
        message = opening(chunk)
        self._id = message["id"]
        return event("message_start", message=message) + event("ping")

    def _think(self, thought: str) -> bytes:
        if not thought:
            return b""
        frames = self._block({"type": "thinking", "thinking": "", "signature": ""})
        return frames + self._delta("thinking_delta", thinking=thought) if self._thoughts_shown else frames

    def _say(self, text: str) -> bytes:
        if not text:
            return b""
        return self._block({"type": "text", "text": ""}) + self._delta("text_delta", text=text)

    def _call(self, block: dict[str, Any]) -> bytes:
        written = msgspec.json.encode(block["input"]).decode()
        return (
            self._block({**block, "input": {}}) + self._delta("input_json_delta", partial_json=written) + self._close()
        )

    def _keep(self, call: dict[str, Any]) -> None:
        """Join a fragment to its call, the first of which brings id and name."""
        function = call.get("function") or {}
        kept = self._calls.setdefault(call["index"], {"id": None, "function": {"name": "", "arguments": ""}})
        kept["id"] = kept["id"] or call.get("id")
        kept["function"]["name"] = kept["function"]["name"] or function.get("name") or ""
        written = function.get("arguments") or ""
        text = written if isinstance(written, str) else msgspec.json.encode(written).decode()
        kept["function"]["arguments"] += text

    def _block(self, block: dict[str, Any]) -> bytes:
        """Begin a block, unless one of its type is begun."""
        if self._open == block["type"]:
            return b""
        frames = self._close()
        self._open = block["type"]
        self._index += 1
        return frames + event("content_block_start", index=self._index, content_block=block)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        signed = self._delta("signature_delta", signature=SIGNATURE) if self._open == "thinking" else b""
        self._open = None
        return signed + event("content_block_stop", index=self._index)

    def _delta(self, kind: str, **fields: str) -> bytes:
        return event("content_block_delta", index=self._index, delta={"type": kind, **fields})


def event(kind: str, **fields: Any) -> bytes:
    """One event as it is sent: its type stands in the line and in the data."""
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode({"type": kind, **fields}) + b"\n\n"


def broken(error: RouterError) -> bytes:
    """The frame that says a stream broke off. There is no `message_stop` behind it."""
    return event("error", error=error_object(error))
