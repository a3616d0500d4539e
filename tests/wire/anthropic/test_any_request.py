"""Requests of any kind: each becomes one that Mistral takes, or is refused at a place that the app can find."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import (
    MistralRequestValidatorV5,
    MistralRequestValidatorV13,
    ValidationMode,
)

from router.errors import BadRequest
from router.wire.anthropic.format import MESSAGES
from router.wire.body import mistral_body
from router.wire.reading import Bounds
from tests.wire.anthropic.asked import HI, TOOL, Body, encoded, result, text, use
from tests.wire.test_chat import ALLOWED, ALLOWED_IN_MESSAGES

VALIDATORS = [
    MistralRequestValidatorV5(ValidationMode.serving),
    MistralRequestValidatorV13(ValidationMode.serving),
]
IDS = st.sampled_from(["aaaaaaaaa", "toolu_01", "toolu_02", ""])
SAID = st.sampled_from(["hi", "", "é\n"])
TEXTS = st.builds(text, SAID)
RESULTS = st.builds(
    lambda call_id, content, failed: result(call_id, content, is_error=failed),
    *(IDS, st.one_of(SAID, st.lists(TEXTS, max_size=2)), st.sampled_from([None, True])),
)
BLOCKS = st.one_of(
    TEXTS,
    RESULTS,
    st.builds(use, IDS),
    st.builds(lambda said: {"type": "thinking", "thinking": said, "signature": "x"}, SAID),
    st.just({"type": "redacted_thinking", "data": "x"}),
    st.just({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
)
TURNS = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant", "user", "assistant", "system"]),
    st.one_of(SAID, st.lists(BLOCKS, max_size=4)),
)
# Any JSON, with a leaning to what the fields are called.
NAMES = st.sampled_from(["type", "text", "role", "content", "source", "name", "input", "schema", "data", "x"])
WORDS = st.sampled_from(["text", "image", "tool_use", "tool_result", "user", "assistant", "base64", "json_schema", ""])
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(-2, 2), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("messages", "system", "tools", "tool_choice", "thinking", "output_config", "output_format", "metadata"),
        *("stop_sequences", "temperature", "top_p", "top_k", "stream", "max_tokens", "model", "mcp_servers", "thread"),
    ]
)


def steps(place: str) -> list[str | int]:
    """A place, step by step; a pointer into a schema ends it as a step that is not looked into."""
    found = re.findall(r"([\w-]+)|\[(\d+)\]", place.partition("/")[0])
    return [int(index) if index else name for name, index in found]


def can_be_found(place: str, body: Any) -> bool:
    """Whether the app finds the place in what it sent; the last step may be what is missing."""
    *way, last = steps(place)
    for step in way:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(last, str) or (isinstance(body, list) and last < len(body))


def read_or_refused(**fields: Any) -> Body | None:
    """The body for Mistral; None when it was refused at a place that is there."""
    sent = encoded(**fields)
    try:
        request, _ = MESSAGES.read(sent, Bounds())
    except BadRequest as error:
        refused = error
    else:
        body: Body = json.loads(mistral_body(request, model="m", max_tokens=9, reasons=False))
        assert body.keys() <= ALLOWED
        assert all(message.keys() <= ALLOWED_IN_MESSAGES for message in body["messages"])
        return body
    assert refused.param is not None
    assert can_be_found(refused.param, json.loads(sent)), (refused.param, refused.message)
    # The message names it as well, at least the thing whose field it is.
    assert re.sub(r"\.?\w+\Z", "", refused.param.partition("/")[0]) in refused.message
    return None


@given(st.lists(TURNS, max_size=6), st.sampled_from([None, "Be brief.", [text("a"), text("b")]]))
def test_what_is_let_pass_the_vendors_own_validators_accept(turns: list[Body], system: Any) -> None:
    body = read_or_refused(messages=[HI, *turns], system=system, tools=[TOOL])
    if body is None:
        return
    known = {name: body[name] for name in ("messages", "tools", "model")}
    request = ChatCompletionRequest.model_validate(known)
    for validator in VALIDATORS:
        validator.validate_request(request)


@given(st.dictionaries(FIELDS, ANY, max_size=5))
def test_any_json_is_read_or_refused_with_its_place(fields: Body) -> None:
    read_or_refused(**fields)


@given(st.lists(ANY, min_size=1, max_size=3), ANY, st.sampled_from(["messages", "tools", "system"]))
def test_any_objects_in_lists_are_read_or_refused_with_their_place(items: list[Any], content: Any, field: str) -> None:
    read_or_refused(**{field: items})
    read_or_refused(messages=[{"role": "user", "content": [content]}])
    read_or_refused(messages=[{"role": "assistant", "content": [content]}, {"role": "user", "content": content}])
