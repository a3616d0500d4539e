"""Conversations that stay on the model that has read them: what they are known by, and what it saves."""

from __future__ import annotations

import itertools
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.charges import real_cost
from router.core.sites import main_site
from router.core.warmth import BLOCK, SHARED_FROM, Conversation, Warm, conversation_of
from router.rulebook import load_rules
from router.wire.chat import parse_chat, with_cache_key
from router.wire.reading import Bounds
from router.wire.usage import Usage
from tests.core.making import ask, plan, rules

ROOT = Path(__file__).parents[2]
SHIPPED = load_rules(ROOT / "config", ROOT / "policies", date(2026, 11, 23))
MAIN = main_site("http://mistral", "global")
SYSTEM = {"role": "system", "content": "You are terse."}
LONG = {"role": "system", "content": "A rule. " * SHARED_FROM}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def conversation(*turns: dict[str, Any], key: str = "k", affinity: str | None = None, **fields: Any) -> Conversation:
    body = json.dumps({"model": "auto", "messages": turns, **fields}).encode()
    return conversation_of(parse_chat(body, Bounds()), key, affinity)


def test_a_conversation_is_known_by_how_it_begins() -> None:
    first = conversation(SYSTEM, user("Hello."))
    later = conversation(SYSTEM, user("Hello."), said("Hi."), user("Who are you?"))
    assert first.id == later.id
    assert (first.goes_on, later.goes_on) == (False, True)
    others = [
        conversation(user("Hello.")),
        conversation(SYSTEM, user("Hallo.")),
        conversation(SYSTEM, user("Hello."), key="another"),
        conversation(SYSTEM, user("Hello."), tools=[TOOL]),
    ]
    assert len({first.id, *(other.id for other in others)}) == 5


def test_what_the_app_says_goes_before_how_it_begins() -> None:
    one = conversation(user("a"), affinity="session-7")
    assert one.id == conversation(user("b"), affinity="session-7").id != conversation(user("b"), affinity="8").id
    assert conversation(user("a"), prompt_cache_key="x").id == conversation(user("b"), prompt_cache_key="x").id
    assert "session-7" not in one.id + one.cache_key


def test_conversations_share_a_cache_key_when_what_they_share_is_long() -> None:
    one, other = conversation(LONG, user("a")), conversation(LONG, user("b"))
    assert one.id != other.id
    assert one.cache_key == other.cache_key
    assert conversation(SYSTEM, user("a")).cache_key != conversation(SYSTEM, user("b")).cache_key


def test_the_apps_own_cache_key_is_kept() -> None:
    body = json.dumps({"model": "auto", "messages": [user("a")], "prompt_cache_key": "mine"}).encode()
    assert with_cache_key(parse_chat(body, Bounds()), "ours").sampling.prompt_cache_key == "mine"


@given(st.integers(0, 100_000), st.integers(1, 100_000))
def test_what_is_cached_is_whole_blocks_of_what_both_prompts_have(before: int, now: int) -> None:
    warm = Warm(model="m", upstream="mistral", tokens=before)
    cached = warm.cached_tokens("m", MAIN, now)
    assert cached % BLOCK == 0
    assert 0 <= cached <= max(0, min(before, now) - BLOCK)
    assert warm.cached_tokens("n", MAIN, now) == 0


KINDS = itertools.cycle(["code", "short_qa", "long_qa", "chat", "code", "maths", "chat", "extraction"])


def test_a_long_conversation_costs_less_than_the_best_choice_of_each_turn() -> None:
    """40 turns of many kinds behind a history of 30,000 tokens, billed with what each model has cached by then."""
    spent = {}
    for stays in (True, False):
        read: dict[str, Warm] = {}  # what each model has in its cache
        last: Warm | None = None
        spent[stays] = 0
        for turn, kind in zip(range(40), KINDS, strict=False):
            tokens = 30_000 + 300 * turn
            asked = ask(kind=kind, input_tokens=tokens, output_tokens_expected=200)
            made = plan(asked, world=SHIPPED, warm=last if stays else None)
            assert made.chosen is not None
            name = made.chosen.card.name
            cached = read[name].cached_tokens(name, MAIN, tokens) if name in read else 0
            usage = Usage(input_tokens=tokens, output_tokens=200, cached_tokens=cached)
            spent[stays] += real_cost(made.chosen.card, usage, MAIN.factor)
            last = read[name] = Warm(model=name, upstream="mistral", tokens=tokens)
    assert spent[True] < spent[False], spent


PRICED = {
    name: {"context_tokens": 8_192, "abilities": ["chat"], "input": price, "output": price}
    for name, price in (("cheap", "1.00"), ("dear", "1.20"))
}
POLICY = {"team": "apps", "baseline_model": "dear", "models": {"allow": ["*"]}}


@pytest.mark.parametrize(
    ("cached", "leads", "reason"), [(0, "cheap", "cheapest_suitable"), (900, "dear", "stayed_warm")]
)
def test_a_dearer_model_leads_while_it_is_warm(cached: int, leads: str, reason: str) -> None:
    world = rules(PRICED, {"cheap": 80, "dear": 80}, POLICY)
    warm = Warm(model="dear", upstream="mistral", tokens=cached) if cached else None
    made = plan(ask(), world=world, warm=warm)
    assert made.chosen is not None
    assert (made.chosen.card.name, made.reason.value) == (leads, reason)
