"""What the router refuses, Mistral would refuse too; and where the router is stricter, it is so for a reason."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.contract.asking import as_json, request
from tests.contract.judge import CHAT, Reader, problems_of
from tests.contract.renaming import renamed
from tests.pages import ROUTER

Body = dict[str, Any]

USER = {"role": "user", "content": "hi"}
CALL = {"id": "a", "function": {"name": "a", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": ""}
TOOL = {"type": "function", "function": {"name": "a", "parameters": {"type": "object", "properties": {}}}}


def said(*messages: Any) -> Body:
    return {"messages": list(messages)}


def content(role: str, *parts: Any) -> Body:
    return said(USER, {"role": role, "content": list(parts)}, USER)


# A request for every refusal that is Mistral's own, and what the judge says of it.
SHARED: list[tuple[str, Body, str]] = [
    ("empty_messages", said(), "last role"),
    ("unknown_role", said({"role": "model", "content": "x"}), "messages.0.role"),
    ("last_message_role", said(USER, {"role": "assistant", "content": "x"}), "last role"),
    ("last_message_role", said({"role": "system", "content": "x"}), "last role"),
    ("tool_call_pairing", said(USER, CALLED, USER), "Not the same number of function calls"),
    ("tool_call_pairing", said(CALLED, USER), "call without its result"),
    ("tool_call_pairing", said(USER, RESULT), "Unexpected role 'tool'"),
    ("tool_call_pairing", said(USER, CALLED, {**RESULT, "tool_call_id": "b"}), "Unexpected tool call id"),
    ("tool_call_pairing", said(USER, CALLED, RESULT, RESULT), "Duplicate tool call id"),
    ("tool_call_pairing", said(USER, CALLED, {**RESULT, "tool_call_id": None}), "nine alphanumerics"),
    ("tool_call_pairing", said(USER, {**CALLED, "tool_calls": [CALL, CALL]}, RESULT), "Duplicate tool call id"),
    ("tool_call_pairing", said(USER, {"role": "function", "name": "a", "content": "x"}), "Unexpected role 'tool'"),
    ("empty_content", said({"role": "system", "content": None}, USER), "messages.0"),
    ("invalid_content", content("user", {"type": "text"}), "messages.1"),
    ("invalid_content", content("user", {"type": "image_url", "image_url": {"url": 7}}), "messages.1"),
    ("invalid_content", content("user", {"type": "image_url", "image_url": {"url": "u", "detail": "x"}}), "messages.1"),
    ("invalid_content", content("user", {"type": "file", "file_id": "file-abc"}), "messages.1"),
    ("invalid_content", content("user", {"type": "thinking", "thinking": []}), "ThinkChunk cannot be used in user"),
    ("invalid_content", content("assistant", {"type": "image_url", "image_url": "u"}), "ImageURLChunk cannot be used"),
    ("invalid_content", content("system", {"type": "image_url", "image_url": "u"}), "messages.1"),
    ("unsupported_content", content("user", {"type": "video_url", "video_url": "u"}), "messages.1"),
    ("invalid_function_name", {"tools": [{"type": "function", "function": {"name": "a.b"}}]}, "Function name was"),
    (
        "invalid_function_name",
        said(USER, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "", "arguments": "{}"}}]}, RESULT),
        "Function name was",
    ),
    ("unsupported_tool_type", {"tools": [{"type": "web_search"}]}, "tools"),
    ("tool_choice_without_tools", {"tool_choice": "any"}, "tool_choice: only allowed with tools"),
    ("unknown_tool", {"tools": [TOOL], "tool_choice": {"function": {"name": "b"}}}, "is not among the tools"),
    ("invalid_tool_choice", {"tools": [TOOL], "tool_choice": "always"}, "tool_choice"),
    ("invalid_response_format", {"response_format": {"type": "json_schema"}}, "must define the schema"),
    ("invalid_response_format", {"response_format": {"type": "xml"}}, "response_format.type"),
    ("invalid_value", {"temperature": 2.1}, "temperature"),
    ("invalid_value", {"top_p": 1.1}, "top_p"),
    ("invalid_value", {"presence_penalty": -2.1}, "presence_penalty"),
    ("invalid_value", {"n": 0}, "n: "),
    ("invalid_value", {"n": 2, "prediction": {"type": "content", "content": "x"}}, "n: not with prediction"),
    ("invalid_value", {"max_completion_tokens": -1}, "max_tokens"),
    ("invalid_value", {"reasoning_effort": "ultra"}, "reasoning_effort"),
    ("invalid_value", {"guardrails": [{"surprise": 1}]}, "guardrails"),
    ("invalid_value", {"prediction": {"type": "content", "content": 7}}, "prediction"),
    ("invalid_type", {"temperature": "hot"}, "temperature"),
    ("missing_field", {"tools": [{"type": "function", "function": {}}]}, "tools"),
]  # fmt: skip

# Refusals, or places of them, that are the router's own.
OWN: dict[str, str] = {
    "invalid_json": "there is no request to judge",
    "nested_too_deeply": "a bound: parsers fall over deep nesting",
    "too_many_messages": "a bound on work: one request must not hold up the others",
    "too_many_tools": "a bound that the operator sets, at most Mistral's 128",
    "invalid_type stream_options": "OpenAI's own field, which is read here and not sent",
    "invalid_value n": "a bound: each of the answers is reserved and paid for",
    "invalid_value model": "a bound on what is echoed and recorded; a model is chosen later",
    "invalid_value max_tokens": "0 buys no answer, yet its prompt is billed",
    "invalid_value metadata.tags": "the router's own field",
    "invalid_value prediction.content": "Mistral takes a prediction of nothing for none; here it is a mistake",
    "empty_content": "Mistral takes null from a user; a turn that says nothing is a mistake, and billed",
    "schema_external_ref": "Mistral sends the reference to the model as text, which cannot follow it",
    "schema_unresolved_ref": "the same: the model cannot know what is meant",
    "schema_recursive": "references are put in place, and this one has no end",
    "schema_unsupported": "the schema cannot be said in the profile that the model reads",
    "schema_too_large": "a bound: references put in place can grow without end",
    "invalid_schema": "a walk over the schema finds more than the vendor's check of the top",
}


def refusal_of(fields: Body) -> BadRequest | None:
    try:
        parse_chat(as_json({"model": "auto", "messages": [USER], **fields}), Bounds())
    except BadRequest as caught:
        return caught
    return None


@pytest.mark.parametrize(("code", "fields", "said"), SHARED, ids=[f"{code} {said}" for code, _, said in SHARED])
def test_a_refusal_is_mistrals_own(code: str, fields: Body, said: str) -> None:
    refusal = refusal_of(fields)
    assert refusal is not None
    assert refusal.code == code
    judged = problems_of(CHAT, renamed({"model": "auto", "messages": [USER], **fields}))
    assert re.search(re.escape(said), "\n".join(judged)), judged


def test_every_refusal_is_mistrals_or_has_its_reason() -> None:
    codes = set()
    others = {"fim.py", "texts.py"}  # are about no conversation
    for path in (path for path in (ROUTER / "wire").glob("*.py") if path.name not in others):
        codes |= set(re.findall(r"(?:code=|refusal\(\s*)\"([a-z_]+)\"", path.read_text()))
    assert codes == {code for code, _, _ in SHARED} | {name.split()[0] for name in OWN}


@settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(request(), st.sampled_from(Reader))
def test_what_is_refused_mistral_refuses_too(body: Body, reader: Reader) -> None:
    refusal = refusal_of(body)
    if refusal is None or refusal.code in OWN or f"{refusal.code} {refusal.param}" in OWN:
        return
    assert problems_of(CHAT, renamed(body), reader) != [], refusal
