"""The edge of the data plane: plain ASGI, everything bounded before it is read.

ASGI servers neither cancel a handler nor fail its sends when the app hangs up, so `receive` is watched meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from router.api.errors import HeadersTooLarge, InternalError, MethodNotAllowed, error_body, error_headers
from router.core.record import request_id
from router.errors import BadRequest, BodyTimeout, RequestTooLarge, RouterError, UnsupportedMediaType
from router.settings import Edge

log = logging.getLogger("router.edge")

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]

_BYTES_PER_EXTRA_SECOND: Final = 100_000
_DISCARD_BYTES_MAX: Final = 32 * 1024 * 1024
_DISCARD_S: Final = 5.0
# Atomic, and content with no end, so that no body makes the match start over: it is linear for every input.
_STRINGS: Final = re.compile(rb'"(?>(?:[^"\\]+|\\.?)*)"?', re.DOTALL)
_NOT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")


class HungUp(Exception):
    """The app left before its request was read."""


def check_headers(scope: Scope, edge: Edge) -> None:
    """Raises HeadersTooLarge, or BadRequest for a request that two servers could read differently."""
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > edge.headers_max or size > edge.header_bytes_max:
        raise HeadersTooLarge(f"At most {edge.headers_max} headers of {edge.header_bytes_max} bytes in all are read.")
    names = [name for name, _ in headers]
    if names.count(b"host") != 1:
        raise BadRequest("A request has exactly one Host header.", code="invalid_host")
    if b"content-length" in names and b"transfer-encoding" in names:
        raise BadRequest("A request has Content-Length or Transfer-Encoding, not both.", code="ambiguous_length")


async def read_json(scope: Scope, receive: Receive, edge: Edge) -> bytes:
    """The body, still undecoded but known to be bounded. Raises what is wrong with it, or HungUp."""
    try:
        return await _read_json(scope, receive, edge)
    except (RequestTooLarge, UnsupportedMediaType):
        await _discard(receive)
        raise


async def _read_json(scope: Scope, receive: Receive, edge: Edge) -> bytes:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    kind = headers.get(b"content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType(f"The body must be application/json, not {kind!r}: set the Content-Type header.")
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed: leave out Content-Encoding.")
    announced = headers.get(b"content-length", "")
    length = int(announced) if announced.isdecimal() else 0
    _check_size(length, edge)
    try:
        async with asyncio.timeout(edge.body_read_s + length / _BYTES_PER_EXTRA_SECOND):
            body = await _read(receive, edge)
    except TimeoutError:
        raise BodyTimeout("The body did not arrive in time.") from None
    if depth(body) > edge.depth_max:
        raise BadRequest(f"The body is nested more than {edge.depth_max} deep.", code="nested_too_deeply")
    return body


async def _read(receive: Receive, edge: Edge) -> bytes:
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        piece = message.get("body", b"")
        size += len(piece)
        _check_size(size, edge)
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _discard(receive: Receive) -> None:
    """Let the app finish sending, within bounds: one that is cut off while sending never reads why, and tries again."""
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_S):
            while size < _DISCARD_BYTES_MAX:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _check_size(size: int, edge: Edge) -> None:
    if size > edge.body_bytes_max:
        text = (
            f"The body is larger than {edge.body_bytes_max:,} bytes: send less, or have an operator raise "
            "edge.body_bytes_max."
        )
        raise RequestTooLarge(text)


def depth(body: bytes) -> int:
    """How deep the JSON in `body` is nested, without decoding it: decoding is what deep nesting attacks."""
    if body.count(b"[") + body.count(b"{") <= 64:
        return 0  # not enough brackets to be deep, in strings or out
    deepest = at = 0
    for bracket in _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS):
        at += 1 if bracket in b"[{" else -1
        deepest = max(deepest, at)
    return deepest


async def hung_up(receive: Receive) -> None:
    """Returns when the app has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer(
    send: Send, status: int, body: bytes, headers: Mapping[str, str], *, content_type: str = "application/json"
) -> None:
    """Send a whole answer."""
    await start(send, status, {"content-type": content_type, "content-length": str(len(body)), **headers})
    await send({"type": "http.response.body", "body": body})


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def refuse(
    send: Send, error: RouterError, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> None:
    """Send an error, in OpenAI's form unless it comes with a `body`. What was not read of the request's own body must
    not be taken for the next request."""
    unread = {"connection": "close"} if error.status in (408, 413, 415, 431) else {}
    said = error_body(error) if body is None else body
    await answer(send, error.status, said, {**(headers or {}), **error_headers(error), **unread})


def _own_id() -> dict[str, str]:
    """An id for what was refused before it had one."""
    return {"x-request-id": request_id(time.time_ns() // 1_000_000, secrets.token_bytes(10))}


def guarded(handler: Handler, edge: Edge, methods: tuple[str, ...]) -> Handler:
    """`handler` behind the checks that hold for every endpoint; nothing it raises reaches the app as a traceback."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted_send(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            check_headers(scope, edge)
            if scope["method"] not in methods:
                allowed = ", ".join(methods)
                raise MethodNotAllowed(f"{scope['path']} takes {allowed}, not {scope['method']}.")
            await handler(scope, receive, noted_send)
        except RouterError as error:
            await refuse(send, error, _own_id())
        except HungUp:
            return
        except Exception:
            log.exception("an unforeseen error on %s", scope["path"])
            if not started:  # else the answer is left without its end, and the server cuts the connection
                text = "Something unforeseen happened; the operator finds it in the log."
                await refuse(send, InternalError(text), _own_id())

    return endpoint
