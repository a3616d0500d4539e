"""The error bodies of the real API: three shapes, each where it was seen.

A     {"object": "error", "message", "type", "param", "code", "raw_status_code"}: `message` may be an object
B     {"detail": ...}: the web framework, on 401 and unknown paths
C     {"message": ...}: the gateway, for a path that a host does not have
HTML  the content network, in front of everything
"""

from typing import Any, Literal

import msgspec


class Refused(Exception):
    """The request ends here with this answer."""

    def __init__(self, status: int, body: dict[str, Any] | bytes, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or []


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of the field check, as the framework reports it."""

    type: str
    loc: tuple[str | int, ...]
    msg: str
    input: Any = None


def shape_a(status: int, message: Any, type: str, code: str | None = None) -> dict[str, Any]:
    return {
        "object": "error",
        "message": message,
        "type": type,
        "param": None,
        "code": code,
        "raw_status_code": status,
    }


def refused(status: int, message: str, type: str, code: str | None = None) -> Refused:
    return Refused(status, shape_a(status, message, type, code))


def unauthorized() -> Refused:
    return Refused(401, {"detail": "Invalid API Key"})


def not_found() -> Refused:
    return Refused(404, {"detail": "Not Found"})


def no_route() -> Refused:
    return Refused(404, {"message": "no Route matched with those values"})


def method_not_allowed() -> Refused:
    return Refused(405, {"detail": "Method Not Allowed"})


ValidationBody = Literal["object", "bare", "text"]


def invalid_fields(problems: list[Problem], body: ValidationBody = "object") -> Refused:
    """Seen in 2025-12 and 2026-02 for unknown fields: the list sits in `message.detail`.

    Some routes send it bare (shape B), and in 2024 `message` was the list as text.
    """
    detail = [msgspec.to_builtins(problem) for problem in problems]
    match body:
        case "bare":
            return Refused(422, {"detail": detail})
        case "text":
            message = msgspec.json.encode({"detail": detail}).decode()
            return Refused(422, shape_a(422, message, "internal_error_proxy", "1000"))
        case _:
            return Refused(422, shape_a(422, {"detail": detail}, "invalid_request_error"))


def invalid_model(name: str) -> Refused:
    return refused(400, f"Invalid model: {name}", "invalid_model", "1500")


def retired_model(name: str, replacement: str) -> Refused:
    # The lifecycle page promises a 404; its body is not on record, so the one for unknown models is used.
    return refused(404, f"Model {name} has been retired, use {replacement} instead.", "invalid_model", "1500")


def labs_model(name: str) -> Refused:
    return refused(403, f"{name} is a Labs model and is not enabled for this workspace.", "access_denied", "1913")


def wrong_order(message: str) -> Refused:
    return refused(400, message, "invalid_request_message_order", "3230")


def wrong_call(message: str) -> Refused:
    return refused(400, message, "invalid_function_call", "3280")


def wrong_assistant(message: str) -> Refused:
    return refused(400, message, "invalid_request_assistant_message", "3240")


def wrong_request(message: str) -> Refused:
    return refused(400, message, "invalid_request_error")


def wrong_tool_schema(reason: str) -> Refused:
    return refused(400, f"Invalid tool schema: {reason}", "invalid_request_tool_schema", "3300")


def prompt_too_long(prompt_tokens: int, context: int) -> Refused:
    message = (
        f"Prompt contains {prompt_tokens} tokens and 0 draft tokens, "
        f"too large for model with {context} maximum context length"
    )
    return refused(400, message, "invalid_request_invalid_args", "3051")


def rate_limited(headers: list[tuple[str, str]]) -> Refused:
    return Refused(429, shape_a(429, "Rate limit exceeded", "rate_limited", "1300"), headers)


def over_capacity(status: int) -> Refused:
    message = "Service tier capacity exceeded for this model."
    return refused(status, message, "service_tier_capacity_exceeded", "3505")


def status_error(status: int) -> Refused:
    """A bare status by script, in shape A."""
    types = {402: "payment_required", 403: "access_denied", 404: "not_found", 408: "timeout", 413: "request_too_large"}
    kind = types.get(status, "internal_server_error" if status >= 500 else "invalid_request_error")
    return refused(status, "Simulated failure", kind, "1000" if status >= 500 else None)


def spend_limit_reached(status: int) -> Refused:
    """The documentation only says that access is suspended until next month; two clients handle a 402."""
    kind = "payment_required" if status == 402 else "access_denied"
    return refused(status, "Monthly spend limit of the workspace reached.", kind)


def empty_error(status: int) -> Refused:
    """A gateway's status and not one byte (a 504 was recorded like this)."""
    return Refused(status, b"")


def html_error(status: int) -> Refused:
    page = (
        f"<html>\r\n<head><title>{status} Error</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} Error</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    )
    return Refused(status, page.encode())
