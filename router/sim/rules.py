"""What well-formed messages must still obey: their order, the pairing of calls and results, what a model can take.

The rules and their wording follow the vendor's open-source validator, which is what the server reports (mistral-common
1.13, 2026-11). They differ by tokenizer generation; where the server was seen to differ too, `Profile` says how.
"""

import itertools
import re
from typing import Any, Final

from router.sim import errors
from router.sim.catalog import Model
from router.sim.profiles import RULES, Profile, Rules
from router.sim.tokens import kind_of
from router.sim.tooling import check_name, check_settings, check_tools

STRICT_ID: Final = re.compile(r"[a-zA-Z0-9]{9}")
FOLLOWERS: Final = {
    "system": ("user", "assistant", "system"),
    "user": ("assistant", "system", "user"),
    "assistant": ("assistant", "user", "tool"),
    "tool": ("assistant", "tool", "user"),
}
MEDIA: Final = {"image_url": "vision", "input_audio": "audio"}
Message = dict[str, Any]


def check_chat(body: dict[str, Any], model: Model, profile: Profile) -> None:
    rules = RULES[profile.tokenizer_of(model)]
    messages = body["messages"]
    _check_structure(messages, profile)
    if rules.paired_by_id:
        _check_pairing(messages)
    else:
        _check_counts(messages)
    for index, message in enumerate(messages):
        _check_chunks(message, _allowed_chunks(message["role"], model, rules, profile))
        if message["role"] == "assistant":
            _check_assistant(message, rules, is_last=index == len(messages) - 1)
        elif message["role"] == "tool":
            _check_result(message, rules)
    check_tools(body, model)
    check_settings(body, model, rules)


def _check_structure(messages: list[Message], profile: Profile) -> None:
    if not messages:
        raise errors.wrong_order("Conversation must have at least one message")
    last = messages[-1]
    if len(messages) == 1 and last["role"] not in ("user", "system"):
        raise errors.wrong_order("Conversation must start with a user message or system message")
    if len(messages) > 1 and last["role"] == "assistant" and not last.get("prefix"):
        message = "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
        raise errors.wrong_order(message)
    for earlier, later in itertools.pairwise(messages):
        before, after = earlier["role"], later["role"]
        if after not in FOLLOWERS[before] or (before == "tool" and after == "user" and not profile.user_after_tool):
            raise errors.wrong_order(f"Unexpected role '{after}' after role '{before}'")


def _check_pairing(messages: list[Message]) -> None:
    expected: set[str] = set()
    answered: set[str] = set()
    # The vendor's validator does not look at the first message here; histories cut at their front depend on it.
    for message in messages[1:]:
        if message["role"] == "tool":
            call_id = message.get("tool_call_id") or ""
            if call_id in answered:
                raise errors.wrong_order(f"Duplicate tool call id {call_id} in tool results")
            if call_id and call_id not in expected:
                raise errors.wrong_order(f"Unexpected tool call id {call_id} in tool results")
            answered.add(call_id)
        elif message["role"] == "assistant":
            if len(expected) != len(answered):
                raise errors.wrong_order("Not the same number of function calls and responses")
            expected, answered = set(), set()
            for call in message.get("tool_calls") or []:
                call_id = call.get("id", "null")
                if call_id in expected:
                    raise errors.wrong_order(f"Duplicate tool call id {call_id} in assistant message")
                expected.add(call_id)
    if len(expected) != len(answered):
        raise errors.wrong_order("Not the same number of function calls and responses")


def _check_counts(messages: list[Message]) -> None:
    """The early generations count results, whatever their ids say."""
    open_calls = 0
    for message in messages[1:]:
        if message["role"] == "tool":
            open_calls -= 1
        elif message["role"] == "assistant":
            if open_calls:
                raise errors.wrong_order("Not the same number of function calls and responses")
            open_calls = len(message.get("tool_calls") or [])
    if open_calls:
        raise errors.wrong_order("Not the same number of function calls and responses")


def _check_chunks(message: Message, allowed: set[str]) -> None:
    content = message.get("content")
    kinds = {chunk.get("type") or kind_of(chunk) for chunk in content} if isinstance(content, list) else set()
    if unexpected := sorted(kinds - allowed):
        raise errors.wrong_request(f"Unexpected content chunk types in {message['role']} message: {unexpected}")


def _allowed_chunks(role: str, model: Model, rules: Rules, profile: Profile) -> set[str]:
    if profile.text_only:
        return {"text"}
    match role:
        case "system":
            return {"text", "thinking"} if rules.thoughts_in_system else {"text"}
        case "assistant":
            return {"text", "reference"} | ({"thinking"} if model.can("reasoning") else set())
        case "tool" if not rules.media_in_results:
            return {"text"}
        case _:
            media = {kind for kind, ability in MEDIA.items() if ability in model.abilities}
            return {"text", "document_url", "file", "reference"} | media


def _check_assistant(message: Message, rules: Rules, *, is_last: bool) -> None:
    calls = message.get("tool_calls") or []
    has_content = bool(message.get("content"))
    if has_content == bool(calls) and not (calls and rules.content_beside_calls):
        raise errors.wrong_assistant("Assistant message must have either content or tool_calls, but not both.")
    if message.get("prefix") and not is_last:
        raise errors.wrong_assistant("Assistant message with prefix True must be last message")
    for call in calls:
        _check_call_id(call.get("id", "null"), rules)
        check_name(call["function"]["name"])


def _check_result(message: Message, rules: Rules) -> None:
    if message.get("name") is not None:
        check_name(message["name"])
    call_id = message.get("tool_call_id")
    if call_id is None:
        raise errors.wrong_call("Tool call id has to be defined.")
    _check_call_id(call_id, rules)


def _check_call_id(call_id: str, rules: Rules) -> None:
    if call_id == "null":
        raise errors.wrong_call("Tool call id has to be defined in serving mode.")
    if rules.nine_letter_ids and not STRICT_ID.fullmatch(call_id):
        raise errors.wrong_call(f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9.")
    if not call_id:
        message = "Tool call id must be a non-empty string other than 'null' for tokenizer version 13 or newer."
        raise errors.wrong_call(message)
