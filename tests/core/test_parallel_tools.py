"""Several tool calls in one turn, from the request through the plan to the body of an attempt."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from router.core.catalog import Ability
from router.core.classify import classify
from router.core.explain import explain
from router.core.judging import Verdict
from router.core.language import best_detector
from router.core.plan import Plan
from router.core.reasons import Why
from router.core.tokens import Tokenizer
from router.wire.body import mistral_body
from router.wire.chat import ChatRequest, parse_chat
from router.wire.manner import Manner
from router.wire.reading import Bounds
from tests.core.making import MODELS, POLICY, plan, rules

TOKENIZER = Tokenizer((pathlib.Path(__file__).parents[2] / "router" / "data" / "tekken.bin").read_bytes())
DETECTOR = best_detector()
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
USER = {"role": "user", "content": "What is the weather in Lyon and in Lille?"}
A, B = (
    {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    for call_id in ("aaaaaaaaa", "bbbbbbbbb")
)
BOTH = [
    {"role": "assistant", "content": "I look.", "tool_calls": [A, B]},
    {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": "Rain."},
    {"role": "tool", "tool_call_id": "bbbbbbbbb", "content": "Sun."},
]
ONE_BY_ONE = [
    {"role": "assistant", "content": "I look.", "tool_calls": [A]},
    {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": "Rain."},
    {"role": "assistant", "content": "", "tool_calls": [B]},
    {"role": "tool", "tool_call_id": "bbbbbbbbb", "content": "Sun."},
]


def request(*turns: dict[str, Any], **fields: Any) -> ChatRequest:
    body = {"model": "auto", "messages": [USER, *turns], **fields}
    return parse_chat(json.dumps(body).encode(), Bounds())


def planned(asked: ChatRequest, parallel_tools: str) -> Plan:
    """`small` is the one model with tools that cannot make several calls in a turn."""
    policy = {**POLICY, "quality": 0.5, "escalation_cost_max": 99, "baseline_model": "large"}
    models = {name: MODELS[name] for name in ("small", "large")}
    world = rules(models, policy={**policy, "parallel_tools": parallel_tools})
    return plan(classify(asked, TOKENIZER, DETECTOR), world=world)


def sent(asked: ChatRequest, verdict: Verdict) -> dict[str, Any]:
    card = verdict.card
    manner = Manner(
        model=card.name,
        max_tokens=verdict.max_tokens,
        reasons=Ability.REASONING in card.abilities,
        profile=card.schema_profile,
        serial=verdict.serial,
    )
    told: dict[str, Any] = json.loads(mistral_body(asked, manner))
    return told


NEEDED = {
    "several calls asked for": request(tools=[TOOL], parallel_tool_calls=True),
    "several calls so far": request(*BOTH, tools=[TOOL]),
    "several calls so far, and no tools any more": request(*BOTH),
}
NOT_NEEDED = {
    "nothing said": request(tools=[TOOL]),
    "one at a time": request(tools=[TOOL], parallel_tool_calls=False),
    "several calls of no tools": request(parallel_tool_calls=True),
    "one call a turn so far": request(*ONE_BY_ONE, tools=[TOOL]),
}


@pytest.mark.parametrize("title", NEEDED)
def test_a_policy_that_chooses_asks_only_models_that_make_several(title: str) -> None:
    made = planned(NEEDED[title], "choose")
    assert {verdict.card.name: verdict.objection for verdict in made.verdicts} == {
        "small": Why.NO_PARALLEL_TOOLS,
        "large": None,
    }
    body = sent(NEEDED[title], made.order[0])
    assert body.get("parallel_tool_calls") in (None, True)
    assert body["messages"][1:] == ([*BOTH] if "so far" in title else [])


@pytest.mark.parametrize("title", NOT_NEEDED)
@pytest.mark.parametrize("parallel_tools", ["choose", "serialise"])
def test_what_asks_for_nothing_excludes_nobody(title: str, parallel_tools: str) -> None:
    assert planned(NOT_NEEDED[title], parallel_tools).order[0].card.name == "small"


@pytest.mark.parametrize("title", [*NEEDED, *NOT_NEEDED])
def test_a_policy_that_serialises_tells_models_that_cannot_make_several(title: str) -> None:
    asked = (NEEDED | NOT_NEEDED)[title]
    small, large = planned(asked, "serialise").order
    body = sent(asked, small)
    assert body.get("parallel_tool_calls") is (False if "tools" in body else None)
    assert body["messages"][1:] == (ONE_BY_ONE if "so far" in title else [])
    assert sent(asked, large)["messages"] == sent(asked, planned(asked, "choose").order[-1])["messages"]


@pytest.mark.parametrize("title", [*NEEDED, *NOT_NEEDED])
def test_the_tokens_are_those_of_what_is_sent(title: str) -> None:
    asked = (NEEDED | NOT_NEEDED)[title]
    for verdict in planned(asked, "serialise").order:
        body = sent(asked, verdict)
        again = parse_chat(json.dumps({**body, "model": "auto"}).encode(), Bounds())
        assert verdict.input_tokens == classify(again, TOKENIZER, DETECTOR).input_tokens


def test_what_the_policy_does_without_is_no_need_in_the_explanation() -> None:
    asked = NEEDED["several calls asked for"]
    needs = {
        mode: explain("r1", classify(asked, TOKENIZER, DETECTOR), planned(asked, mode)).classification["needs"]
        for mode in ("choose", "serialise")
    }
    assert needs == {"choose": ["chat", "parallel_tools", "tools"], "serialise": ["chat", "tools"]}
