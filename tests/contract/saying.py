"""Conversations of both dialects as a generator makes them: well-formed, slightly wrong, and hostile."""

from __future__ import annotations

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
