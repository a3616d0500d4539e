"""A chat request with OpenAI's names put into Mistral's, and nothing mended: what a thin adapter would send.

Independent of the router, whose refusals are held against what becomes of this.
"""

from __future__ import annotations

import hashlib
from typing import Any

from tests.contract.contract import from_the_file

Body = dict[str, Any]

EFFORTS = {"minimal": "none", "low": "none", "medium": "high", "xhigh": "high", "max": "high"}
RENAMED = {"max_completion_tokens": "max_tokens", "seed": "random_seed", "function_call": "tool_choice"}
# Of the fields that were added since, those that mean nothing else to OpenAI's clients.
ADDED = ("min_tokens", "top_k", "repetition_penalty")
# Lists that may be left out when nothing is in them.
EMPTIED = ("tools", "stop", "guardrails")
# What an app may write in a part of each type, and what Mistral's schema calls it.
SCHEMAS = {
    "text": "TextChunk",
    "image_url": "ImageURLChunk",
    "document_url": "DocumentURLChunk",
    "file": "FileChunk",
    "input_audio": "AudioChunk",
    "reference": "ReferenceChunk",
    "thinking": "ThinkChunk",
}


def renamed(raw: Body) -> Body:
    given = {name: value for name, value in raw.items() if value is not None}
    # A field under both its names cannot be sent as one.
    twice = {name: given.pop(name) for name, other in RENAMED.items() if name in given and other in given}
    body = {RENAMED.get(name, name): value for name, value in given.items()}
    if "functions" in body:
        body["tools"] = [*(body.get("tools") or []), *({"function": given} for given in _list(body["functions"]))]
    if isinstance(body.get("reasoning_effort"), str):
        body["reasoning_effort"] = EFFORTS.get(body["reasoning_effort"], body["reasoning_effort"])
    if isinstance(body.get("tool_choice"), dict) and "name" in body["tool_choice"]:
        body["tool_choice"] = {"function": {"name": body["tool_choice"]["name"]}}
    if isinstance(body.get("messages"), list):
        body["messages"] = [_message(given) for given in body["messages"]]
    if isinstance(body.get("tools"), list):
        body["tools"] = [_tool(given) for given in body["tools"]]
    kept = _only("ChatCompletionRequest", body) | twice
    return {name: value for name, value in kept.items() if value != [] or name not in EMPTIED}


def _message(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return raw
    role = {"developer": "system", "function": "tool"}.get(str(raw.get("role")), raw.get("role"))
    message = {name: value for name, value in raw.items() if value is not None} | {"role": role}
    if isinstance(raw.get("function_call"), dict):
        message["tool_calls"] = [{"id": "functions", "function": raw["function_call"]}]
    if raw.get("role") == "function":
        message["tool_call_id"] = "functions"
    if role == "tool":
        message.setdefault("content", "")
    if isinstance(message.get("content"), list):
        message["content"] = [_part(part) for part in message["content"]]
    if isinstance(message.get("tool_calls"), list):
        message["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    if isinstance(message.get("tool_call_id"), str):
        message["tool_call_id"] = _id(message["tool_call_id"])
    names = {"system": "SystemMessage", "user": "UserMessage", "assistant": "AssistantMessage", "tool": "ToolMessage"}
    return _only(names[role], message) if isinstance(role, str) and role in names else message


def _part(raw: Any) -> Any:
    if isinstance(raw, str):
        return {"type": "text", "text": raw}
    if not isinstance(raw, dict):
        return raw
    part = {name: value for name, value in raw.items() if value is not None}
    if part.get("type") == "refusal":
        return {"type": "text", "text": part.get("refusal", "")}
    if isinstance(part.get("input_audio"), dict):
        part["input_audio"] = part["input_audio"].get("data")
    if isinstance(part.get("file"), dict):
        part["file_id"] = part["file"].get("file_id")
    name = SCHEMAS.get(str(part.get("type")))
    return _only(name, part) if name else part


def _call(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return raw
    call = {name: value for name, value in raw.items() if value is not None}
    if isinstance(call.get("function"), dict):
        call["function"] = {
            "arguments": "{}",
            **{key: value for key, value in call["function"].items() if value is not None},
        }
    if isinstance(call.get("id"), str):
        call["id"] = _id(call["id"])
    return _only("ToolCall", call)


def _tool(raw: Any) -> Any:
    if not isinstance(raw, dict) or not isinstance(raw.get("function"), dict):
        return raw
    function = {name: value for name, value in raw["function"].items() if value is not None}
    return {**_only("Tool", raw), "function": {"parameters": {}, **_only("Function", function)}}


def _id(given: str) -> str:
    """Nine letters for any id, as long as there is one."""
    return given and hashlib.md5(given.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:9]


def _only(schema: str, given: Body) -> Body:
    known = from_the_file()["$defs"][schema]["properties"]
    return {name: value for name, value in given.items() if name in known or name in ADDED}


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
