"""What an upstream's refusal means, and what the caller is told in the end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.attempts import Outcome
from router.core.failures import failure_of, outcome_of
from router.errors import UpstreamError
from router.wire.refusal import Refusal, read_refusal

RATE = {"message": "Rate limit exceeded", "type": "rate_limited", "code": "1300", "raw_status_code": 429}
CAPACITY = {"message": "Service tier capacity exceeded for this model.", "type": "service_tier_capacity_exceeded"}
OVERFLOW = {"message": "Prompt contains 41234 tokens, too large for model with 32768 maximum context length"}
HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"
LIMITED = {"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "0"}
UNKNOWN = {"message": "Invalid model: x", "type": "invalid_model", "code": "1500"}
ORDER = {"message": "Unexpected role 'user' after role 'tool'", "type": "invalid_request_message_order", "code": "3230"}
BAD_ID = {"message": "Tool call id was x but must be …", "type": "invalid_function_call", "code": "3280"}
FORBIDDEN = {"message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "user"]}]}, "code": None}
NO_PLAN = {"x-ratelimit-limit-req-minute": "0", "x-ratelimit-remaining-req-minute": "0"}

# Status, body and headers as recorded of the vendor between 2024 and 2026, and the row of the decision table they meet.
ANSWERS: list[tuple[str, int, Any, dict[str, str], Outcome]] = [
    ("an empty minute", 429, RATE, LIMITED, Outcome.RATE_LIMITED),
    ("a limit of zero", 429, RATE, NO_PLAN, Outcome.NOT_ON_PLAN),
    ("a 429 of 2025", 429, {"message": "Requests rate limit exceeded"}, {}, Outcome.RATE_LIMITED),
    ("a 429 without a body", 429, b"", {}, Outcome.RATE_LIMITED),
    ("capacity as 429", 429, {**CAPACITY, "code": "3505"}, {}, Outcome.CAPACITY),
    ("capacity as 503", 503, {**CAPACITY, "code": "3505"}, {}, Outcome.CAPACITY),
    ("capacity by type alone", 429, CAPACITY, {}, Outcome.CAPACITY),
    ("capacity by code alone", 503, {"message": "x", "code": 3505}, {}, Outcome.CAPACITY),
    ("capacity where the limit is zero", 429, {**CAPACITY, "code": "3505"}, NO_PLAN, Outcome.CAPACITY),
    ("a bad key", 401, {"detail": "Invalid API Key"}, {}, Outcome.AUTH_REFUSED),
    ("a bad key at the gateway", 401, {"message": "Unauthorized", "request_id": "5b"}, {}, Outcome.AUTH_REFUSED),
    ("an unpaid account", 402, b"", {}, Outcome.BILLING_REFUSED),
    ("a labs model", 403, {"message": "x is a Labs model", "code": "1913"}, {}, Outcome.FORBIDDEN),
    ("an unknown model", 400, UNKNOWN, {}, Outcome.MODEL_UNKNOWN),
    ("an unknown model by type alone", 400, {"message": "x", "type": "invalid_model"}, {}, Outcome.MODEL_UNKNOWN),
    ("a retired model", 404, {"detail": "Not Found"}, {}, Outcome.MODEL_UNKNOWN),
    ("a prompt too long", 400, OVERFLOW, {}, Outcome.CONTEXT_TOO_LONG),
    ("a prompt too long as 422", 422, OVERFLOW, {}, Outcome.CONTEXT_TOO_LONG),
    ("a wrong order", 400, ORDER, {}, Outcome.REFUSED),
    ("a bad id", 400, BAD_ID, {}, Outcome.REFUSED),
    ("a bad schema", 400, {"message": "Invalid tool schema: …"}, {}, Outcome.REFUSED),
    ("an unknown field", 422, FORBIDDEN, {}, Outcome.REFUSED),
    ("a refusal without a body", 400, b"", {}, Outcome.REFUSED),
    ("too large", 413, HTML, {}, Outcome.TOO_LARGE),
    ("an internal error", 500, b"", {}, Outcome.SERVER_ERROR),
    ("not implemented", 501, b"", {}, Outcome.SERVER_ERROR),
    ("a front that did not reach the back", 502, HTML, {}, Outcome.BAD_GATEWAY),
    ("unavailable", 503, HTML, {}, Outcome.UNAVAILABLE),
    ("a slow back end", 504, b"", {}, Outcome.GATEWAY_TIMEOUT),
    ("a request timeout", 408, b"", {}, Outcome.GATEWAY_TIMEOUT),
    ("a back end lost on the way", 520, HTML, {}, Outcome.GATEWAY_TIMEOUT),
    ("the same, timed out", 524, HTML, {}, Outcome.GATEWAY_TIMEOUT),
    ("a 5xx nobody knows", 507, b"", {}, Outcome.SERVER_ERROR),
    ("a 4xx nobody knows", 418, b"", {}, Outcome.REFUSED),
    ("a redirect", 302, HTML, {}, Outcome.BAD_RESPONSE),
    ("nothing to say", 204, b"", {}, Outcome.BAD_RESPONSE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "headers", "outcome"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_an_answer_is_the_outcome_of_its_row(status: int, body: Any, headers: dict[str, str], outcome: Outcome) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert outcome_of(status, read_refusal(raw, headers)) is outcome


REFUSALS = st.builds(
    Refusal,
    message=st.just("x"),
    type=st.sampled_from([None, "rate_limited", "invalid_model", "service_tier_capacity_exceeded"]),
    code=st.sampled_from([None, "1300", "1500", "3505"]),
    window=st.sampled_from([None, 32_768]),
    never=st.booleans(),
)


@given(st.integers(100, 599), REFUSALS)
def test_every_status_has_an_outcome_and_none_is_success(status: int, refusal: Refusal) -> None:
    assert outcome_of(status, refusal) not in (Outcome.OK, Outcome.CUT, Outcome.APP_LEFT)


# What the caller gets when nothing is left to try: status, code, whether waiting helps.
TOLD: dict[Outcome, tuple[int, str, int | None]] = {
    Outcome.CONNECT_FAILED: (503, "upstream_unavailable", None),
    Outcome.RESET: (502, "upstream_bad_response", None),
    Outcome.TIMED_OUT: (504, "upstream_timeout", None),
    Outcome.BAD_RESPONSE: (502, "upstream_bad_response", None),
    Outcome.RATE_LIMITED: (429, "upstream_rate_limited", 5_000),
    Outcome.NOT_ON_PLAN: (429, "upstream_rate_limited", None),
    Outcome.CAPACITY: (503, "upstream_unavailable", 5_000),
    Outcome.SERVER_ERROR: (503, "upstream_unavailable", None),
    Outcome.UNAVAILABLE: (503, "upstream_unavailable", 5_000),
    Outcome.BAD_GATEWAY: (503, "upstream_unavailable", None),
    Outcome.GATEWAY_TIMEOUT: (504, "upstream_timeout", None),
    Outcome.AUTH_REFUSED: (502, "upstream_auth_error", None),
    Outcome.BILLING_REFUSED: (503, "upstream_billing", None),
    Outcome.FORBIDDEN: (503, "upstream_unavailable", None),
    Outcome.MODEL_UNKNOWN: (503, "upstream_unavailable", None),
    Outcome.CONTEXT_TOO_LONG: (400, "context_length_exceeded", None),
    Outcome.REFUSED: (400, "upstream_refused", None),
    Outcome.TOO_LARGE: (413, "request_too_large", None),
    Outcome.FINISHED_IN_ERROR: (502, "upstream_bad_response", None),
    Outcome.CUT: (502, "upstream_bad_response", None),
}


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome in TOLD])
def test_the_caller_is_told_what_happened_and_whether_waiting_helps(outcome: Outcome) -> None:
    error = failure_of(outcome, Refusal(message="because", param="messages[0]"), 2)
    assert isinstance(error, UpstreamError)
    assert (error.status, error.code, error.retry_after_ms) == TOLD[outcome]
    assert error.source == "upstream"


def test_every_outcome_that_ends_in_an_error_is_told() -> None:
    assert set(Outcome) - TOLD.keys() == {Outcome.OK, Outcome.APP_LEFT}


def test_our_own_vendor_account_is_never_the_callers_401_or_402() -> None:
    told = {failure_of(outcome, None, 1).status for outcome in TOLD}
    assert told.isdisjoint({401, 402, 403})


def test_the_upstreams_reason_and_place_are_passed_on_where_the_request_was_at_fault() -> None:
    error = failure_of(Outcome.REFUSED, Refusal(message="Extra inputs", param="messages[0]"), 1)
    assert error.message == "Mistral refused the request: Extra inputs"
    assert error.param == "messages[0]"


@pytest.mark.parametrize(("attempts", "words"), [(1, "(after 1 attempt)"), (3, "(after 3 attempts)")])
def test_the_attempts_are_counted(attempts: int, words: str) -> None:
    assert words in failure_of(Outcome.TIMED_OUT, None, attempts).message
