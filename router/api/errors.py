"""Errors as the caller sees them: one body shape, one place that makes it."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from router.errors import BadRequest, NotFound, RouterError
from router.wire.choices import with_choices

log = logging.getLogger("router.api")

# Longer waits are not for an SDK to sit out: it would hold a worker of the app's for minutes.
WAIT_MAX_MS = 120_000
_RETRIED_BY_SDKS = (408, 409, 429)
# All that Litestar says of a body that never came: a KeyError's text.
_NO_BODY: Final = "'data'"
# What Litestar calls the body, where a handler asks for it and where it does not decode.
_BODY: Final = "data"
# What stands under /v1, for who forgot that.
_ROOTS: Final = ("chat", "responses", "messages", "fim", "embeddings", "moderations", "route", "feedback", "models")
# Problem details (RFC 9457) are what tools of operators read; apps keep the form that their SDKs know.
PROBLEMS: Final = "/admin"
PROBLEM_TYPE: Final = "urn:problem-type:mistral-router:"


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


def problem_body(error: RouterError, status: int) -> bytes:
    """Problem details with the whole error inside, where it is on the data plane too."""
    named = {"type": f"{PROBLEM_TYPE}{error.code}", "title": HTTPStatus(status).phrase, "status": status}
    return msgspec.json.encode({**named, "detail": error.message, "error": error.told()})


def router_error(request: Request[Any, Any, Any], error: RouterError, status: int | None = None) -> Response[bytes]:
    """A Litestar exception handler. `status` goes before the error's own."""
    status, headers = status or error.status, error_headers(error)
    if request.url.path == PROBLEMS or request.url.path.startswith(f"{PROBLEMS}/"):
        body, kind = problem_body(error, status), "application/problem+json"
    else:
        body, kind = error_body(error), "application/json"
    return Response(body, status_code=status, media_type=kind, headers=headers)


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
        return router_error(request, NotFound(_nowhere(request.url.path)))
    found = [entry for entry in error.extra or () if isinstance(entry, dict)]
    if any(entry.get("message") == _NO_BODY for entry in found):
        return router_error(request, BadRequest("The request needs a body, a JSON object."), error.status_code)
    places = [str(entry.get("key", _BODY)) for entry in found]
    detail = "; ".join(
        f"{'body' if place == _BODY else place}: {_told(request, place, str(entry.get('message')))}"
        for place, entry in zip(places, found, strict=True)
    )
    param = places[0] if len(places) == 1 and places[0] != _BODY else None
    return router_error(request, BadRequest(detail or error.detail, param=param), error.status_code)


def _told(request: Request[Any, Any, Any], place: str, what: str) -> str:
    """What is wrong, with the values that a field of the body may have."""
    body = request.route_handler.parsed_fn_signature.parameters.get(_BODY)
    return with_choices(what, body.annotation, place) if body else what


def unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Our own fault: the log has the reason, the caller has no traceback."""
    log.error("an unforeseen error on %s", request.url.path, exc_info=error)
    return router_error(request, InternalError("Something unforeseen happened; the operator finds it in the log."))


def _nowhere(path: str) -> str:
    """What is told of a path that is on no plane."""
    if path.strip("/").partition("/")[0] in _ROOTS:
        return f"There is nothing at {path}; did you mean /v1{path}? The base URL of OpenAI's SDKs ends with /v1."
    return f"There is nothing at {path}: apps call what is under /v1, people open /dashboard."
