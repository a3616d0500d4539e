"""Errors as the caller sees them: one body shape, one place that makes it."""

from __future__ import annotations

import logging
import math
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from router.errors import BadRequest, NotFound, RouterError

log = logging.getLogger("router.api")

# Longer waits are not for an SDK to sit out: it would hold a worker of the app's for minutes.
WAIT_MAX_MS = 120_000
_RETRIED_BY_SDKS = (408, 409, 429)


class MethodNotAllowed(RouterError):
    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class HeadersTooLarge(RouterError):
    status, type, code = 431, "invalid_request_error", "headers_too_large"


class InternalError(RouterError):
    """What nobody foresaw. The reason is in the log."""

    status, type, code = 500, "server_error", "internal_error"


def error_body(error: RouterError) -> bytes:
    return msgspec.json.encode({"error": error.told()})


def error_headers(error: RouterError) -> dict[str, str]:
    """How long to wait, and whether an SDK should try again by itself: only where waiting helps."""
    if error.retry_after_ms is not None:
        wait_ms = max(1, error.retry_after_ms)
        headers = {"retry-after": str(math.ceil(wait_ms / 1000)), "retry-after-ms": str(wait_ms)}
        return headers | ({"x-should-retry": "false"} if wait_ms > WAIT_MAX_MS else {})
    retried = error.status in _RETRIED_BY_SDKS or error.status >= 500 or error.status == 402
    return {"x-should-retry": "false"} if retried else {}


def router_error(_: Request[Any, Any, Any], error: RouterError) -> Response[bytes]:
    """A Litestar exception handler."""
    headers = error_headers(error)
    return Response(error_body(error), status_code=error.status, media_type="application/json", headers=headers)


def sign_in(request: Request[Any, Any, Any], error: RouterError) -> Response[bytes]:
    """Have the browser ask for the key."""
    response = router_error(request, error)
    response.headers["www-authenticate"] = 'Basic realm="mistral-router: any name, the admin key as password"'
    return response


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own refusals in our shape: unknown paths, wrong query types, bodies that do not decode."""
    if error.status_code >= 500:
        return unforeseen(request, error)
    if error.status_code == 404:
        return router_error(request, NotFound(f"There is nothing at {request.url.path}."))
    found = [entry for entry in error.extra or () if isinstance(entry, dict)]
    detail = "; ".join(f"{entry.get('key', 'body')}: {entry.get('message')}" for entry in found)
    response = router_error(request, BadRequest(detail or error.detail))
    response.status_code = error.status_code
    return response


def unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Our own fault: the log has the reason, the caller has no traceback."""
    log.error("an unforeseen error on %s", request.url.path, exc_info=error)
    return router_error(request, InternalError("Something unforeseen happened; the operator finds it in the log."))
