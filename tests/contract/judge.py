"""An independent judge of what is sent to Mistral: the vendor's schema, its own validators, and its documented rules.

Nothing here is the router's. A request passes when the contract (contract.py), the validators that the vendor's servers
report from (mistral-common), and the rules that stand in neither find no fault with it.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterator
from typing import Any

from mistral_common.exceptions import MistralCommonException
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode, get_validator
from mistral_common.tokens.tokenizers.base import TokenizerVersion

from tests.contract.contract import faults

CHAT = "/v1/chat/completions"
# What the validators know of a request; the rest is the schema's.
KNOWN = ("model", "messages", "response_format", "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort")
TOOLS_MAX = 128
ID = re.compile(r"[a-zA-Z0-9]{9}")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Body = dict[str, Any]


class Reader(enum.Enum):
    """Who is to read the request. Models that reason have tokenizer v15; the others may have either."""

    REASONS = (TokenizerVersion.v15,)
    OTHER = (TokenizerVersion.v13, TokenizerVersion.v15)


def problems_of(path: str, body: Any, reader: Reader = Reader.OTHER) -> list[str]:
    """What is wrong with a request; nothing when Mistral would take it."""
    found = faults(path, "request", body)
    if found or path != CHAT:
        return found  # a body of another shape has no meaning to judge
    return [*_refusals(body, reader), *_broken_rules(body, reader)]


def _refusals(body: Body, reader: Reader) -> Iterator[str]:
    """What the vendor's own validators say, each generation of tokenizers for itself."""
    known = {name: body[name] for name in KNOWN if name in body}
    known["messages"] = [_as_validated(message) for message in body["messages"]]
    for version in reader.value:
        try:
            request = ChatCompletionRequest.model_validate(known)
            get_validator(version, ValidationMode.serving).validate_request(request)
        except (ValueError, MistralCommonException) as error:
            yield f"{version.value}: {error}"


def _as_validated(message: Body) -> Body:
    """The message in the validators' own shape: they know fewer parts than the API, and write a thought as a string."""
    known = {name: value for name, value in message.items() if value is not None}
    if isinstance(message.get("content"), list):
        known["content"] = [_part_as_validated(part) for part in message["content"]]
    elif message["role"] in ("user", "tool"):
        known["content"] = message.get("content") or ""
    if message.get("tool_calls"):
        known["tool_calls"] = [
            {name: value for name, value in call.items() if name != "index"} for call in message["tool_calls"]
        ]
    return known


def _part_as_validated(part: Body) -> Body:
    match part["type"]:
        case "thinking":
            thought = "".join(piece.get("text", "") for piece in part["thinking"])
            return {"type": "thinking", "thinking": thought, "closed": part.get("closed", True)}
        case "document_url" | "file":  # read like images: by models that see, and in the same turns
            return {"type": "image_url", "image_url": "document"}
        case "reference":
            return {"type": "text", "text": ""}
        case _:
            return part


def _broken_rules(body: Body, reader: Reader) -> Iterator[str]:
    """Rules of the documentation and of recorded refusals that neither the schema nor the validators hold."""
    messages, tools, choice = body["messages"], body.get("tools"), body.get("tool_choice")
    names = [tool["function"]["name"] for tool in tools or ()]
    if tools == []:
        yield "tools: empty (refused as extra_forbidden)"
    if len(names) > TOOLS_MAX:
        yield f"tools: more than {TOOLS_MAX} (docs, function calling)"
    called = [call["function"]["name"] for message in messages for call in message.get("tool_calls") or ()]
    for name in (*names, *called):
        if not NAME.fullmatch(name):  # the validators' pattern lets a line end through
            yield f"function name {name!r} is not 1 to 64 letters, digits, underscores or dashes"
    if choice is not None and not tools:
        yield "tool_choice: only allowed with tools (400)"
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        yield f"tool_choice: {choice['function']['name']!r} is not among the tools"
    if body.get("top_p") == 0:
        yield "top_p: the range excludes 0"
    if (body.get("n") or 1) > 1 and body.get("prediction", {}).get("content"):
        yield "n: not with prediction"
    last = messages[-1] if messages else {"role": "nobody"}
    if last["role"] not in ("user", "tool") and not (last["role"] == "assistant" and last.get("prefix")):
        yield "messages: expected last role User or Tool (or Assistant with prefix True)"
    if messages[:1] and len(messages[0].get("tool_calls") or ()) > len(_results_behind(messages)):
        yield "messages.0: a call without its result (the validators skip the first message)"
    if messages[:1] and messages[0]["role"] == "tool":
        yield "messages.0: a result without its call (the same)"
    for index, (before, after) in enumerate(itertools.pairwise(messages)):
        if (before["role"], after["role"]) == ("tool", "user"):
            yield f"messages.{index + 1}: unexpected role user after role tool (code 3230, seen until 2026-06)"
    for index, message in enumerate(messages):
        yield from (f"messages.{index}: {fault}" for fault in _message_faults(message, reader))


def _results_behind(messages: list[Body]) -> list[Body]:
    return list(itertools.takewhile(lambda message: message["role"] == "tool", messages[1:]))


def _message_faults(message: Body, reader: Reader) -> Iterator[str]:
    """Ids of nine alphanumerics: only tokenizers before v13 ask for them, and refusals were seen until 2026-04."""
    calls = message.get("tool_calls") or ()
    ids = [call.get("id", "null") for call in calls]
    if message["role"] == "tool":
        ids.append(message.get("tool_call_id") or "")
    yield from (
        f"tool call id {found!r} is not nine alphanumerics (code 3280)" for found in ids if not ID.fullmatch(found)
    )
    content = message.get("content")
    if message["role"] == "assistant" and not content and not calls:
        yield "an assistant message must have content or tool_calls"
    if reader is Reader.OTHER and isinstance(content, list) and any(part["type"] == "thinking" for part in content):
        yield "thinking goes to models that reason alone (400 from others, seen 2026)"
