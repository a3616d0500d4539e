"""What must be true of a whole conversation on its way upstream: what models thought, and what real clients send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import MistralRequestValidatorV13, ValidationMode

from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.wire.test_chat import ALLOWED, ALLOWED_IN_MESSAGES, USER, parse, upstream

Body = dict[str, Any]

THOUGHT = [{"type": "thinking", "thinking": [{"type": "text", "text": "2 + 2"}], "closed": True}]
CALL = {"id": "aaaaaaaaa", "type": "function", "function": {"name": "a", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": "x"}


class TestThinking:
    def sent(self, *messages: Body, reasons: bool) -> list[Body]:
        messages_sent: list[Body] = upstream(parse(messages=list(messages)), reasons=reasons)["messages"]
        return messages_sent

    def test_what_was_thought_goes_back_to_models_that_think(self) -> None:
        turn = {"role": "assistant", "content": [*THOUGHT, {"type": "text", "text": "Four."}]}
        assert self.sent(USER, turn, USER, reasons=True)[1] == turn
        assert self.sent(USER, turn, USER, reasons=False)[1] == {
            "role": "assistant",
            "content": [{"type": "text", "text": "Four."}],
        }

    def test_a_turn_that_only_thought_is_left_out_for_others(self) -> None:
        turn = {"role": "assistant", "content": THOUGHT}
        assert self.sent(USER, turn, USER, reasons=False) == [USER, USER]

    def test_a_turn_that_thought_and_called_keeps_its_calls(self) -> None:
        turn = {"role": "assistant", "content": THOUGHT, "tool_calls": [CALL]}
        assert self.sent(USER, turn, RESULT, reasons=False)[1] == {
            "role": "assistant",
            "content": "",
            "tool_calls": [CALL],
        }

    def test_between_a_tool_and_the_user_an_assistant_turn_remains(self) -> None:
        called = {"role": "assistant", "content": "", "tool_calls": [CALL]}
        turns = [USER, called, RESULT, {"role": "assistant", "content": THOUGHT}, USER]
        assert [turn["role"] for turn in self.sent(*turns, reasons=False)] == [
            *("user", "assistant", "tool", "assistant", "user")
        ]

    def test_an_effort_is_sent_only_to_models_that_take_one(self) -> None:
        assert "reasoning_effort" not in upstream(parse(reasoning_effort="high"), reasons=False)


RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded/clients.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("recorded", RECORDED, ids=[entry["client"] for entry in RECORDED])
def test_what_real_clients_send_becomes_what_mistral_takes(recorded: Body) -> None:
    body = upstream(parse_chat(json.dumps(recorded["body"]).encode(), Bounds()), reasons=False)
    assert body.keys() <= ALLOWED
    assert all(message.keys() <= ALLOWED_IN_MESSAGES for message in body["messages"])
    assert "$ref" not in json.dumps(body.get("tools", []))
    known = {name: body[name] for name in ("messages", "tools", "model", "max_tokens") if name in body}
    MistralRequestValidatorV13(ValidationMode.serving).validate_request(ChatCompletionRequest.model_validate(known))
