"""Answers made whole, so that the SDKs of either dialect understand them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.answer import complete_answer, finished_in_error, read_answer
from router.wire.chat import ChatRequest, Dialect

Answer = dict[str, Any]
CHAT = ChatRequest(model="m", messages=())

# What Mistral really returns: no `type` and no `index` on tool calls, content "" beside them (recorded 2025-09).
CALL = {"id": "gSIMJiOkT", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
MIXED = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "2 + "}, {"type": "text", "text": "2"}], "closed": True},
    {"type": "text", "text": "Four"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "text", "text": "."},
]


def answer(*messages: Any, finish: str = "stop") -> Answer:
    return {
        "id": "cb2e",
        "model": "mistral-small-latest",
        "choices": [{"message": message, "finish_reason": finish} for message in messages],
    }


def completed(message: Answer, dialect: Dialect = Dialect.OPENAI) -> Answer:
    whole = answer(message)
    complete_answer(whole, model="m", dialect=dialect)
    made: Answer = whole["choices"][0]["message"]
    return made


def test_the_model_named_is_the_one_that_answered() -> None:
    whole = answer({"content": "a"}, {"content": "b"})
    complete_answer(whole, model="mistral-small-2603", dialect=Dialect.OPENAI)
    assert whole["model"] == "mistral-small-2603"
    assert [choice["index"] for choice in whole["choices"]] == [0, 1]


@pytest.mark.parametrize("dialect", Dialect)
def test_tool_calls_get_a_type_and_an_index(dialect: Dialect) -> None:
    message = completed({"content": "", "tool_calls": [CALL, {**CALL, "id": "bbbbbbbbb", "index": 7}]}, dialect)
    assert message["tool_calls"] == [
        {**CALL, "type": "function", "index": 0},
        {**CALL, "id": "bbbbbbbbb", "type": "function", "index": 7},
    ]


def test_list_content_is_flattened_for_openais_sdks() -> None:
    assert completed({"content": MIXED}) == {"content": "Four.", "reasoning_content": "2 + 2"}


def test_list_content_stays_for_mistrals_sdks() -> None:
    assert completed({"content": MIXED}, Dialect.MISTRAL) == {"content": MIXED}


@pytest.mark.parametrize(
    ("content", "flat"),
    [
        ("Four.", {"content": "Four."}),
        ("", {"content": ""}),
        (None, {"content": None}),
        ([], {"content": ""}),
        (["Four", "."], {"content": "Four."}),
        ([{"type": "thinking", "thinking": "2 + 2"}], {"content": "", "reasoning_content": "2 + 2"}),
        ([{"type": "thinking", "thinking": []}, {"type": "text", "text": "x"}], {"content": "x"}),
        ([{"type": "thinking", "thinking": None}], {"content": "", "reasoning_content": ""}),
    ],
)
def test_every_form_of_content_is_a_string_in_the_end(content: Any, flat: Answer) -> None:
    assert completed({"content": content}) == flat


def test_what_the_router_does_not_know_passes() -> None:
    message = {"role": "assistant", "content": "a", "tool_calls": None, "new": [1]}
    assert completed(dict(message)) == message


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"<html>", b"null", b"[]", b'"x"', b"{}", b"\xff"),
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {}}, {"message": "x"}]}',
        b'{"choices": ' + b"[" * 100_000,
    ],
)
def test_a_body_without_a_message_is_no_answer(body: bytes) -> None:
    assert read_answer(CHAT, body) is None


def test_an_answer_is_read() -> None:
    assert read_answer(CHAT, json.dumps(answer({"content": "a"})).encode()) == answer({"content": "a"})


@pytest.mark.parametrize(
    ("finish", "broken"), [("stop", False), ("length", False), ("tool_calls", False), ("error", True)]
)
def test_an_answer_that_ended_in_an_error_is_seen(finish: str, broken: bool) -> None:
    assert finished_in_error(answer({"content": "a"}, finish=finish)) is broken


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "thinking", "content", "tool_calls", "index"]), inner, max_size=3
        )
        | st.builds(lambda value: {"type": "thinking", "thinking": value}, inner)
    ),
    max_leaves=8,
)


@given(
    st.builds(lambda content, calls: {"content": content, "tool_calls": calls}, JSON, JSON), st.sampled_from(Dialect)
)
def test_any_answer_is_completed(message: Answer, dialect: Dialect) -> None:
    read = read_answer(CHAT, json.dumps(answer(message)).encode())
    assert read is not None
    complete_answer(read, model="m", dialect=dialect)
    if dialect is Dialect.OPENAI:
        assert not isinstance(read["choices"][0]["message"]["content"], list)
