"""One attempt over HTTP. httpx is the interface, here and for webhooks, over aiohttp's transport: httpx's own costs
five times as much per call, loses pool slots when calls are cancelled, and collapses with many streams.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from router.core.attempts import Outcome
from router.wire.headers import upstream_headers

CONNECT_S: Final = 2.0
BODY_BYTES_MAX: Final = 32 * 1024 * 1024
# Below the idle time-outs of the vendor's front (Cloudflare keeps 400 s) and of the simulator's server.
KEEPALIVE_S: Final = 20.0


class AttemptFailed(Exception):
    """The attempt ended without an HTTP answer, or in the middle of one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Upstream:
    """`url` is the API's address without `/v1`; a server of one's own may need no `key`. Nothing is opened before the
    first call; `close` ends what is open."""

    def __init__(self, url: str, key: str | None) -> None:
        self._key = key
        self._client = httpx.AsyncClient(base_url=url, transport=transport(), trust_env=False, follow_redirects=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(self, path: str, body: bytes, *, timeout_s: float, traceparent: str | None) -> Answered:
        """A plain call, answered whole within `timeout_s`. Raises AttemptFailed."""
        async with _time(timeout_s), self._open(path, body, False, timeout_s, traceparent) as response:
            return await _whole(response)

    @asynccontextmanager
    async def stream(
        self, path: str, body: bytes, *, first_byte_s: float, idle_s: float, traceparent: str | None
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes] | Answered]]:
        """A streamed call: the status, and the bytes as they come; for any status but 200 the whole answer.

        Leaving the block closes the connection, which ends the generation at the vendor. Raises AttemptFailed.
        """
        async with self._open(path, body, True, first_byte_s, traceparent) as response:
            if response.status_code != 200:
                async with _time(first_byte_s):
                    yield response.status_code, await _whole(response)
            else:
                yield 200, _pieces(response, idle_s)

    async def get(self, path: str, *, timeout_s: float) -> Answered:
        """A GET, for the model list. Raises AttemptFailed."""
        async with _time(timeout_s), _mapped():
            headers = upstream_headers(self._key, stream=False, traceparent=None)
            del headers["content-type"]
            async with self._client.stream("GET", path, headers=headers, timeout=timeout_s) as response:
                return await _whole(response)

    @asynccontextmanager
    async def _open(
        self,
        path: str,
        body: bytes,
        stream: bool,
        first_byte_s: float,
        traceparent: str | None,
    ) -> AsyncIterator[httpx.Response]:
        # The transport's own read time-out would count each read alone; ours bound the whole.
        timeout = httpx.Timeout(None, connect=CONNECT_S)
        headers = upstream_headers(self._key, stream=stream, traceparent=traceparent)
        request = self._client.build_request("POST", path, content=body, headers=headers, timeout=timeout)
        async with _mapped():
            async with _time(first_byte_s):
                response = await self._client.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()


def transport() -> AiohttpTransport:
    """A connection pool over aiohttp; nothing is opened before the first call."""

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ssl=ssl.create_default_context())
        # No cookie of one answer may travel with the next request.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)

    return AiohttpTransport(trust_env=False, client=session)


@asynccontextmanager
async def _time(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise AttemptFailed(Outcome.TIMED_OUT) from None


@asynccontextmanager
async def _mapped() -> AsyncIterator[None]:
    """Library errors as outcomes. The cause tells more than httpx's own class: a lost connection comes as a
    ConnectTimeout through this transport."""
    try:
        yield
    except httpx.HTTPError as error:
        cause = error.__cause__
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            raise AttemptFailed(Outcome.CONNECT_FAILED) from error
        if isinstance(cause, aiohttp.ServerTimeoutError) or isinstance(error, httpx.ReadTimeout | httpx.PoolTimeout):
            raise AttemptFailed(Outcome.TIMED_OUT) from error
        raise AttemptFailed(Outcome.RESET) from error
    except (aiohttp.ClientError, OSError) as error:
        raise AttemptFailed(Outcome.RESET) from error


async def _whole(response: httpx.Response) -> Answered:
    pieces, size = [], 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > BODY_BYTES_MAX:
            raise AttemptFailed(Outcome.BAD_RESPONSE)
        pieces.append(piece)
    return Answered(status=response.status_code, headers=_lowered(response.headers), body=b"".join(pieces))


async def _pieces(response: httpx.Response, idle_s: float) -> AsyncIterator[bytes]:
    pieces = response.aiter_raw()
    while True:
        async with _mapped(), _time(idle_s):
            piece = await anext(pieces, None)
        if piece is None:
            return
        yield piece


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
