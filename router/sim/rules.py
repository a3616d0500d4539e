"""What a well-formed chat request must still obey: order and pairing of messages, tool calls, tools, abilities of the
model.

The rules and messages follow the vendor's open-source validator, which is what the server reports (mistral-common 1.13,
2026-11). Where the server was seen to differ from it, `Profile` says which way it goes.
"""

import itertools
import re
from typing import Any, Final

import msgspec

from router.sim import errors
from router.sim.catalog import Model
from router.sim.fields import EFFORTS
from router.sim.tokens import kind_of

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
STRICT_ID: Final = re.compile(r"[a-zA-Z0-9]{9}")
FOLLOWERS: Final = {
    "system": ("user", "assistant", "system"),
    "user": ("assistant", "system", "user"),
    "assistant": ("assistant", "user", "tool"),
    "tool": ("assistant", "tool", "user"),
}
# A strict tool is compiled to a grammar, and these were seen to fail there (2025-08).
UNGRAMMATICAL: Final = ("$id", "$schema")
MEDIA: Final = {"image_url": "vision", "input_audio": "audio"}
DRAFT_7: Final = "http://json-schema.org/draft-07/schema#"
Message = dict[str, Any]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Where the API of today and that of the early models differ."""

    strict_ids: bool = False
    user_after_tool: bool = True
    plain_schemas_only: bool = False
    organization_headers: bool = True
    parallel_calls_on_small: bool = True
    early_finish: bool = False
    small_context: int | None = None
    large_context: int | None = None

    def context(self, model: Model) -> int:
        narrowed = self.small_context if model.is_small else self.large_context
        return min(model.context, narrowed or model.context)


PROFILES: Final = {
    "current": Profile(),
    "seed": Profile(
        strict_ids=True,
        user_after_tool=False,
        plain_schemas_only=True,
        organization_headers=False,
        parallel_calls_on_small=False,
        early_finish=True,
        small_context=8_192,
        large_context=32_768,
    ),
}


def check_chat(body: dict[str, Any], model: Model, profile: Profile) -> None:
    messages = body["messages"]
    _check_structure(messages, profile)
    _check_pairing(messages)
    for index, message in enumerate(messages):
        _check_message(message, model, profile, is_last=index == len(messages) - 1)
    _check_tools(body, model, profile)
    _check_settings(body, model)


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


def _check_message(message: Message, model: Model, profile: Profile, *, is_last: bool) -> None:
    role, content = message["role"], message.get("content")
    kinds = {chunk.get("type") or kind_of(chunk) for chunk in content} if isinstance(content, list) else set()
    allowed = _allowed_chunks(role, model)
    if unexpected := sorted(kinds - allowed):
        raise errors.wrong_request(f"Unexpected content chunk types in {role} message: {unexpected}")
    if role == "assistant":
        calls = message.get("tool_calls") or []
        if not content and not calls:
            raise errors.wrong_assistant("Assistant message must have either content or tool_calls, but not both.")
        if message.get("prefix") and not is_last:
            raise errors.wrong_assistant("Assistant message with prefix True must be last message")
        for call in calls:
            _check_call_id(call.get("id", "null"), profile)
            _check_name(call["function"]["name"])
    elif role == "tool":
        if message.get("name") is not None:
            _check_name(message["name"])
        call_id = message.get("tool_call_id")
        if call_id is None:
            raise errors.wrong_call("Tool call id has to be defined.")
        _check_call_id(call_id, profile)


def _allowed_chunks(role: str, model: Model) -> set[str]:
    match role:
        case "system":
            return {"text"} if model.tokenizer == "v15" else {"text", "thinking"}
        case "assistant":
            return {"text", "reference"} | ({"thinking"} if model.can("reasoning") else set())
        case "tool" if model.tokenizer == "v13":
            return {"text"}
        case _:
            media = {kind for kind, ability in MEDIA.items() if ability in model.abilities}
            return {"text", "document_url", "file", "reference"} | media


def _check_call_id(call_id: str, profile: Profile) -> None:
    if call_id == "null":
        raise errors.wrong_call("Tool call id has to be defined in serving mode.")
    if profile.strict_ids and not STRICT_ID.fullmatch(call_id):
        raise errors.wrong_call(f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9.")
    if not call_id:
        message = "Tool call id must be a non-empty string other than 'null' for tokenizer version 13 or newer."
        raise errors.wrong_call(message)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        reason = "must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64."
        raise errors.wrong_call(f"Function name was {name} but {reason}")


def _check_tools(body: dict[str, Any], model: Model, profile: Profile) -> None:
    tools = body.get("tools") or []
    choice = body.get("tool_choice", "auto")
    if not tools and "tool_choice" in body:
        raise errors.wrong_request("Tool choice is only allowed when tools are specified")
    if tools and not model.can("tools"):
        raise errors.wrong_request("Function calling is not enabled for this model")
    functions = [tool["function"] for tool in tools if "function" in tool]
    for function in functions:
        _check_name(function["name"])
        _check_schema(function, profile)
    if isinstance(choice, dict) and choice["function"]["name"] not in {function["name"] for function in functions}:
        raise errors.wrong_request(f"Tool {choice['function']['name']} in tool_choice is not among the tools")


def _check_schema(function: dict[str, Any], profile: Profile) -> None:
    schema = function["parameters"]
    if reason := _schema_fault(schema):
        raise errors.wrong_tool_schema(reason)
    if profile.plain_schemas_only and (keyword := _first_keyword(schema, ("additionalProperties", "$ref"))):
        raise errors.wrong_tool_schema(f"'{keyword}' is not supported")
    if function.get("strict") and (keyword := _first_keyword(schema, UNGRAMMATICAL)):
        reason = f"failed to compile JSON schema: Unimplemented keys: {keyword}"
        raise errors.wrong_request(f"Grammar error: at 3(11): {reason}")


def _schema_fault(schema: dict[str, Any]) -> str | None:
    """Why this is no Draft 7 schema: the vendor's validator knows no other draft, whatever the schema says."""
    # Imported here, because most requests carry no schema.
    import jsonschema_rs

    try:
        jsonschema_rs.meta.validate({**schema, "$schema": DRAFT_7})
    except jsonschema_rs.ValidationError as error:
        return str(error.message)
    return None


def _first_keyword(node: Any, keywords: tuple[str, ...]) -> str | None:
    if isinstance(node, dict):
        found = next((keyword for keyword in keywords if keyword in node), None)
        return found or next((inner for item in node.values() if (inner := _first_keyword(item, keywords))), None)
    if isinstance(node, list):
        return next((inner for item in node if (inner := _first_keyword(item, keywords))), None)
    return None


def _check_settings(body: dict[str, Any], model: Model) -> None:
    effort = body.get("reasoning_effort")
    # Native models know two efforts; the third-party ones know more.
    known = ("none", "high", None) if model.family == "mistral" else EFFORTS
    if effort is not None and not (model.can("reasoning") and effort in known):
        raise errors.wrong_request(f"reasoning_effort='{effort}' is not supported for this model")
    response_format = body.get("response_format") or {}
    if response_format.get("type") == "json_schema":
        wanted = response_format.get("json_schema")
        if not wanted:
            raise errors.wrong_request("response_format of type json_schema needs json_schema")
        if reason := _schema_fault(wanted["schema"]):
            raise errors.wrong_request(f"Invalid JSON schema: {reason}")
    if body.get("prediction", {}).get("content") and (body.get("n") or 1) > 1:
        raise errors.wrong_request("n > 1 is not supported together with prediction")
