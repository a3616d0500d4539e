"""Conversations as apps send them, and as Mistral takes them: ids, pairing, order, roles."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.messages import BRIDGE, OPENING, Message, short_id
from tests.wire.turns import Turn, call, calls, read, refused, result, sent, system, user

FILE = "3b6d45eb-e30b-416f-8019-f47e2e93d930"


class TestIds:
    @pytest.mark.parametrize("call_id", ["aaaaaaaaa", "gSIMJiOkT", "123456789"])
    def test_an_id_that_mistral_takes_stays(self, call_id: str) -> None:
        assert short_id(call_id) == call_id

    @pytest.mark.parametrize(
        "call_id",
        ["call_abcdefghijklmnopqrstuvwx", "null", "x", "", "aaaaaaaa-", "aaaaaaaaaa", "aaaaaaaaa\n", "ééééééééé"],
    )
    def test_any_other_becomes_nine_alphanumerics(self, call_id: str) -> None:
        assert re.fullmatch(r"[a-zA-Z0-9]{9}", short_id(call_id))
        assert short_id(call_id) != call_id

    def test_an_id_is_the_same_in_every_process(self) -> None:
        assert short_id("call_abcdefghijklmnopqrstuvwx") == "7HSCP18e4"

    @given(st.text(), st.text())
    def test_ids_that_differ_stay_different(self, one: str, other: str) -> None:
        assert (short_id(one) == short_id(other)) == (one == other)

    def test_a_call_and_its_result_keep_the_same_id(self) -> None:
        _, asked, answered = sent(user(), calls("call_1"), result("call_1"))
        assert asked["tool_calls"][0]["id"] == answered["tool_call_id"] == short_id("call_1")

    def test_a_call_without_an_id_gets_one_from_its_place(self) -> None:
        error = refused(user(), {"role": "assistant", "tool_calls": [call(None)]}, result("call_1"))
        assert error.code == "tool_call_pairing"


class TestRoles:
    def test_the_developer_speaks_as_the_system(self) -> None:
        assert sent({"role": "developer", "content": "Be brief."}, user())[0] == system()

    def test_a_name_and_openais_extras_are_dropped_and_named_once(self) -> None:
        messages, dropped = read(
            {**user(), "name": "bob", "id": "m1", "metadata": {}},
            {"role": "assistant", "content": "x", "refusal": "no", "annotations": [], "audio": {"id": "a"}},
            {**user(), "name": "eve"},
        )
        assert dropped == [
            *("messages.metadata", "messages.id", "messages.name"),
            *("messages.refusal", "messages.annotations", "messages.audio"),
        ]
        assert messages == [user(), {"role": "assistant", "content": "x"}, user()]

    def test_a_tool_result_keeps_its_name(self) -> None:
        messages, dropped = read(user(), calls("aaaaaaaaa"), result("aaaaaaaaa", name="look_up"))
        assert messages[-1]["name"] == "look_up"
        assert dropped == []

    def test_a_function_call_and_its_result_become_a_tool_call(self) -> None:
        _, asked, answered = sent(
            user(),
            {"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": '{"q": 1}'}},
            {"role": "function", "name": "look_up", "content": "found"},
        )
        [made] = asked["tool_calls"]
        assert made["function"] == {"name": "look_up", "arguments": '{"q": 1}'}
        assert answered == {**result(made["id"]), "name": "look_up"}

    def test_a_function_result_without_a_call_is_refused(self) -> None:
        error = refused(user(), {"role": "function", "name": "look_up", "content": "x"})
        assert (error.code, error.param) == ("tool_call_pairing", "messages[1]")

    @pytest.mark.parametrize("name", ["", "functions.look_up:0", "été"])
    def test_a_results_name_that_mistral_refuses_is_dropped_and_named(self, name: str) -> None:
        messages, dropped = read(user(), calls("aaaaaaaaa"), result("aaaaaaaaa", name=name))
        assert "name" not in messages[-1]
        assert dropped == ["messages.name"]

    def test_a_call_of_a_name_that_mistral_refuses_is_refused_with_its_place(self) -> None:
        odd = {"name": "a.b", "arguments": "{}"}
        error = refused(user(), {"role": "assistant", "tool_calls": [{"id": "a", "function": odd}]}, result("a"))
        assert (error.code, error.param) == ("invalid_function_name", "messages[1].tool_calls[0].function.name")
        error = refused(user(), {"role": "assistant", "function_call": odd}, {"role": "function", "content": ""})
        assert (error.code, error.param) == ("invalid_function_name", "messages[1].function_call.name")

    @pytest.mark.parametrize("role", ["", "User", "model", "tool_result"])
    def test_an_unknown_role_is_refused_with_its_place(self, role: str) -> None:
        error = refused(user(), {"role": role, "content": "x"})
        assert (error.code, error.param) == ("unknown_role", "messages[1].role")


class TestOrder:
    def test_an_assistant_turn_stands_between_a_tool_and_the_user(self) -> None:
        messages = sent(user(), calls("aaaaaaaaa"), result("aaaaaaaaa"), user("thanks"))
        assert [turn["role"] for turn in messages] == ["user", "assistant", "tool", "assistant", "user"]
        assert messages[3] == {"role": "assistant", "content": BRIDGE}

    def test_nothing_is_put_where_the_order_is_right(self) -> None:
        turns = [user(), calls("aaaaaaaaa", content=""), result("aaaaaaaaa"), {"role": "assistant", "content": "x"}]
        messages = sent(system(), *turns, user())
        assert [turn["role"] for turn in messages] == ["system", "user", "assistant", "tool", "assistant", "user"]

    def test_an_empty_assistant_turn_is_left_out_and_named(self) -> None:
        messages, dropped = read(user(), {"role": "assistant", "content": None}, user("again"))
        assert messages == [user(), user("again")]
        assert dropped == ["messages[1]"]

    @pytest.mark.parametrize("content", [None, "", []])
    def test_an_assistant_turn_that_only_calls_has_empty_content(self, content: Any) -> None:
        assert sent(user(), calls("aaaaaaaaa", content=content), result("aaaaaaaaa"))[1]["content"] == ""

    def test_words_beside_calls_stay(self) -> None:
        assert sent(user(), calls("aaaaaaaaa", content="Looking."), result("aaaaaaaaa"))[1]["content"] == "Looking."

    @pytest.mark.parametrize(
        "before",
        [
            [user(), {"role": "assistant", "content": "Yes."}],
            [user(), calls("aaaaaaaaa"), result("aaaaaaaaa")],
            [user(), calls("aaaaaaaaa")],
        ],
    )
    def test_a_reminder_where_the_vendor_refuses_one_moves_to_the_head(self, before: list[Turn]) -> None:
        after = [result("aaaaaaaaa")] if before[-1].get("tool_calls") else [user("Go on.")]
        messages = sent(system("First."), *before, system("Remember."), *after)
        assert messages[:2] == [system("First."), system("Remember.")]
        assert messages[2:] == sent(*before, *after)

    def test_a_reminder_behind_the_user_leaves_the_user_the_last_word(self) -> None:
        assert sent(user(), system("Remember."), system("Both.")) == [system("Remember."), system("Both."), user()]

    def test_a_prefix_may_come_last_and_nowhere_else(self) -> None:
        prefix = {"role": "assistant", "content": "Dear", "prefix": True}
        assert sent(user(), prefix, user())[1] == {"role": "assistant", "content": "Dear"}
        assert sent(user(), prefix)[-1] == prefix
        assert "prefix" not in sent(user(), {**prefix, "prefix": False}, user())[1]

    @pytest.mark.parametrize(
        "turns",
        [
            [calls("aaaaaaaaa"), result("aaaaaaaaa")],
            [{"role": "assistant", "content": "Hello."}, calls("aaaaaaaaa"), result("aaaaaaaaa")],
            [{"role": "assistant", "content": "Dear", "prefix": True}],
        ],
    )
    def test_a_history_cut_off_before_a_call_opens_with_a_user_who_says_nothing(self, turns: list[Turn]) -> None:
        assert sent(*turns)[0] == user(OPENING)
        assert sent(system(), *turns)[0] == system()

    def test_an_assistant_may_greet_first(self) -> None:
        turns = [{"role": "assistant", "content": "Hello."}, user()]
        assert sent(*turns) == turns

    @pytest.mark.parametrize(
        "turns",
        [
            [system()],
            [user(), {"role": "assistant", "content": "x"}],
            [user(), {"role": "assistant", "content": "x", "prefix": False}],
            [{"role": "assistant", "content": ""}],
        ],
    )
    def test_nobody_to_answer_is_refused_at_the_last_message(self, turns: list[Turn]) -> None:
        error = refused(*turns)
        assert (error.code, error.param) == ("last_message_role", f"messages[{len(turns) - 1}].role")

    def test_no_messages_are_refused(self) -> None:
        assert (refused().code, refused().param) == ("empty_messages", "messages")

    @pytest.mark.parametrize("role", ["user", "system", "developer"])
    @pytest.mark.parametrize("content", [None, []])
    def test_a_turn_without_content_is_refused(self, role: str, content: Any) -> None:
        error = refused(user(), {"role": role, "content": content})
        assert (error.code, error.param) == ("empty_content", "messages[1].content")


class TestPairing:
    def test_results_may_come_in_any_order(self) -> None:
        messages = sent(user(), calls("aaaaaaaaa", "bbbbbbbbb"), result("bbbbbbbbb"), result("aaaaaaaaa"))
        assert [turn.get("tool_call_id") for turn in messages[2:]] == ["bbbbbbbbb", "aaaaaaaaa"]

    @pytest.mark.parametrize(
        ("turns", "param"),
        [
            ([user(), calls("aaaaaaaaa")], "messages[1]"),
            ([user(), calls("aaaaaaaaa", "bbbbbbbbb"), result("aaaaaaaaa")], "messages[2]"),
            ([user(), calls("aaaaaaaaa"), user()], "messages[2]"),
            ([user(), calls("aaaaaaaaa"), calls("bbbbbbbbb"), result("bbbbbbbbb")], "messages[2]"),
            ([user(), result("aaaaaaaaa")], "messages[1].tool_call_id"),
            ([user(), calls("aaaaaaaaa"), result("bbbbbbbbb")], "messages[2].tool_call_id"),
            ([user(), calls("aaaaaaaaa"), result("aaaaaaaaa"), result("aaaaaaaaa")], "messages[3].tool_call_id"),
            ([user(), calls("aaaaaaaaa"), {"role": "tool", "content": "x"}], "messages[2]"),
            ([user(), calls("aaaaaaaaa", "aaaaaaaaa"), result("aaaaaaaaa")], "messages[1].tool_calls"),
        ],
    )
    def test_a_call_without_its_one_result_is_refused_with_the_place(self, turns: list[Turn], param: str) -> None:
        error = refused(*turns)
        assert (error.code, error.param) == ("tool_call_pairing", param)
        assert param.split(".")[0] in error.message


class TestContent:
    def test_a_tool_result_of_text_parts_becomes_plain_text(self) -> None:
        parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
        assert sent(user(), calls("aaaaaaaaa"), result("aaaaaaaaa", parts))[-1]["content"] == "one\ntwo"
        assert sent(user(), calls("aaaaaaaaa"), result("aaaaaaaaa", None))[-1]["content"] == ""

    def test_a_tool_result_with_an_image_keeps_its_parts(self) -> None:
        parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": "https://example.com/a.png"}]
        assert sent(user(), calls("aaaaaaaaa"), result("aaaaaaaaa", parts))[-1]["content"] == parts

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [('{"q": 1}', '{"q": 1}'), ("not json", "not json"), ("", "{}"), (None, "{}"), ({"q": 1}, '{"q":1}')],
    )
    def test_arguments_are_json_text_as_the_model_wrote_it(self, arguments: Any, text: str) -> None:
        turn = {"role": "assistant", "tool_calls": [call(arguments=arguments)]}
        assert sent(user(), turn, result("aaaaaaaaa"))[1]["tool_calls"][0]["function"]["arguments"] == text

    def test_what_was_thought_goes_back_as_a_thinking_part(self) -> None:
        turn = {"role": "assistant", "content": "Four.", "reasoning_content": "2 + 2"}
        assert sent(user(), turn, user())[1]["content"] == [
            {"type": "thinking", "thinking": [{"type": "text", "text": "2 + 2"}], "closed": True},
            {"type": "text", "text": "Four."},
        ]

    @pytest.mark.parametrize("part", ["a", {"type": "text", "text": "a"}, {"type": "refusal", "refusal": "a"}])
    def test_text_comes_in_three_forms(self, part: Any) -> None:
        assert sent(user([part]))[0]["content"] == [{"type": "text", "text": "a"}]

    @pytest.mark.parametrize(
        ("part", "kept"),
        [
            ({"type": "image_url", "image_url": {"url": "u", "detail": "low"}}, None),
            ({"type": "image_url", "image_url": "u"}, None),
            ({"type": "document_url", "document_url": "u", "document_name": "n"}, None),
            ({"type": "file", "file_id": FILE}, None),
            ({"type": "file", "file": {"file_id": FILE}}, {"type": "file", "file_id": FILE}),
            ({"type": "input_audio", "input_audio": "QUJD"}, None),
            (
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
                {"type": "input_audio", "input_audio": "QUJD"},
            ),
            ({"type": "reference", "reference_ids": [1]}, None),
            (
                {"type": "image_url", "image_url": {"url": "u", "detail": "original"}},
                {"type": "image_url", "image_url": {"url": "u", "detail": "high"}},
            ),
            (
                {"type": "image_url", "image_url": {"url": "u"}, "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "u"}},
            ),
        ],
    )
    def test_parts_of_both_dialects_take_mistrals_shape(self, part: Turn, kept: Turn | None) -> None:
        assert sent(user([part]))[0]["content"] == [kept or part]

    @pytest.mark.parametrize(
        ("part", "code"),
        [
            ({"type": "video_url", "video_url": "u"}, "unsupported_content"),
            ({"text": "a"}, "unsupported_content"),
            ({"type": ["text"]}, "unsupported_content"),
            ({"type": "text"}, "invalid_content"),
            ({"type": "image_url", "image_url": 7}, "invalid_content"),
            ({"type": "input_audio", "input_audio": {"format": "wav"}}, "invalid_content"),
            ({"type": "file", "file": {}}, "invalid_content"),
            ({"type": "file", "file_id": "file-abc123"}, "invalid_content"),
            ({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:;base64,"}}, "invalid_content"),
            ({"type": "image_url", "image_url": {"url": "u", "detail": "ultra"}}, "invalid_content"),
            ({"type": "thinking", "thinking": []}, "invalid_content"),
        ],
    )
    def test_a_part_that_cannot_be_served_is_refused_with_its_place(self, part: Turn, code: str) -> None:
        error = refused(user(), user(["x", part]))
        assert (error.code, error.param) == (code, "messages[1].content[1]")

    @pytest.mark.parametrize(
        ("role", "part"),
        [
            ("system", {"type": "image_url", "image_url": "u"}),
            ("system", {"type": "reference", "reference_ids": [1]}),
            ("assistant", {"type": "image_url", "image_url": "u"}),
            ("assistant", {"type": "document_url", "document_url": "u"}),
            ("tool", {"type": "thinking", "thinking": []}),
        ],
    )
    def test_a_part_that_no_such_turn_may_hold_is_refused_with_its_place(self, role: str, part: Turn) -> None:
        error = refused(user(), {"role": role, "content": ["x", part]}, user())
        assert (error.code, error.param) == ("invalid_content", "messages[1].content[1]")
        assert f"no {role} message may hold" in error.message

    def test_a_thought_in_the_system_prompt_keeps_its_words(self) -> None:
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Draft first."}]}
        assert sent(system(["Be brief.", thought]), user())[0]["content"] == [
            {"type": "text", "text": "Be brief."},
            {"type": "text", "text": "Draft first."},
        ]

    @pytest.mark.parametrize("kind", ["reference", "tool_reference"])
    def test_references_in_a_thought_are_left_out(self, kind: str) -> None:
        words = {"type": "text", "text": "hm"}
        thought = {"type": "thinking", "thinking": [{"type": kind, "reference_ids": [1]}, words]}
        [kept] = sent({"role": "assistant", "content": [thought]}, user())[0]["content"]
        assert kept == {"type": "thinking", "thinking": [words]}


def test_a_message_without_defaults_is_small_on_the_wire() -> None:
    assert msgspec.json.encode(Message(role="user", content="hi")) == b'{"role":"user","content":"hi"}'
