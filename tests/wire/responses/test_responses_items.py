"""Input items: the turns they make, and the places that errors about them name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import MistralRequestValidatorV13, ValidationMode

from router.errors import BadRequest
from router.wire.messages import BRIDGE
from tests.wire.responses.speaking import Body, called, found, refused, said, thought, turns, user


def tool_call(call_id: str, arguments: str = "{}") -> Body:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}


def result(call_id: str, content: Any = "found") -> Body:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def thinking(text: str) -> Body:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], "closed": True}


FILE = "1f0a7c52-7d0e-4c3b-9a51-3b8a0c6f2d11"
IDS = ("aaaaaaaaa", "bbbbbbbbb")
A, B = IDS
# Items, and the turns they come to.
TURNS: dict[str, tuple[list[Body], list[Body]]] = {
    "a message with its type": ([{"type": "message", **user()}], [user()]),
    "one text part is plain text": ([user([{"type": "input_text", "text": "hi"}])], [user()]),
    "more stay parts": (
        [user([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}])],
        [user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])],
    ),
    "developer": (
        [{"role": "developer", "content": "Be brief."}, user()],
        [{"role": "system", "content": "Be brief."}, user()],
    ),
    "a thought by its id alone is left out": (
        [user(), {"type": "item_reference", "id": "rs_1"}, user()],
        [user(), user()],
    ),
    "an answer": ([user(), said("Hello."), user()], [user(), {"role": "assistant", "content": "Hello."}, user()]),
    "a refusal is what was said": (
        [user(), {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, user()],
        [user(), {"role": "assistant", "content": "No."}, user()],
    ),
    "two answers stay two": (
        [user(), said("a"), said("b"), user()],
        [user(), {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}, user()],
    ),
    "calls are gathered": (
        [user(), called(A), called(B, '{"x":1}'), found(B), found(A)],
        [
            user(),
            {"role": "assistant", "content": "", "tool_calls": [tool_call(A), tool_call(B, '{"x":1}')]},
            result(B),
            result(A),
        ],
    ),
    "a text before its call": (
        [user(), said("Wait."), called(A), found(A)],
        [user(), {"role": "assistant", "content": "Wait.", "tool_calls": [tool_call(A)]}, result(A)],
    ),
    "a text between calls and results": (
        [user(), said("Wait."), called(A), said("Soon."), found(A)],
        [
            user(),
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "Wait."}, {"type": "text", "text": "Soon."}],
                "tool_calls": [tool_call(A)],
            },
            result(A),
        ],
    ),
    "one call after another": (
        [user(), called(A), found(A), called(B), found(B)],
        [
            user(),
            {"role": "assistant", "content": "", "tool_calls": [tool_call(A)]},
            result(A),
            {"role": "assistant", "content": "", "tool_calls": [tool_call(B)]},
            result(B),
        ],
    ),
    "a thought goes with what follows it": (
        [user(), thought("Hm."), said("Yes."), user()],
        [user(), {"role": "assistant", "content": [thinking("Hm."), {"type": "text", "text": "Yes."}]}, user()],
    ),
    "a thought after an answer begins a turn": (
        [user(), said("a"), thought("Hm."), called(A), found(A)],
        [
            user(),
            {"role": "assistant", "content": "a"},
            {"role": "assistant", "content": [thinking("Hm.")], "tool_calls": [tool_call(A)]},
            result(A),
        ],
    ),
    "thoughts between calls": (
        [user(), thought("One."), called(A), thought("Two."), called(B), found(A), found(B)],
        [
            user(),
            {
                "role": "assistant",
                "content": [thinking("One.\nTwo.")],
                "tool_calls": [tool_call(A), tool_call(B)],
            },
            result(A),
            result(B),
        ],
    ),
    "a summary is a thought": (
        [
            user(),
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            said("Yes."),
            user(),
        ],
        [user(), {"role": "assistant", "content": [thinking("Hm."), {"type": "text", "text": "Yes."}]}, user()],
    ),
    "a user after a result": (
        [user(), called(A), found(A), user()],
        [
            user(),
            {"role": "assistant", "content": "", "tool_calls": [tool_call(A)]},
            result(A),
            {"role": "assistant", "content": BRIDGE},
            user(),
        ],
    ),
    "a result in parts": (
        [user(), called(A), found(A, [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}])],
        [user(), {"role": "assistant", "content": "", "tool_calls": [tool_call(A)]}, result(A, "a\nb")],
    ),
    "a reminder at the end": (
        [user(), {"role": "system", "content": "Be quick."}],
        [{"role": "system", "content": "Be quick."}, user()],
    ),
}


@pytest.mark.parametrize("title", TURNS)
def test_items_are_gathered_into_turns(title: str) -> None:
    items, expected = TURNS[title]
    assert turns(*items) == expected


PARTS: list[tuple[Body, Body]] = [
    (
        {"type": "input_image", "image_url": "https://a/b.png", "detail": "low"},
        {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
    ),
    (
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "original"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ),
    (
        {"type": "input_file", "file_url": "https://a/b.pdf", "filename": "b.pdf"},
        {"type": "document_url", "document_url": "https://a/b.pdf", "document_name": "b.pdf"},
    ),
    (
        {"type": "input_file", "file_data": "data:application/pdf;base64,AA=="},
        {"type": "document_url", "document_url": "data:application/pdf;base64,AA=="},
    ),
    ({"type": "input_file", "file_id": FILE}, {"type": "file", "file_id": FILE}),
    (
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "input_audio", "input_audio": "AA=="},
    ),
]


@pytest.mark.parametrize(("part", "expected"), PARTS, ids=[part["type"] for part, _ in PARTS])
def test_a_content_part_is_put_into_mistrals_shape(part: Body, expected: Body) -> None:
    assert turns(user([part]))[0]["content"] == [expected]
    assert turns(user(), called(A), found(A, [part]))[-1]["content"] == [expected]


# Items, the code, the place, and words of the message.
REFUSED: list[tuple[list[Any], str, str, str]] = [
    ([user(), {"type": "item_reference", "id": "msg_1"}], "nothing_stored", "input[1]", "store = false"),
    ([{"id": "msg_1"}], "nothing_stored", "input[0]", "nothing is stored"),
    ([user(), {"type": "web_search_call", "id": "w"}], "unsupported_content", "input[1]", "'web_search_call'"),
    ([{"content": "hi"}], "unsupported_content", "input[0]", "the items served are message"),
    (["hi"], "invalid_type", "input[0]", "at input[0]"),
    ([{"role": "tool", "content": "x"}], "unknown_role", "input[0].role", "'tool'"),
    ([{"role": "user"}], "missing_field", "input[0].content", "input[0].content is required"),
    ([{"role": "user", "content": 1}], "invalid_type", "input[0].content", "input[0].content is not valid"),
    (
        [user(), {"type": "function_call", "name": "x", "arguments": ""}],
        "missing_field",
        "input[1].call_id",
        "required",
    ),
    ([user(), {"type": "function_call_output", "output": "x"}], "missing_field", "input[1].call_id", "required"),
    ([user([])], "empty_content", "input[0].content", "input[0] has no content"),
    ([user([{"type": "hologram"}])], "unsupported_content", "input[0].content[0]", "input_text, input_image"),
    ([user([{"text": "x"}])], "unsupported_content", "input[0].content[0]", "None"),
    ([user([{"type": "input_text"}])], "invalid_content", "input[0].content[0]", "input_text needs text"),
    ([user([{"type": "input_image", "file_id": "f"}])], "invalid_content", "input[0].content[0]", "needs image_url"),
    ([user([{"type": "input_file", "file_data": "AA=="}])], "invalid_content", "input[0].content[0]", "a data URL"),
    (
        [user(), called(A), found(A, [{"type": "input_text", "text": "x"}, {"type": "hologram"}])],
        "unsupported_content",
        "input[2].output[1]",
        "input[2].output[1]",
    ),
    ([user(), called(A), called(A), found(A)], "tool_call_pairing", "input[2].call_id", "earlier call"),
    ([user(), found(A)], "tool_call_pairing", "input[1].call_id", "input[1] answers a tool call"),
    (
        [user(), called(A), user()],
        "tool_call_pairing",
        "input[2]",
        "before input[2]: each call needs one function_call",
    ),
    ([user(), thought("Hm."), called(A), called(B), found(B), user()], "tool_call_pairing", "input[5]", "1 tool call"),
    ([user(), said("Hello.")], "last_message_role", "input[1]", "input[1]: the last item must be a user message"),
    ([user(), said("Hello."), {"role": "system", "content": "x"}], "last_message_role", "input[1]", "input[1]"),
    ([user(), thought("Hm.")], "last_message_role", "input[1]", "function_call_output"),
    ([{"role": "developer", "content": "x"}], "last_message_role", "input", "a user message"),
]


@pytest.mark.parametrize(("items", "code", "param", "words"), REFUSED, ids=[f"{row[1]}-{row[2]}" for row in REFUSED])
@pytest.mark.parametrize("instructions", [None, "Be brief."])
def test_an_item_that_cannot_be_served_is_refused_with_its_place(
    items: list[Any], code: str, param: str, words: str, instructions: str | None
) -> None:
    error = refused(input=items, instructions=instructions)
    assert (error.code, error.param) == (code, param)
    assert words in error.message
    assert "messages[" not in error.message


ITEMS = st.lists(
    st.one_of(
        st.builds(user, st.sampled_from(["hi", "", [{"type": "input_text", "text": "x"}], []])),
        st.just({"role": "developer", "content": "Be kind."}),
        st.builds(said, st.sampled_from(["x", ""])),
        st.builds(thought, st.sampled_from(["x", ""])),
        st.builds(called, st.sampled_from(["call_1", *IDS])),
        st.builds(found, st.sampled_from(["call_1", *IDS]), st.sampled_from(["x", ""])),
    ),
    max_size=8,
)
LOOK_UP = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}


@given(ITEMS, st.sampled_from([None, "Be brief."]))
def test_what_is_let_pass_the_vendors_own_validator_accepts(items: list[Body], instructions: str | None) -> None:
    refusal: BadRequest | None = None
    try:
        messages = turns(user(), *items, instructions=instructions, reasons=False)
    except BadRequest as error:
        refusal = error
    if refusal is not None:
        assert refusal.param is not None
        assert refusal.param.startswith("input")
        assert refusal.param.partition(".")[0] in refusal.message
        return
    request = ChatCompletionRequest.model_validate({"messages": messages, "tools": [LOOK_UP], "model": "m"})
    MistralRequestValidatorV13(ValidationMode.serving).validate_request(request)
