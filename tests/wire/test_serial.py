"""One tool call a turn, for models that make no more: nothing is lost, and the vendor's own validators agree."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import MistralRequestValidatorV13, ValidationMode

from router.wire.messages import IncomingMessage, read_messages
from router.wire.serial import one_call_a_turn
from tests.wire.turns import Turn, call, calls, result, user

IDS = ("aaaaaaaaa", "bbbbbbbbb", "ccccccccc", "ddddddddd")


def serial(*turns: Turn) -> list[Turn]:
    read = read_messages(msgspec.convert(list(turns), list[IncomingMessage]), [])
    made: list[Turn] = msgspec.to_builtins(list(one_call_a_turn(read)))
    return made


def test_each_call_gets_a_turn_and_its_result_after_it() -> None:
    a, b, _, _ = IDS
    made = serial(user(), calls(a, b, content="I look both up."), result(b, "two"), result(a, "one", name="look_up"))
    assert made == [
        user(),
        {"role": "assistant", "content": "I look both up.", "tool_calls": [call(a)]},
        {"role": "tool", "content": "one", "tool_call_id": a, "name": "look_up"},
        {"role": "assistant", "content": "", "tool_calls": [call(b)]},
        {"role": "tool", "content": "two", "tool_call_id": b},
    ]


def test_what_was_thought_stays_with_the_first_call() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Both."}], "closed": True}]
    made = serial(user(), calls(*IDS[:2], content=thought), *(result(call_id) for call_id in IDS[:2]))
    assert [turn["content"] for turn in made if turn["role"] == "assistant"] == [thought, ""]


TURNS = st.lists(
    st.one_of(
        st.just([user()]),
        st.just([{"role": "assistant", "content": "Well."}]),
        st.integers(1, 4).flatmap(
            lambda count: st.builds(
                lambda order, said: [
                    calls(*IDS[:count], content=said),
                    *(result(call_id, call_id) for call_id in order),
                ],
                st.permutations(IDS[:count]),
                st.sampled_from(["Look.", ""]),
            )
        ),
    ),
    max_size=5,
)


@given(TURNS)
def test_any_conversation_keeps_what_was_said_called_and_answered(parts: list[list[Turn]]) -> None:
    turns = [user(), *(turn for part in parts for turn in part), user("And?")]
    made = serial(*turns)
    assert all(len(turn.get("tool_calls") or ()) <= 1 for turn in made)
    assert serial(*made) == made
    assert _told(made) == _told(turns)
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    request = ChatCompletionRequest.model_validate({"messages": made, "tools": tools, "model": "m"})
    MistralRequestValidatorV13(ValidationMode.serving).validate_request(request)


def _told(turns: list[Turn]) -> Any:
    """Everything but the order of results: texts by role, calls, and which result each call got."""
    said = [(turn["role"], turn["content"]) for turn in turns if turn["role"] != "tool" and turn.get("content")]
    made = [each["id"] for turn in turns for each in turn.get("tool_calls") or ()]
    results = sorted((turn["tool_call_id"], turn["content"]) for turn in turns if turn["role"] == "tool")
    return [entry for entry in said if entry != ("assistant", "OK.")], made, results
