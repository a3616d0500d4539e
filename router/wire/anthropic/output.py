"""An answer as Anthropic's message: content blocks, why it stopped, what it used."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from router.wire.anthropic.blocks import SIGNATURE
from router.wire.anthropic.prefill import Prefill
from router.wire.messages import short_id
from router.wire.usage import read_usage

# The key that Anthropic's guide to fine-grained tool streaming gives to arguments that are no JSON object (seen
# 2026-11). An empty input in their place would hide from the app, and from the model, what was said.
INVALID_JSON: Final = "INVALID_JSON"

# Mistral ends with `stop` at a stop sequence too and does not say which, so `stop_sequence` is never told.
_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "model_length": "model_context_window_exceeded",
}


def message(answer: dict[str, Any], *, prefill: str, thoughts_shown: bool) -> dict[str, Any]:
    """The message of a `chat.completion`. `cost` (USD) stands in its usage, `router` beside it when it is there."""
    said = answer["choices"][0]["message"]
    head = opening(answer)
    calls = [call for call in said.get("tool_calls") or () if isinstance(call, dict)]
    told = {
        **head,
        "content": content(said, calls, head["id"], prefill=Prefill(prefill), thoughts_shown=thoughts_shown),
        "stop_reason": stop_reason(answer["choices"][0].get("finish_reason"), called=bool(calls)),
        "usage": usage(answer.get("usage")),
    }
    return {**told, "router": answer["router"]} if answer.get("router") is not None else told


def opening(source: dict[str, Any]) -> dict[str, Any]:
    """A message before it says anything, from an answer or a stream's first chunk. Its id is made of theirs."""
    named = source.get("id") or hashlib.sha256(msgspec.json.encode(source)).hexdigest()[:32]
    return {
        "id": f"msg_{named}",
        "type": "message",
        "role": "assistant",
        "model": source.get("model") or "",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage(None),
    }


def content(
    said: dict[str, Any], calls: list[dict[str, Any]], message_id: str, *, prefill: Prefill, thoughts_shown: bool
) -> list[dict[str, Any]]:
    """The blocks of a flat message: what was thought, what was said, what is called."""
    blocks: list[dict[str, Any]] = []
    if thought := said.get("reasoning_content"):
        blocks.append({"type": "thinking", "thinking": thought if thoughts_shown else "", "signature": SIGNATURE})
    if text := prefill.feed(said.get("content") or "") + prefill.rest():
        blocks.append({"type": "text", "text": text})
    return blocks + [tool_use(call, message_id, index) for index, call in enumerate(calls)]


def tool_use(call: dict[str, Any], message_id: str, index: int) -> dict[str, Any]:
    """A call as a block. Its id is Mistral's, so that it comes back as it went; one without gets one of its place."""
    function = call.get("function") or {}
    return {
        "type": "tool_use",
        "id": call.get("id") or short_id(f"{message_id}[{index}]"),
        "name": function.get("name") or "",
        "input": arguments(function.get("arguments")),
    }


def arguments(written: Any) -> dict[str, Any]:
    """The arguments as an object. What is none stands whole under `INVALID_JSON`, for the tool to refuse."""
    if isinstance(written, dict):
        return written
    text = written if isinstance(written, str) else ""
    if not text.strip():
        return {}
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        read = None
    return read if isinstance(read, dict) else {INVALID_JSON: text}


def stop_reason(finish: Any, *, called: bool) -> str:
    """Why it stopped. Agents look here for whether to run tools, so a call is told whatever the upstream said, but
    for one that was cut off."""
    reason = _REASONS.get(finish, "end_turn") if isinstance(finish, str) else "end_turn"
    return "tool_use" if called and reason == "end_turn" else reason


def usage(raw: Any) -> dict[str, Any]:
    """Anthropic counts what came from the cache apart from the rest of the input. Zeros when it is not known."""
    read = read_usage(raw)
    told: dict[str, Any] = {
        "input_tokens": read.input_tokens - read.cached_tokens if read else 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": read.cached_tokens if read else 0,
        "output_tokens": read.output_tokens if read else 0,
    }
    if isinstance(raw, dict) and "cost" in raw:
        told["cost"] = raw["cost"]
    return told
