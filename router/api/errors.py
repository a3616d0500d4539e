"""Errors as the caller sees them: one body shape, one place that makes it."""

from __future__ import annotations

import math

import msgspec

from router.errors import RouterError
from router.serving import error_object

# Longer waits are not for an SDK to sit out: it would hold a worker of the app's for minutes.
WAIT_MAX_MS = 120_000
_RETRIED_BY_SDKS = (408, 409, 429)


class MethodNotAllowed(RouterError):
    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class HeadersTooLarge(RouterError):
    status, type, code = 431, "invalid_request_error", "headers_too_large"


class InternalError(RouterError):
    """What nobody foresaw. The reason is in the log, under the request id."""

    status, type, code = 500, "server_error", "internal_error"


def error_body(error: RouterError) -> bytes:
    return msgspec.json.encode({"error": error_object(error)})


def error_headers(error: RouterError) -> dict[str, str]:
    """How long to wait, and whether an SDK should try again by itself: only where waiting helps."""
    if error.retry_after_ms is not None:
        wait_ms = max(1, error.retry_after_ms)
        headers = {"retry-after": str(math.ceil(wait_ms / 1000)), "retry-after-ms": str(wait_ms)}
        return headers | ({"x-should-retry": "false"} if wait_ms > WAIT_MAX_MS else {})
    retried = error.status in _RETRIED_BY_SDKS or error.status >= 500 or error.status == 402
    return {"x-should-retry": "false"} if retried else {}
