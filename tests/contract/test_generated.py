"""Any request: refused in words, with a code of the documentation and a place, or sent as Mistral takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from router.errors import BadRequest
from router.wire.body import mistral_body
from router.wire.chat import ChatRequest, parse_chat
from router.wire.reading import Bounds
from tests.contract.asking import as_json, request
from tests.contract.judge import CHAT, Reader, problems_of
from tests.pages import first_cells, section

CODES = first_cells(section("docs/api.md", "Errors"))
# Of a body that is no JSON there is no place to name.
PLACELESS = {"invalid_json", "nested_too_deeply"}
MANY = {"suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def judged(body: dict[str, Any]) -> None:
    read = read_or_refused(body)
    for reader in Reader if read else ():
        sent = mistral_body(read, model="m", max_tokens=99, reasons=reader is Reader.REASONS)
        assert problems_of(CHAT, json.loads(sent), reader) == []


def read_or_refused(body: dict[str, Any]) -> ChatRequest | None:
    try:
        return parse_chat(as_json(body), Bounds())
    except BadRequest as caught:
        refusal = caught
    assert refusal.code in CODES
    assert refusal.param or refusal.code in PLACELESS
    assert len(refusal.message) > 10
    return None


@settings(max_examples=2_000, **MANY)
@given(request())
def test_any_request_is_refused_in_words_or_sent_as_mistral_takes_it(body: dict[str, Any]) -> None:
    judged(body)


@pytest.mark.slow
@settings(max_examples=100_000, **MANY)
@given(request())
def test_a_hundred_thousand_requests_are_refused_in_words_or_sent_as_mistral_takes_them(body: dict[str, Any]) -> None:
    judged(body)
