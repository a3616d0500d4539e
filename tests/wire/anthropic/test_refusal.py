"""Errors in Anthropic's form: the type by status, and everything that the router tells of an error."""

from __future__ import annotations

import json

import pytest
from anthropic.types import ErrorResponse

from router.errors import (
    BadRequest,
    BodyTimeout,
    BudgetExceeded,
    InvalidKey,
    ModelNotFound,
    NoSuitableModel,
    NotAllowed,
    RateLimited,
    RequestTooLarge,
    RouterError,
    StoreUnavailable,
    UnsupportedMediaType,
    UpstreamAuthError,
    UpstreamBadResponse,
    UpstreamBilling,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from router.wire.anthropic.format import MESSAGES

TYPES: list[tuple[RouterError, str]] = [
    (BadRequest("x", code="invalid_value", param="top_p"), "invalid_request_error"),
    (InvalidKey("x"), "authentication_error"),
    (BudgetExceeded("x"), "billing_error"),
    (NotAllowed("x"), "permission_error"),
    (ModelNotFound("x"), "not_found_error"),
    (BodyTimeout("x"), "invalid_request_error"),
    (UnsupportedMediaType("x"), "invalid_request_error"),
    (RateLimited("x"), "rate_limit_error"),
    (UpstreamRateLimited("x"), "rate_limit_error"),
    (RouterError("x"), "api_error"),
    (UpstreamBadResponse("x"), "api_error"),
    (UpstreamAuthError("x"), "api_error"),
    # Waiting helps, so clients may try again.
    (UpstreamUnavailable("x", retry_after_ms=5_000), "overloaded_error"),
    (StoreUnavailable("x", retry_after_ms=2_000), "overloaded_error"),
    (UpstreamUnavailable("x"), "api_error"),
    (UpstreamBilling("x"), "api_error"),
    (UpstreamTimeout("x"), "timeout_error"),
]


@pytest.mark.parametrize(("error", "kind"), TYPES, ids=[f"{type(error).__name__}-{kind}" for error, kind in TYPES])
def test_the_status_says_the_type(error: RouterError, kind: str) -> None:
    told = json.loads(MESSAGES.refusal(error, "req_1"))
    ErrorResponse.model_validate(told, strict=True)
    assert (told["type"], told["request_id"], told["error"]["type"]) == ("error", "req_1", kind)


def test_a_body_too_large_has_the_type_of_anthropics_guide() -> None:
    # The SDK's types leave it out; its client makes the exception from the status.
    assert json.loads(MESSAGES.refusal(RequestTooLarge("x"), "req_1"))["error"]["type"] == "request_too_large"


def test_all_that_the_router_tells_of_an_error_is_there() -> None:
    error = ModelNotFound("There is no model 'x'.", param="model", extra={"nearest": ["auto"]})
    assert json.loads(MESSAGES.refusal(error, "req_1"))["error"] == {
        "type": "not_found_error",
        "message": "There is no model 'x'.",
        "code": "model_not_found",
        "param": "model",
        "source": "router",
        "nearest": ["auto"],
        "details": {"error_code": "model_not_found"},
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("leave out reasoning_effort", "leave out thinking and output_config.effort"),
        ("leave out response_format", "leave out output_config.format"),
        ("leave out the assistant prefix", "let the last message be the user's"),
    ],
)
def test_remedies_name_the_fields_that_the_app_knows(ours: str, theirs: str) -> None:
    error = NoSuitableModel(f"No model can: {ours}.", extra={"remedy": ours})
    told = json.loads(MESSAGES.refusal(error, "req_1"))["error"]
    assert (told["message"], told["remedy"]) == (f"No model can: {theirs}.", theirs)
