"""What an upstream's answer means for the line, and what the caller is told when nothing is left to try."""

from __future__ import annotations

from typing import Final

from router.core.attempts import Outcome
from router.errors import (
    RouterError,
    UpstreamAuthError,
    UpstreamBadResponse,
    UpstreamBilling,
    UpstreamRateLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamTooLarge,
    UpstreamUnavailable,
)
from router.wire.refusal import Refusal

CAPACITY_CODE: Final = "3505"
UNKNOWN_MODEL_CODE: Final = "1500"
# The vendor's own client knows these beside the sentence with the window's size (mistral-vibe 2.18, seen 2026-07).
OVERFLOW_TYPES: Final = frozenset({"model_context_exceeded", "prompt_too_long"})
# Mistral names no waiting time; its windows slide over a minute, so a part of it frees within seconds.
RATE_LIMITED_WAIT_MS: Final = 5_000

_BY_STATUS: Final = {
    401: Outcome.AUTH_REFUSED,
    402: Outcome.BILLING_REFUSED,
    403: Outcome.FORBIDDEN,
    404: Outcome.MODEL_UNKNOWN,
    408: Outcome.GATEWAY_TIMEOUT,
    413: Outcome.TOO_LARGE,
    500: Outcome.SERVER_ERROR,
    501: Outcome.SERVER_ERROR,
    502: Outcome.BAD_GATEWAY,
    503: Outcome.UNAVAILABLE,
    504: Outcome.GATEWAY_TIMEOUT,
}


def outcome_of(status: int, refusal: Refusal) -> Outcome:
    """How an answer with a status other than 200 ends the attempt. Code and type come before the status: capacity has
    been seen as 429 and as 503."""
    if refusal.code == CAPACITY_CODE or refusal.type == "service_tier_capacity_exceeded":
        return Outcome.CAPACITY
    if status == 429:
        return Outcome.NOT_ON_PLAN if refusal.never else Outcome.RATE_LIMITED
    if status in (400, 422):
        if refusal.code == UNKNOWN_MODEL_CODE or refusal.type == "invalid_model":
            return Outcome.MODEL_UNKNOWN
        too_long = refusal.window is not None or refusal.type in OVERFLOW_TYPES
        return Outcome.CONTEXT_TOO_LONG if too_long else Outcome.REFUSED
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 520:  # Cloudflare's own: it lost the back end on the way
        return Outcome.GATEWAY_TIMEOUT
    if status >= 500:
        return Outcome.SERVER_ERROR
    return Outcome.REFUSED if 400 <= status < 500 else Outcome.BAD_RESPONSE


def failure_of(outcome: Outcome, refusal: Refusal | None, attempts: int) -> RouterError:
    """The error for the caller, after the last attempt."""
    tried = f"after {attempts} attempt{'s' if attempts != 1 else ''}"
    said = refusal.message if refusal else ""
    param = refusal.param if refusal else None
    match outcome:
        case Outcome.REFUSED:
            return UpstreamRefused(f"Mistral refused the request: {said}", param=param)
        case Outcome.CONTEXT_TOO_LONG:
            return UpstreamRefused(f"The prompt is too long: {said}", code="context_length_exceeded", param="messages")
        case Outcome.TOO_LARGE:
            return UpstreamTooLarge("Mistral refused the request as too large: shorten it or send fewer images.")
        case Outcome.RATE_LIMITED | Outcome.NOT_ON_PLAN:
            waits = RATE_LIMITED_WAIT_MS if outcome is Outcome.RATE_LIMITED else None
            text = f"Every model that can serve this request is rate-limited upstream ({tried})."
            return UpstreamRateLimited(text, retry_after_ms=waits)
        case Outcome.AUTH_REFUSED:
            return UpstreamAuthError("Mistral refused the router's own API key: the operator must replace it.")
        case Outcome.BILLING_REFUSED:
            return UpstreamBilling("Mistral refused the router's account for billing reasons: the operator must act.")
        case Outcome.TIMED_OUT | Outcome.GATEWAY_TIMEOUT:
            return UpstreamTimeout(f"The upstream did not answer in time ({tried}).")
        case Outcome.BAD_RESPONSE | Outcome.RESET | Outcome.FINISHED_IN_ERROR | Outcome.CUT:
            return UpstreamBadResponse(f"The upstream broke off or answered with something unusable ({tried}).")
        case Outcome.CAPACITY | Outcome.UNAVAILABLE:
            return UpstreamUnavailable(f"The upstream has no capacity at the moment ({tried}).", retry_after_ms=5_000)
        case Outcome.FORBIDDEN | Outcome.MODEL_UNKNOWN:
            return UpstreamUnavailable(f"The upstream does not offer the model to this account ({tried}): {said}")
        case _:
            return UpstreamUnavailable(f"The upstream is unavailable ({tried}).")
