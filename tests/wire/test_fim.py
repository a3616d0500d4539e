"""Fill-in-the-middle: translated, clamped, dropped with its name, and nothing else sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import BadRequest
from router.wire.body import mistral_body, path_of
from router.wire.fim import parse_fim
from router.wire.reading import Bounds


def sent(**fields: Any) -> dict[str, Any]:
    request = parse_fim(json.dumps({"prompt": "def f(", **fields}).encode(), Bounds())
    assert path_of(request) == "/v1/fim/completions"
    body: dict[str, Any] = json.loads(mistral_body(request, model="codestral-2508", max_tokens=64, reasons=False))
    return body


PLAIN = {"model": "codestral-2508", "prompt": "def f(", "max_tokens": 64}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {}),
        ({"suffix": "end", "stop": ["\n\n"], "min_tokens": 3}, {"suffix": "end", "stop": ["\n\n"], "min_tokens": 3}),
        ({"suffix": "", "stop": None, "temperature": None}, {}),
        ({"temperature": 1.9, "top_p": 0}, {"temperature": 1.5, "top_p": 0.0001}),
        ({"seed": -7}, {"random_seed": 7}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"metadata": {"tags": ["a"], "run": 7}}, {"metadata": {"run": 7}}),
        ({"echo": True, "best_of": 3, "logprobs": 1}, {}),
    ],
)  # fmt: skip
def test_a_field_becomes_what_mistral_takes(given: dict[str, Any], made: dict[str, Any]) -> None:
    assert sent(**given) == {**PLAIN, **made}


def test_what_nobody_reads_is_named() -> None:
    request = parse_fim(b'{"model": "m", "prompt": "a", "echo": true, "prompt_cache_key": "\\u00e9"}', Bounds())
    assert request.dropped == ("echo", "prompt_cache_key")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"model": "m"}, "missing_field", "prompt"),
        ({"prompt": ["a"]}, "invalid_type", "prompt"),
        ({"prompt": "a", "max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"prompt": "a", "min_tokens": -1}, "invalid_value", "min_tokens"),
        ({"prompt": "a", "temperature": 3}, "invalid_value", "temperature"),
        ({"prompt": "a", "model": "m" * 300}, "invalid_value", "model"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(body: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_fim(json.dumps(body).encode(), Bounds())
    assert (refused.value.code, refused.value.param) == (code, param)
