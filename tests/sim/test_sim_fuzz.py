"""Whatever is sent, the simulator answers as an API does and never falls over."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WHOLE = {
    "model": "mistral-small-latest",
    "messages": [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "x"},
            ],
            "tool_calls": [{"id": "abcdefghi", "function": {"name": "f", "arguments": '{"a": 1}'}}],
        },
        {"role": "tool", "content": "done", "tool_call_id": "abcdefghi", "name": "f"},
        {"role": "user", "content": "now and then"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {
                    "type": "object",
                    "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"anyOf": [{"type": "null"}]}},
                    "required": ["a"],
                },
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "stop": ["end"],
    "max_tokens": 30,
    "reasoning_effort": "high",
    "n": 2,
    "stream_options": {"stream_tool_calls": True},
    "prompt_cache_key": "k",
}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**40)
    | st.floats(-2, 2)
    | st.text(max_size=5)
    | st.sampled_from(["#", "any"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "$ref", "enum", "x"]), inner),
    max_leaves=5,
)


def places(value, place=()):
    if place:
        yield place
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*place, key))


@pytest.fixture
def wide_sim(sim):
    wide = {"requests": 1_000_000, "tokens": 10**9}
    sim.http.post("/_sim/windows", json={"*": wide}).raise_for_status()
    return sim


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(list(places(WHOLE))), value=VALUES, drop=st.booleans(), stream=st.booleans())
def test_a_body_changed_anywhere_is_answered_or_refused_but_never_a_500(wide_sim, place, value, drop, stream):
    body = {**copy.deepcopy(WHOLE), "stream": stream}
    *path, last = place
    parent = body
    for key in path:
        parent = parent[key]
    if drop:
        del parent[last]
    else:
        parent[last] = value
    answer = wide_sim.post(body)
    assert answer.status_code in (200, 400, 404, 422), answer.text
    if answer.status_code >= 400:
        assert answer.json()["raw_status_code"] == answer.status_code
