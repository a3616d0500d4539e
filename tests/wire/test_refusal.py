"""How Mistral says no: every shape of body that was recorded, and what must never be shown of it.

The bodies are those of recorded answers of 2024 to 2026, shortened; each carries the shape's letter of
router/wire/refusal.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.refusal import Refusal, read_refusal

DETAIL = [
    {
        "type": "extra_forbidden",
        "loc": ["body", "messages", 0, "user", "name"],
        "msg": "Extra inputs are not permitted",
        "input": "bob",
    }
]
UNEXPLAINED = "The upstream answered without an explanation."


def a(message: Any, **fields: Any) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": None, "param": None, "code": None, **fields}


BODIES: dict[str, tuple[Any, Refusal]] = {
    "A: rate limited": (
        a("Rate limit exceeded", type="rate_limited", code="1300", raw_status_code=429),
        Refusal(message="Rate limit exceeded", type="rate_limited", code="1300"),
    ),
    "A: capacity": (
        a("Service tier capacity exceeded for this model.", type="service_tier_capacity_exceeded", code="3505"),
        Refusal(
            message="Service tier capacity exceeded for this model.",
            type="service_tier_capacity_exceeded",
            code="3505",
        ),
    ),
    "A: unknown model": (
        a("Invalid model: nonesuch", type="invalid_model", code="1500"),
        Refusal(message="Invalid model: nonesuch", type="invalid_model", code="1500"),
    ),
    "A: the code is a number": (a("no", code=3230), Refusal(message="no", code="3230")),
    "A: the message is an object": (
        a({"detail": DETAIL}, type="invalid_request_error"),
        Refusal(
            message="Extra inputs are not permitted at messages.0.user.name",
            type="invalid_request_error",
            param="messages.0.user.name",
        ),
    ),
    "A: the prompt is too long": (
        a(
            "Prompt contains 41234 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            type="invalid_request_prompt",
            code="3051",
        ),
        Refusal(
            message=(
                "Prompt contains 41234 tokens and 0 draft tokens, too large for model with 32768 maximum context length"
            ),
            type="invalid_request_prompt",
            code="3051",
            window=32_768,
        ),
    ),
    "A: its own param counts": (
        a({"detail": DETAIL}, param="messages"),
        Refusal(message="Extra inputs are not permitted at messages.0.user.name", param="messages"),
    ),
    "B: a string": ({"detail": "Invalid API Key"}, Refusal(message="Invalid API Key")),
    "B: a list": (
        {"detail": DETAIL},
        Refusal(message="Extra inputs are not permitted at messages.0.user.name", param="messages.0.user.name"),
    ),
    "B: a list without places": ({"detail": [{"msg": "no"}]}, Refusal(message="no")),
    "C: the gateway": (
        {"message": "no Route matched with those values", "request_id": "5b1f"},
        Refusal(message="no Route matched with those values"),
    ),
    "nothing is said": ({}, Refusal(message="no reason given")),
    "an empty list": ({"detail": []}, Refusal(message="no reason given")),
    "a place that is none": ({"detail": [{"loc": None, "msg": "no"}]}, Refusal(message="no")),
    "a place that is a number": ({"detail": [{"loc": 5, "msg": "no"}]}, Refusal(message="no")),
}


@pytest.mark.parametrize("title", BODIES)
def test_every_shape_of_body_is_understood(title: str) -> None:
    body, refusal = BODIES[title]
    assert read_refusal(json.dumps(body).encode(), {}) == refusal


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>502 Bad Gateway</body></html>", b"[1]", b'"no"', b"null", b"\xff\xfe", b'{"detail": '],
)  # fmt: skip
def test_a_body_that_is_none_is_no_explanation(body: bytes) -> None:
    assert read_refusal(body, {}) == Refusal(message=UNEXPLAINED)


@pytest.mark.parametrize(
    ("headers", "never"),
    [
        ({"x-ratelimit-limit-req-minute": "0"}, True),
        ({"x-ratelimit-limit-tokens-minute": " 0 "}, True),
        ({"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "0"}, False),
        ({"x-ratelimit-limit-req-minute": "10"}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("body", [b'{"message": "Rate limit exceeded"}', b""])
def test_a_limit_of_zero_is_never_and_an_empty_minute_is_not(headers: dict[str, str], never: bool, body: bytes) -> None:
    assert read_refusal(body, headers).never is never


SECRETS = [
    "sk-mr-AAAAAAAAAAAA-0123456789",
    "Bearer abc.def",
    "bearer   abcdef",
    "0123456789abcdef0123456789abcdef",
    "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v+/",
    "http://10.0.0.7:8000/v1/internal",
    "https://user:pass@host.example/path?key=1",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("shape", ["{}", "before {} after", "({})"])
def test_no_key_and_no_address_is_shown(secret: str, shape: str) -> None:
    shown = read_refusal(json.dumps({"message": shape.format(secret)}).encode(), {}).message
    assert secret.split()[-1].rstrip(")") not in shown
    assert "…" in shown


def test_a_secret_is_taken_out_before_the_message_is_cut() -> None:
    shown = read_refusal(json.dumps({"message": "x" * 20 + " " + "y " * 130 + "a" * 64}).encode(), {}).message
    assert "aaaa" not in shown


def test_a_message_is_one_line_of_bounded_length() -> None:
    shown = read_refusal(json.dumps({"message": "one\r\ntwo\x00\x1b[31m " + "word " * 200}).encode(), {}).message
    assert shown.startswith("one  two  [31m word")
    assert len(shown) == 300
    assert shown.isprintable()


def test_a_body_of_endless_nesting_is_survived() -> None:
    deep = b'{"message":' * 400 + b'"no"' + b"}" * 400
    assert read_refusal(deep, {}).message == "no"
    assert read_refusal(b'{"message":' * 100_000, {}).message == UNEXPLAINED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "detail", "msg", "loc", "type", "code", "param"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(JSON, st.dictionaries(st.sampled_from(["x-ratelimit-limit-req-minute", "retry-after"]), st.text(max_size=5)))
def test_any_body_is_understood_somehow(body: Any, headers: dict[str, str]) -> None:
    refusal = read_refusal(json.dumps(body).encode(), headers)
    assert refusal.message.isprintable()
    assert len(refusal.message) <= 300


@given(st.binary(max_size=60))
def test_any_bytes_are_understood_somehow(body: bytes) -> None:
    assert read_refusal(body, {}).message
