"""Answers made whole for the caller: what Mistral returns, in the form that SDKs of either dialect understand.

What breaks widely used clients (recorded 2026-11 with one quirk at a time): tool calls without `type`, content as a
list of parts for OpenAI's SDKs, the padding field `p` in stream chunks. Unknown fields pass.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.wire.chat import ChatRequest, Dialect
from router.wire.fim import FimRequest
from router.wire.requests import AnyRequest
from router.wire.texts import EmbeddingsRequest, ModerationRequest

_decode = msgspec.json.Decoder()


def read_answer(request: AnyRequest, body: bytes) -> dict[str, Any] | None:
    """The answer object, with at least one of what was asked for: choices that hold a message, vectors, or findings.
    None when the body is not one."""
    try:
        answer = _decode.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    match request:
        case ChatRequest() | FimRequest():
            found, inner = answer.get("choices"), "message"
        case EmbeddingsRequest():
            found, inner = answer.get("data"), ""
        case ModerationRequest():
            found, inner = answer.get("results"), "categories"
    if not isinstance(found, list) or not found:
        return None
    fits = all(isinstance(entry, dict) and (not inner or isinstance(entry.get(inner), dict)) for entry in found)
    return answer if fits else None


def finished_in_error(answer: dict[str, Any]) -> bool:
    return any(choice.get("finish_reason") == "error" for choice in answer.get("choices", ()))


def complete_answer(answer: dict[str, Any], *, model: str, dialect: Dialect) -> None:
    """Mend `answer` in place. `model` is the one that really answered."""
    answer["model"] = model
    for index, choice in enumerate(answer.get("choices", ())):
        choice.setdefault("index", index)
        message = choice["message"]
        complete_calls(message.get("tool_calls"))
        if dialect is Dialect.OPENAI:
            flatten(message)
    for finding in answer.get("results", ()):  # OpenAI's SDK reads the verdict over all categories
        finding.setdefault("flagged", any(finding["categories"].values()))


def complete_calls(calls: Any) -> None:
    """`type` and `index` on every tool call that lacks them."""
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            call.setdefault("index", index)
            call["type"] = "function"


def said_in(message: dict[str, Any]) -> list[str]:
    """All that the model wrote in a message or a delta: thoughts, text, arguments of calls."""
    told = {"content": message.get("content"), "reasoning_content": message.get("reasoning_content")}
    if isinstance(told["content"], list):
        flatten(told)
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in (calls if isinstance(calls, list) else ()) if isinstance(call, dict)]
    texts = [
        told["reasoning_content"],
        told["content"],
        *(part.get("arguments") for part in functions if isinstance(part, dict)),
    ]
    return [text for text in texts if isinstance(text, str) and text]


def flatten(message: dict[str, Any]) -> None:
    """List content as a string, with what was thought in `reasoning_content`."""
    content = message.get("content")
    if not isinstance(content, list):
        return
    text, thought = [], []
    for part in content:
        if not isinstance(part, dict):
            text.append(str(part))
        elif part.get("type") == "thinking":
            inner = part.get("thinking")
            pieces = inner if isinstance(inner, list) else [inner]
            thought += [str(piece.get("text", "")) if isinstance(piece, dict) else str(piece or "") for piece in pieces]
        else:
            text.append(str(part.get("text", "")))
    message["content"] = "".join(text)
    if thought:
        message["reasoning_content"] = "".join(thought)
