"""The wire under the answers: sending, waiting, hanging up, and noticing that the other side has.

uvicorn hides the socket from an application, and half of what breaks in production happens there.
`ExposingProtocol` puts the transport into the request's scope, so that a fault can abort it.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

TRANSPORT: Final = "simulator.transport"
# Closing with zero linger sends a reset instead of a polite end.
NO_LINGER: Final = struct.pack("ii", 1, 0)
# What was written before a reset should arrive before it: the loopback delivers well within this.
FLUSH_S: Final = 0.02
# Below this a wait is too short to notice a hang-up in; it is looked for afterwards.
WATCHED_WAIT_S: Final = 0.1


class ExposingProtocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class HungUp(Exception):
    """The client has left; nothing more need be generated."""


class Line:
    """One request's connection, as the endpoints use it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT]["transport"]
        self._receive = receive
        self._send = send

    async def body(self, bytes_max: int) -> bytes | None:
        """The request's body, or nothing when it is larger than allowed."""
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise HungUp
            part = message.get("body", b"")
            size += len(part)
            if size <= bytes_max:
                parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts) if size <= bytes_max else None

    async def begin(self, status: int, headers: list[tuple[str, str]]) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    def check(self) -> None:
        if self._transport.is_closing():
            raise HungUp

    async def wait(self, seconds: float) -> None:
        """Wait as a slow model does: a client that hangs up ends the wait."""
        if seconds <= 0:
            return
        if seconds < WATCHED_WAIT_S:
            await asyncio.sleep(seconds)
            self.check()
            return
        try:
            async with asyncio.timeout(seconds):
                await self.wait_for_hang_up()
        except TimeoutError:
            return
        raise HungUp

    async def wait_for_hang_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def reset(self) -> None:
        await asyncio.sleep(FLUSH_S)
        connection = self._transport.get_extra_info("socket")
        if connection is not None and not self._transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._transport.abort()
        await self.wait_for_hang_up()

    async def close(self) -> None:
        """End the connection in the middle of an answer that promised more."""
        await asyncio.sleep(FLUSH_S)
        self._transport.close()
        await self.wait_for_hang_up()
