"""Chat requests of both dialects as a generator makes them: well-formed, slightly wrong, and hostile."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Body = dict[str, Any]
Strategy = st.SearchStrategy

# What has broken parsers: control characters, marks that turn direction, numbers that are no digits, many-byte scripts.
ODD_TEXT = ["", "hi", " ", "\x00", "\u202e\u2066", "\ufeff", "٣", "日本語", "👩‍👩‍👧", "null", "{}", "a" * 300]
TEXT = st.sampled_from(ODD_TEXT) | st.text(max_size=12)
NAME = st.sampled_from(["look_up", "a", "A-b_9", "x" * 64])
ODD_NAME = st.one_of(NAME, st.sampled_from(["", "a.b", "a b", "x" * 65, "été", "a\n", "functions.a:0"]))
IDS = st.sampled_from(
    ["aaaaaaaaa", "bbbbbbbbb", "call_1", "call_abcdefghijklmnopqrstuvwx", "null", "", "chatcmpl-tool-9f", "ééééééééé"]
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def mostly(right: Strategy[Any], wrong: Strategy[Any] = JUNK) -> Strategy[Any]:
    """Mostly what is meant, so that whole requests still get through."""
    # A number in the middle: the ends of a range are drawn more often than the rest.
    return st.integers(0, 40).flatmap(lambda dice: wrong if dice == 23 else right)


def fields(required: dict[str, Strategy[Any]], optional: dict[str, Strategy[Any]]) -> Strategy[Body]:
    return st.fixed_dictionaries(required, optional=optional)


# --- Content ----------------------------------------------------------------------------------------------------------

TEXT_PART = fields({"type": st.just("text"), "text": TEXT}, {"cache_control": JUNK})
IMAGE_PART = fields(
    {
        "type": st.just("image_url"),
        "image_url": TEXT
        | fields({"url": TEXT}, {"detail": st.sampled_from(["low", "auto", "high", "original", "ultra", None])}),
    },
    {},
)
THINKING_PART = fields(
    {
        "type": st.just("thinking"),
        "thinking": st.lists(
            TEXT_PART
            | st.just({"type": "reference", "reference_ids": [1]})
            | st.just({"type": "tool_reference", "tool": "web_search", "title": "t"}),
            max_size=2,
        ),
    },
    {"closed": st.sampled_from([True, False, None]), "signature": st.none() | TEXT},
)
OTHER_PART = st.one_of(
    st.builds(
        lambda url, name: {"type": "document_url", "document_url": url, "document_name": name}, TEXT, st.none() | TEXT
    ),
    st.sampled_from(
        [
            {"type": "file", "file_id": "3b6d45eb-e30b-416f-8019-f47e2e93d930"},
            {"type": "file", "file": {"file_id": "3b6d45eb-e30b-416f-8019-f47e2e93d930"}},
            {"type": "file", "file_id": "file-abc123"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
            {"type": "input_audio", "input_audio": "QUJD"},
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            {"type": "reference", "reference_ids": [1, 2]},
            {"type": "reference", "reference_ids": ["a"]},
            {"type": "refusal", "refusal": "No."},
            {"type": "video_url", "video_url": "u"},
            {"type": "resource_link", "uri": "u"},
        ]
    ),
)
PART = mostly(st.one_of(TEXT_PART, IMAGE_PART, THINKING_PART, OTHER_PART, TEXT))
# Lists in lists too, which no dialect has.
CONTENT = mostly(
    st.one_of(TEXT, TEXT, st.lists(TEXT_PART, min_size=1, max_size=2), st.lists(PART, max_size=3)),
    st.none() | JUNK | st.lists(st.lists(PART, max_size=2), max_size=2),
)

# --- Turns ------------------------------------------------------------------------------------------------------------

ARGUMENTS = st.one_of(
    st.sampled_from(["{}", '{"city": "Paris"}', "", "not json", None]),
    st.dictionaries(st.sampled_from(["a", "b"]), JUNK, max_size=2),
)
EXTRAS: dict[str, Strategy[Any]] = {
    "name": st.sampled_from(["bob", None]),
    "refusal": st.none() | TEXT,
    "annotations": st.just([]),
    "audio": st.just({"id": "a"}),
    "metadata": JUNK,
    "id": JUNK,
    "cache_control": JUNK,
}


def function_call(name: Strategy[Any]) -> Strategy[Body]:
    return fields({"name": name, "arguments": ARGUMENTS}, {})


def tool_call(call_id: Any, name: Strategy[Any]) -> Strategy[Body]:
    return fields(
        {"id": st.just(call_id), "function": function_call(name)},
        {"type": st.sampled_from(["function", None]), "index": st.integers(0, 3)},
    )


PLAIN_TURN = st.one_of(
    fields({"role": st.just("user"), "content": CONTENT}, EXTRAS),
    fields({"role": st.sampled_from(["system", "developer"]), "content": CONTENT}, EXTRAS),
    fields(
        {"role": st.just("assistant")},
        {
            "content": CONTENT,
            "reasoning_content": st.none() | TEXT,
            "prefix": st.sampled_from([True, False, None]),
            **EXTRAS,
        },
    ),
)
# Calls that nobody answers, answers to what nobody asked, and roles that nobody has.
LOOSE_TURN = st.one_of(
    PLAIN_TURN,
    fields({"role": st.just("tool"), "content": CONTENT}, {"tool_call_id": IDS | JUNK, "name": ODD_NAME, **EXTRAS}),
    fields({"role": st.just("function"), "content": CONTENT}, {"name": ODD_NAME}),
    fields({"role": st.just("assistant"), "function_call": function_call(ODD_NAME)}, {"content": CONTENT}),
    IDS.flatmap(
        lambda call_id: fields(
            {"role": st.just("assistant"), "tool_calls": st.lists(tool_call(call_id, ODD_NAME), max_size=2)},
            {"content": CONTENT},
        )
    ),
    fields({"role": st.sampled_from(["", "User", "model", "tool_result"]), "content": CONTENT}, {}),
    st.dictionaries(st.sampled_from(["role", "content", "tool_calls"]), JUNK, max_size=3),
)


@st.composite
def tool_loop(draw: st.DrawFn) -> list[Body]:
    """One or two calls and their results, in any order, in either generation of OpenAI's dialect."""
    if draw(st.integers(0, 5)) == 0:
        return [
            {"role": "assistant", "content": None, "function_call": draw(function_call(NAME))},
            {"role": "function", "name": draw(ODD_NAME), "content": draw(TEXT)},
        ]
    ids = draw(st.lists(IDS, min_size=1, max_size=2, unique=True))
    calling = {"role": "assistant", "tool_calls": [draw(tool_call(call_id, mostly(NAME, ODD_NAME))) for call_id in ids]}
    content = draw(st.one_of(st.none(), st.just(""), CONTENT))
    results = [
        draw(
            fields({"role": st.just("tool"), "tool_call_id": st.just(call_id), "content": CONTENT}, {"name": ODD_NAME})
        )
        for call_id in draw(st.permutations(ids))
    ]
    return [{**calling, "content": content}, *results]


@st.composite
def conversation(draw: st.DrawFn) -> list[Any]:
    """Turns in a sensible order, now and then with one that is out of place; mostly somebody is asked at the end."""
    turns: list[Any] = draw(st.lists(fields({"role": st.just("system"), "content": TEXT}, {}), max_size=1))
    for _ in range(draw(st.integers(0, 3))):
        turns += draw(st.one_of(tool_loop(), st.lists(PLAIN_TURN, min_size=1, max_size=2)))
    if draw(st.integers(0, 9)) == 0:
        turns.insert(draw(st.integers(0, len(turns))), draw(LOOSE_TURN))
    ending = draw(st.integers(0, 9))
    if ending == 1:
        turns.append({"role": "assistant", "content": draw(TEXT), "prefix": True})
    elif ending > 2 or not turns:
        turns.append({"role": "user", "content": draw(mostly(TEXT, CONTENT))})
    return turns


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
