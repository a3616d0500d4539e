"""Chat requests of both dialects as a generator makes them: well-formed, slightly wrong, and hostile."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.contract.saying import JUNK, NAME, ODD_NAME, TEXT, Body, Strategy, conversation, fields, mostly

# --- Tools and the form of the answer ---------------------------------------------------------------------------------

SCHEMA = st.sampled_from(
    [
        {"type": "object", "properties": {}},
        {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"enum": ["a", 1, None]}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "description": "Nothing."},
        {},
        None,
    ]
)
FUNCTION = fields(
    {"name": mostly(NAME, ODD_NAME)},
    {"description": st.none() | TEXT, "parameters": SCHEMA, "strict": st.sampled_from([True, False, None])},
)
TOOL = mostly(
    fields({"type": st.just("function"), "function": FUNCTION}, {"cache_control": JUNK}),
    st.sampled_from([{"type": "web_search"}, {"type": "custom", "custom": {"name": "a"}}, {"type": "function"}]),
)
NAMED = {"type": "function", "function": {"name": "look_up"}}
CHOICE = mostly(
    st.sampled_from(
        [
            "auto",
            "none",
            "any",
            "required",
            NAMED,
            {"function": {"name": "a"}},
            {"name": "look_up"},
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
        ]
    ),
    JUNK | st.sampled_from(["always", {}, {"type": "function"}]),
)
FORMAT = mostly(
    st.one_of(
        st.sampled_from([{"type": "text"}, {"type": "json_object"}, {"type": "json_schema"}, {"type": "xml"}]),
        st.builds(
            lambda name, schema, rest: {"type": "json_schema", "json_schema": {"name": name, "schema": schema, **rest}},
            TEXT,
            SCHEMA,
            fields({}, {"strict": st.sampled_from([True, None]), "description": st.none() | TEXT, "x": JUNK}),
        ),
    )
)
GUARDRAIL = mostly(
    st.sampled_from(
        [
            {},
            {"block_on_error": True},
            {"block_on_error": None},
            {"moderation_llm_v1": {"custom_category_thresholds": {"pii": 0.5, "law": None}, "action": "block"}},
            {"moderation_llm_v2": {"model_name": "m", "ignore_other_categories": True, "action": "none"}},
            {"moderation_llm_v2": {"action": "shout"}},
            {"moderation_llm_v2": {"custom_category_thresholds": {"jailbreak": 0.5}}},
            {"moderation_llm_v9": {}},
        ]
    )
)

# --- The whole request ------------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from([0, 1, 0.5, -1, 1.5, 2, 2.5, -2, 1e300, 16, 17])
OPTIONAL: dict[str, Strategy[Any]] = {
    "temperature": st.sampled_from([0, 0.3, 1, 1.7, 2, 2.5, -1]),
    "top_p": st.sampled_from([0, 0.5, 1, 1.1, 1e-300]),
    "max_tokens": st.sampled_from([0, 1, 100, 10**12, -1]),
    "max_completion_tokens": st.sampled_from([0, 1, 100]),
    "stream": st.booleans(),
    "stream_options": st.sampled_from([{"include_usage": True}, {"include_obfuscation": False}, {"x": 1}]),
    "stop": st.one_of(TEXT, st.lists(TEXT, max_size=3), st.just([1])),
    "random_seed": st.integers(-5, 2**64),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "presence_penalty": NUMBERS,
    "frequency_penalty": NUMBERS,
    "n": st.sampled_from([1, 2, 16, 17, 0, 1.5]),
    "prediction": st.sampled_from(
        [
            {"type": "content", "content": "x"},
            {"type": "content", "content": ""},
            {"content": [{"type": "text", "text": "x"}, {"text": 1}, {}]},
            {"type": "content", "content": []},
            {"type": "other", "content": "x", "x": 1},
            {},
        ]
    ),
    "safe_prompt": st.booleans(),
    "guardrails": st.lists(GUARDRAIL, max_size=2),
    "prompt_cache_key": TEXT,
    "metadata": st.one_of(
        st.dictionaries(TEXT, JUNK, max_size=2), st.sampled_from([{"tags": ["a"]}, {"tags": None}, {"tags": "x"}])
    ),
    "tools": st.lists(TOOL, max_size=3),
    "functions": st.lists(FUNCTION, max_size=1),
    "tool_choice": CHOICE,
    "function_call": CHOICE,
    "parallel_tool_calls": st.booleans(),
    "response_format": FORMAT,
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max", "", "ultra"]),
    "prompt_mode": st.sampled_from(["reasoning", "", "other"]),
    # What Mistral forbids or the router does not read, and what nobody ever heard of.
    **dict.fromkeys(["user", "store", "logprobs", "top_k", "min_tokens", "service_tier", "logit_bias", "x"], JUNK),
}


@st.composite
def request(draw: st.DrawFn) -> Body:
    """A handful of fields at a time: with all of them, one would nearly always be wrong."""
    chosen = draw(st.lists(st.sampled_from(sorted(OPTIONAL)), max_size=5, unique=True))
    body = {name: draw(mostly(OPTIONAL[name], st.none() | JUNK)) for name in chosen}
    if ("tool_choice" in body or "function_call" in body) and "functions" not in body:
        body.setdefault("tools", draw(mostly(st.lists(TOOL, min_size=1, max_size=2), st.none())))
    body["model"] = draw(mostly(st.just("auto")))
    # Half of a pair of letters, which no UTF-8 can hold.
    body["messages"] = draw(mostly(conversation(), JUNK | st.just([{"role": "user", "content": "\ud800"}])))
    return body


def as_json(body: Body) -> bytes:
    """With every letter escaped, as many clients write it; so a half of a pair of letters can be sent too."""
    return json.dumps(body).encode()
