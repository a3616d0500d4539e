"""Anthropic's turns and blocks: the messages they become, and the place that is named when they cannot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import MistralRequestValidatorV13, ValidationMode

from router.wire.anthropic.blocks import SIGNATURE
from router.wire.body import mistral_body
from tests.wire.anthropic.asked import HI, TOOL, Body, assistant, read, refused, result, sent, text, upstream, use, user

A, B = "aaaaaaaaa", "bbbbbbbbb"
IMAGE = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
PLAIN = {"type": "text", "media_type": "text/plain", "data": "Once"}
FILE = {"type": "file", "file_id": "file_1"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}


def call(call_id: str, arguments: str = "{}") -> Body:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}


class TestSystem:
    @pytest.mark.parametrize(
        ("system", "told"),
        [
            ("Be brief.", "Be brief."),
            ([text("Be brief.")], "Be brief."),
            ([text("Be brief."), text("")], "Be brief."),
            ([text("Be brief."), text("Be kind.")], [text("Be brief."), text("Be kind.")]),
        ],
    )
    def test_it_becomes_the_first_message(self, system: Any, told: Any) -> None:
        assert sent(HI, system=system) == [{"role": "system", "content": told}, HI]

    @pytest.mark.parametrize("system", ["", [], [text("")]])
    def test_an_empty_one_is_none(self, system: Any) -> None:
        assert sent(HI, system=system) == [HI]

    def test_a_system_turn_among_the_messages_keeps_its_role(self) -> None:
        turn = {"role": "system", "content": "Be brief."}
        assert sent(HI, turn, HI) == [HI, turn, HI]

    def test_it_holds_text_alone(self) -> None:
        error = refused(system=[text("x"), {"type": "image", "source": IMAGE}])
        assert (error.code, error.param) == ("unsupported_content", "system[1].type")


# A user's block, and the parts it becomes.
BLOCKS: list[tuple[Body, list[Body]]] = [
    (text("a"), [text("a")]),
    ({"type": "image", "source": IMAGE}, [{"type": "image_url", "image_url": "data:image/png;base64,iVBO"}]),
    (
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        [{"type": "image_url", "image_url": "https://example.org/a.png"}],
    ),
    (
        {"type": "document", "source": PDF, "title": "a.pdf"},
        [{"type": "document_url", "document_url": "data:application/pdf;base64,JVBE", "document_name": "a.pdf"}],
    ),
    (
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}, "context": "About a."},
        [text("About a."), {"type": "document_url", "document_url": "https://example.org/a.pdf"}],
    ),
    (
        {"type": "document", "source": PLAIN, "title": "Tale"},
        [text("Tale\n\nOnce")],
    ),
    (
        {"type": "document", "source": {"type": "content", "content": "Once"}, "title": "Tale", "context": "Old."},
        [text("Tale\n\nOld."), text("Once")],
    ),
    (
        {"type": "document", "source": {"type": "content", "content": [text("a"), {"type": "image", "source": IMAGE}]}},
        [text("a"), {"type": "image_url", "image_url": "data:image/png;base64,iVBO"}],
    ),
    (
        {"type": "search_result", "source": "https://example.org", "title": "Tale", "content": [text("a"), text("b")]},
        [text("Tale\nhttps://example.org"), text("a"), text("b")],
    ),
]


@pytest.mark.parametrize(("block", "parts"), BLOCKS, ids=lambda case: str(case)[:70])
def test_each_block_becomes_the_parts_that_say_the_same(block: Body, parts: list[Body]) -> None:
    assert sent(user(text("See:"), block)) == [user(text("See:"), *parts)]
    assert read(messages=[user(block)]).dropped == ()
    # A tool may return the same.
    told = sent(HI, assistant(use(A)), user(result(A, [text("See:"), block])))[-1]["content"]
    only_text = all(part["type"] == "text" for part in parts)
    assert told == ("\n".join(part["text"] for part in [text("See:"), *parts]) if only_text else [text("See:"), *parts])


def test_one_text_is_sent_as_a_string() -> None:
    assert sent(user(text("a"))) == [{"role": "user", "content": "a"}]


# A turn that is refused, with its code, its place in the turn, and a part of what is said.
WRONG: list[tuple[Body, str, str, str]] = [
    ({"role": "tool", "content": "x"}, "unknown_role", "role", "'tool'"),
    ({"content": "x"}, "missing_field", "role", "required"),
    ({"role": "user"}, "missing_field", "content", "required"),
    ({"role": "user", "content": 7}, "invalid_type", "content", "content"),
    ({"role": "user", "content": ["x"]}, "invalid_type", "content[0]", "content[0]"),
    (user({"text": "x"}), "unsupported_content", "content[0].type", "text, image, document"),
    (user({"type": ["text"]}), "unsupported_content", "content[0].type", "['text']"),
    (user({"type": "text"}), "missing_field", "content[0].text", "required"),
    (user({"type": "text", "text": 7}), "invalid_type", "content[0].text", "content[0].text"),
    (user(use(A)), "unsupported_content", "content[0].type", "'tool_use'"),
    (user({"type": "container_upload", "file_id": "f"}), "unsupported_content", "content[0].type", "container"),
    (user({"type": "image", "source": {}}), "missing_field", "content[0].source.type", "required"),
    (user({"type": "image", "source": {"type": "url"}}), "invalid_content", "content[0].source", "or url"),
    (user({"type": "image", "source": PLAIN}), "invalid_content", "content[0].source", "or url"),
    (user({"type": "image", "source": FILE}), "unsupported_content", "content[0].source", "base64"),
    (user({"type": "document", "source": FILE}), "unsupported_content", "content[0].source", "base64"),
    (user({"type": "document", "source": {"type": "base64"}}), "invalid_content", "content[0].source", "or content"),
    (
        user({"type": "document", "source": {"type": "content", "content": [{"type": "document", "source": PDF}]}}),
        *("unsupported_content", "content[0].source.content[0].type", "text, image"),
    ),
    (user({"type": "search_result", "source": "x", "title": "y"}), "missing_field", "content[0].content", "required"),
    (assistant({"type": "image", "source": IMAGE}), "unsupported_content", "content[0].type", "thinking"),
    (
        assistant({"type": "server_tool_use", "id": "a", "name": "web_search", "input": {}}),
        *("unsupported_content", "content[0].type", "server_tool_use"),
    ),
    (assistant({**use(A), "input": "{}"}), "invalid_type", "content[0].input", "content[0].input"),
]  # fmt: skip


@pytest.mark.parametrize(("turn", "code", "place", "said"), WRONG, ids=lambda case: str(case)[:70])
def test_what_is_wrong_with_a_turn_is_told_with_its_place(turn: Body, code: str, place: str, said: str) -> None:
    error = refused(messages=[{"role": "system", "content": "x"}, turn])
    assert (error.code, error.param) == (code, f"messages[1].{place}")
    assert said in error.message


# A conversation whose order is wrong. The system prompt moves every message by one, and the places must not follow.
PAIRING: list[tuple[list[Body], str, str, str]] = [
    ([user()], "empty_content", "messages[0].content", "messages[0] has no content"),
    ([user(text(""))], "empty_content", "messages[0].content", "messages[0] has no content"),
    ([HI, assistant(use(A))], "tool_call_pairing", "messages[1]", "tool_result block in the next user turn"),
    ([HI, assistant(use(A)), HI], "tool_call_pairing", "messages[2]", "before messages[2]: each call needs"),
    (
        [HI, assistant(use(A), use(B)), user(result(A), text("x"))],
        *("tool_call_pairing", "messages[2]", "1 tool call(s) have no result before messages[2]"),
    ),
    (
        [user(text("x"), result(A))],
        *("tool_call_pairing", "messages[0].content[1].tool_use_id", "messages[0].content[1] answers"),
    ),
    (
        [HI, assistant(use(A)), user(result(A), result(B))],
        *("tool_call_pairing", "messages[2].content[1].tool_use_id", "messages[2].content[1] answers a tool call"),
    ),
    (
        [HI, assistant(use(A)), user(result(""))],
        *("tool_call_pairing", "messages[2].content[0]", "messages[2].content[0] is a tool result without tool_use_id"),
    ),
    (
        [HI, assistant(use(A), use(A))],
        *("tool_call_pairing", "messages[1].content", "messages[1].content has an id twice"),
    ),
    ([{"role": "system", "content": "x"}], "last_message_role", "messages[0].role", "that the answer goes on with"),
    ([{"role": "assistant", "content": ""}], "last_message_role", "system", "system: the last message"),
]  # fmt: skip


@pytest.mark.parametrize(("turns", "code", "place", "said"), PAIRING, ids=lambda case: str(case)[:70])
def test_what_is_wrong_between_turns_is_told_with_anthropics_place(
    turns: list[Body], code: str, place: str, said: str
) -> None:
    error = refused(messages=turns, system="Be brief.")
    assert (error.code, error.param) == (code, place)
    assert said in error.message


class TestTools:
    def test_one_user_turn_becomes_a_message_for_each_result_and_one_for_the_rest(self) -> None:
        turns = (HI, assistant(text("Let me see."), use(A, q=1), use(B)), user(text("Now?"), result(A), result(B, [])))
        assert sent(*turns)[1:] == [
            {"role": "assistant", "content": "Let me see.", "tool_calls": [call(A, '{"q":1}'), call(B)]},
            {"role": "tool", "tool_call_id": A, "content": "found"},
            {"role": "tool", "tool_call_id": B, "content": ""},
            {"role": "assistant", "content": "OK."},
            {"role": "user", "content": "Now?"},
        ]

    def test_ids_of_anthropics_form_stay_paired(self) -> None:
        long = "toolu_01D7FLrfh4GYq7yT1ULFeyMV"
        messages = sent(HI, assistant(use(long)), user(result(long)))
        assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]
        assert len(messages[2]["tool_call_id"]) == 9

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("no such file", "Error:\nno such file"),
            (None, "Error:"),
            ([text("no"), text("file")], "Error:\nno\nfile"),
            (
                [{"type": "image", "source": IMAGE}],
                [text("Error:"), {"type": "image_url", "image_url": "data:image/png;base64,iVBO"}],
            ),
        ],
    )
    def test_a_failed_tool_says_so_in_its_text(self, content: Any, told: Any) -> None:
        failed = result(A, content, is_error=True)
        if content is None:
            del failed["content"]
        assert sent(HI, assistant(use(A)), user(failed))[-1]["content"] == told

    def test_turns_of_one_role_in_a_row_are_one(self) -> None:
        split = (HI, assistant(text("So.")), assistant(use(A)), assistant(use(B)), user(result(A)), user(result(B)))
        joined = (HI, assistant(text("So."), use(A), use(B)), user(result(A), result(B)))
        assert sent(*split) == sent(*joined)
        error = refused(messages=[*split[:-1], user(result("c"))])
        assert error.param == "messages[5].content[0].tool_use_id"


THOUGHT = {"type": "thinking", "thinking": "2 + 2", "signature": SIGNATURE}


class TestThinking:
    def test_thoughts_go_back_as_they_came(self) -> None:
        turns = (HI, assistant(THOUGHT, text("Four."), use(A)), user(result(A)))
        request = read(messages=list(turns))
        assert upstream(request)["messages"][1] == {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": [text("2 + 2")], "closed": True}, text("Four.")],
            "tool_calls": [call(A)],
        }
        assert request.dropped == ()

    @pytest.mark.parametrize(
        ("block", "named"),
        [
            ({"type": "redacted_thinking", "data": "x"}, ("messages.content.redacted_thinking",)),
            ({**THOUGHT, "thinking": ""}, ()),
            ({**THOUGHT, "thinking": "", "signature": "EqQBCgIYAhIM"}, ("messages.content.signature",)),
        ],
    )
    def test_what_cannot_be_read_is_left_out(self, block: Body, named: tuple[str, ...]) -> None:
        request = read(messages=[HI, assistant(block, text("Four.")), HI])
        assert upstream(request)["messages"][1] == {"role": "assistant", "content": "Four."}
        assert request.dropped == named


class TestPrefill:
    def test_an_assistant_turn_at_the_end_is_one_to_go_on_with(self) -> None:
        assert sent(HI, {"role": "assistant", "content": "{"})[-1] == {
            "role": "assistant",
            "content": "{",
            "prefix": True,
        }

    def test_an_earlier_one_is_not(self) -> None:
        assert sent(HI, {"role": "assistant", "content": "{"}, HI)[1] == {"role": "assistant", "content": "{"}

    @pytest.mark.parametrize("content", ["", [], [text("")], [THOUGHT]])
    def test_one_without_text_asks_for_an_answer_and_no_more(self, content: Any) -> None:
        request = read(messages=[HI, {"role": "assistant", "content": content}])
        assert upstream(request)["messages"] == [HI]
        assert request.dropped == ("messages[1]",)


def test_an_agents_long_conversation_is_one_that_the_vendors_validator_accepts() -> None:
    turns = (
        user(text("<reminder>Be brief.</reminder>"), text("Fix the bug.")),
        assistant(THOUGHT, text("I look."), use("toolu_1"), use("toolu_2")),
        user(result("toolu_2", [text("a"), text("b")]), result("toolu_1", "denied", is_error=True), text("Go on.")),
        assistant(use("toolu_3")),
        user(result("toolu_3")),
        assistant(text("Done.")),
        user(text("Thanks. And the other?")),
    )
    request = read(messages=list(turns), system=[text("You are an agent."), text("Use tools.")], tools=[TOOL])
    body = json.loads(mistral_body(request, model="m", max_tokens=9, reasons=False))
    known = {name: body[name] for name in ("messages", "tools", "model")}
    MistralRequestValidatorV13(ValidationMode.serving).validate_request(ChatCompletionRequest.model_validate(known))
