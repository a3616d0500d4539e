"""Guardrails: what is no guardrail is refused, because a check left out would check nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.errors import BadRequest
from router.wire.guardrails import read_guardrails
from tests.contract.judge import CHAT, problems_of

V1 = "moderation_llm_v1"
V2 = "moderation_llm_v2"
LIMITS = "custom_category_thresholds"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {}),
        ({"block_on_error": True}, {"block_on_error": True}),
        ({"block_on_error": None, V1: None}, {}),
        ({V1: {LIMITS: {"pii": 0.1, "law": None}}}, {V1: {LIMITS: {"pii": 0.1, "law": None}}}),
        (
            {V2: {"action": "block", "ignore_other_categories": True}},
            {V2: {"action": "block", "ignore_other_categories": True}},
        ),
        ({V2: {LIMITS: {"jailbreaking": 1}, "model_name": None}}, {V2: {LIMITS: {"jailbreaking": 1}}}),
    ],
)
def test_a_guardrail_goes_to_mistral_as_it_came(given: dict[str, Any], sent: dict[str, Any]) -> None:
    made = msgspec.to_builtins(read_guardrails([given]))
    assert made == [sent]
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "guardrails": made}
    assert problems_of(CHAT, body) == []


@pytest.mark.parametrize("given", [None, []])
def test_no_guardrails_are_none(given: Any) -> None:
    assert read_guardrails(given) is None


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"surprise": 1}, ""),
        ({"block_on_error": "yes"}, ".block_on_error"),
        ({V1: {"action": "shout"}}, f".{V1}.action"),
        ({V1: {LIMITS: {"jailbreaking": 1}}}, f".{V1}.{LIMITS}"),
        ({V2: {LIMITS: {"pii": "high"}}}, f".{V2}.{LIMITS}[...]"),
    ],
)
def test_what_is_no_guardrail_is_refused_with_its_place(given: dict[str, Any], place: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_guardrails([{}, given])
    assert (caught.value.code, caught.value.param) == ("invalid_value", f"guardrails[1]{place}")
    assert "is no guardrail" in caught.value.message
