"""What must be true of a whole conversation on its way upstream: what models thought, and what real clients send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from router.wire.chat import parse_chat
from router.wire.messages import BRIDGE, OPENING
from router.wire.reading import Bounds
from tests.contract.judge import CHAT, Reader, problems_of
from tests.wire.test_chat import USER, parse, upstream

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

    def test_a_prefix_of_mere_thoughts_leaves_the_turn_before_it_to_continue(self) -> None:
        said, thought = (
            {"role": "assistant", "content": "Four"},
            {"role": "assistant", "content": THOUGHT, "prefix": True},
        )
        assert self.sent(USER, said, thought, reasons=True)[-1] == thought
        assert self.sent(USER, said, thought, reasons=False) == [USER, {**said, "prefix": True}]

    def test_where_only_thoughts_were_said_somebody_still_asks(self) -> None:
        system, thought = {"role": "system", "content": "x"}, {"role": "assistant", "content": THOUGHT, "prefix": True}
        assert self.sent(system, thought, reasons=False) == [system, {"role": "user", "content": OPENING}]

    def test_an_effort_is_sent_only_to_models_that_take_one(self) -> None:
        assert "reasoning_effort" not in upstream(parse(reasoning_effort="high"), reasons=False)


IMAGE = {"type": "image_url", "image_url": "data:image/png;base64,QUJD"}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
SEEN = {**RESULT, "content": [{"type": "text", "text": "a"}, IMAGE, {"type": "text", "text": "b"}]}
BRIDGED = {"role": "assistant", "content": BRIDGE}
SHOWN = {"role": "user", "content": [IMAGE]}


class TestImagesInResults:
    def sent(self, *messages: Body, reasons: bool) -> list[Body]:
        body = upstream(parse(messages=[USER, CALLED, *messages]), reasons=reasons)
        assert problems_of(CHAT, body, Reader.REASONS if reasons else Reader.OTHER) == []
        return list(body["messages"][2:])

    def test_models_that_read_them_there_get_them_there(self) -> None:
        assert self.sent(SEEN, reasons=True) == [SEEN]

    def test_other_models_see_them_in_a_turn_of_the_user(self) -> None:
        plain = {**RESULT, "content": "a\nb"}
        assert self.sent(SEEN, reasons=False) == [plain, BRIDGED, SHOWN]

    @pytest.mark.parametrize("said", [USER, {"role": "user", "content": "And?"}])
    def test_one_bridge_is_enough(self, said: Body) -> None:
        sent = self.sent(SEEN, said, reasons=False)
        assert sent[1:] == [BRIDGED, SHOWN, said]

    def test_what_the_assistant_said_to_them_comes_behind_them(self) -> None:
        said = {"role": "assistant", "content": "A cat."}
        assert self.sent(SEEN, said, USER, reasons=False)[1:] == [BRIDGED, SHOWN, said, USER]


RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded/clients.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("reader", Reader)
@pytest.mark.parametrize("recorded", RECORDED, ids=[entry["client"] for entry in RECORDED])
def test_what_real_clients_send_becomes_what_mistral_takes(recorded: Body, reader: Reader) -> None:
    request = parse_chat(json.dumps(recorded["body"]).encode(), Bounds())
    body = upstream(request, reasons=reader is Reader.REASONS)
    assert problems_of(CHAT, body, reader) == []
    assert "$ref" not in json.dumps(body.get("tools", []))
