"""Whatever an app sends as a chat request: only what Mistral takes goes upstream, and refusals are in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import BadRequest
from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.wire.test_chat import ALLOWED, ALLOWED_IN_MESSAGES, DROPPED, TRANSLATED, USER, Body, upstream

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
CALL = {"id": "aaaaaaaaa", "type": "function", "function": {"name": "a", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": "x"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "2 + 2"}
MESSAGES = st.sampled_from([[USER], [USER, CALLED, RESULT, USER], [{**USER, "name": "bob", "x": 1}]])
FIELDS = st.fixed_dictionaries(
    {"model": st.just("auto"), "messages": MESSAGES | JSON},
    optional={
        **dict.fromkeys(DROPPED, JSON),
        **{name: JSON | st.just(value) for fields, _ in TRANSLATED for name, value in fields.items()},
    },
)


@settings(max_examples=200)
@given(FIELDS, st.booleans())
def test_whatever_is_asked_only_allowed_fields_go_upstream(fields: Body, reasons: bool) -> None:
    try:
        request = parse_chat(json.dumps(fields).encode(), Bounds())
    except BadRequest:
        return
    body = upstream(request, reasons=reasons)
    assert body.keys() <= ALLOWED
    assert None not in body.values()
    assert all(message.keys() <= ALLOWED_IN_MESSAGES for message in body["messages"])
    said = {name for name, value in fields.items() if value is not None}
    assert set(request.dropped) >= said & set(DROPPED)


@given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_refused_in_words(body: bytes) -> None:
    with pytest.raises(BadRequest, match=r"\w"):
        parse_chat(body, Bounds())
