"""The error tree: what can go wrong with a request, as the caller is told.

    RouterError
    ├── BadRequest 400 ─── NoSuitableModel 400
    ├── InvalidKey 401
    ├── BudgetExceeded 402
    ├── NotAllowed 403
    ├── NotFound 404 ───── ModelNotFound, UnsupportedEndpoint
    ├── BodyTimeout 408
    ├── Conflict 409
    ├── RequestTooLarge 413
    ├── UnsupportedMediaType 415
    ├── RateLimited 429
    ├── StoreUnavailable 503
    ├── JournalUnavailable 503
    └── UpstreamError ──── UpstreamRefused 400/413, UpstreamRateLimited 429, UpstreamBadResponse 502,
                           UpstreamAuthError 502, UpstreamBilling 503, UpstreamUnavailable 503, UpstreamTimeout 504

Each class knows its HTTP status and its OpenAI `type` and `code`; `told` is what its body holds, and `api/errors.py`
alone answers with one.
Expected outcomes inside the line are values (`Denial`, `GiveUp`); raising one of these means leaving the line.
"""

from __future__ import annotations

from typing import Any, ClassVar


class RouterError(Exception):
    """`message` is for the caller: what happened, to whom, what to do next, and no secret.

    `param` names the place (a field path or a JSON pointer), `extra` goes into the error object. `retry_after_ms` is
    given only when waiting helps.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    source: ClassVar[str] = "router"
    code: str = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        extra: dict[str, Any] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.param = param
        self.extra = extra or {}
        self.retry_after_ms = retry_after_ms

    def told(self) -> dict[str, Any]:
        """The inside of an error body, in OpenAI's form."""
        return {
            "message": self.message,
            "type": self.type,
            "code": self.code,
            "param": self.param,
            "source": self.source,
            **self.extra,
        }


class BadRequest(RouterError):
    status, type, code = 400, "invalid_request_error", "invalid_request"


class NoSuitableModel(BadRequest):
    code = "no_suitable_model"


class InvalidKey(RouterError):
    status, type, code = 401, "authentication_error", "invalid_api_key"


class BudgetExceeded(RouterError):
    status, type, code = 402, "budget_exceeded", "budget_exceeded"


class NotAllowed(RouterError):
    status, type, code = 403, "permission_error", "not_allowed"


class NotFound(RouterError):
    status, type, code = 404, "not_found_error", "not_found"


class ModelNotFound(NotFound):
    type, code = "invalid_request_error", "model_not_found"


class UnsupportedEndpoint(NotFound):
    code = "unsupported_endpoint"


class BodyTimeout(RouterError):
    status, type, code = 408, "invalid_request_error", "body_timeout"


class Conflict(RouterError):
    """What is asked contradicts what stands; asking again does not help."""

    status, type, code = 409, "invalid_request_error", "conflict"


class RequestTooLarge(RouterError):
    status, type, code = 413, "invalid_request_error", "request_too_large"


class UnsupportedMediaType(RouterError):
    status, type, code = 415, "invalid_request_error", "unsupported_media_type"


class RateLimited(RouterError):
    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


class StoreUnavailable(RouterError):
    status, type, code = 503, "server_error", "budget_store_unavailable"


class JournalUnavailable(RouterError):
    """What a request is about to cost cannot be written down, so nobody could charge it after a crash."""

    status, type, code = 503, "server_error", "journal_unavailable"


class UpstreamError(RouterError):
    source = "upstream"


class UpstreamRefused(UpstreamError):
    """The upstream found fault with the request itself: another model would refuse it too."""

    status, type, code = 400, "invalid_request_error", "upstream_refused"


class UpstreamTooLarge(UpstreamRefused):
    status, code = 413, "request_too_large"


class UpstreamRateLimited(UpstreamError):
    status, type, code = 429, "rate_limit_error", "upstream_rate_limited"


class UpstreamBadResponse(UpstreamError):
    status, type, code = 502, "server_error", "upstream_bad_response"


class UpstreamAuthError(UpstreamError):
    """Our own vendor key was refused. Never 401: the caller's key is fine."""

    status, type, code = 502, "server_error", "upstream_auth_error"


class UpstreamBilling(UpstreamError):
    """Our own vendor account cannot pay. Never 402: the caller's budget is fine."""

    status, type, code = 503, "server_error", "upstream_billing"


class UpstreamUnavailable(UpstreamError):
    status, type, code = 503, "server_error", "upstream_unavailable"


class UpstreamTimeout(UpstreamError):
    status, type, code = 504, "server_error", "upstream_timeout"
