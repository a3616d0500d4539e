"""Errors in Anthropic's form: its types by status, beside them what every error of the router tells."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import RouterError
from router.wire.anthropic.places import said

# Anthropic's guide to errors, seen 2026-11. Statuses of ours that it does not list are told by their hundred.
_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}


def refusal(error: RouterError, request_id: str, router: object = None) -> bytes:
    """The body of an error answer."""
    told = {"type": "error", "error": error_object(error), "request_id": request_id}
    return msgspec.json.encode(told | ({"router": router} if router is not None else {}))


def error_object(error: RouterError) -> dict[str, Any]:
    """The inside of an error body. The code stands in `details` as well, where the SDK looks for it."""
    told = error.told()
    told |= {name: said(told[name]) for name in ("message", "remedy") if isinstance(told.get(name), str)}
    return {**told, "type": _type(error), "details": {"error_code": error.code}}


def _type(error: RouterError) -> str:
    if error.status == 503 and error.retry_after_ms is not None:
        return "overloaded_error"  # clients take it for "try again soon", which only then is true
    return _TYPES.get(error.status) or ("api_error" if error.status >= 500 else "invalid_request_error")
