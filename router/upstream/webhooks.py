"""Messages to an operator's own addresses, signed as Standard Webhooks are: the receiver knows who sent it, and when.

https://github.com/standard-webhooks/standard-webhooks (seen 2026-11): the signature covers id, timestamp and body.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import aiohttp
import httpx

from router.upstream.client import transport

TIMEOUT_S: Final = 10.0
_PREFIX: Final = "whsec_"


class Hidden(Protocol):
    """Text that only `reveal` shows."""

    def reveal(self) -> str: ...


class Target(Protocol):
    """Where messages go, and what they are signed with: `whsec_` and base64, or any text."""

    @property
    def url(self) -> Hidden: ...

    @property
    def secret(self) -> Hidden: ...


class Webhooks:
    """`targets` by name; `clock` is epoch seconds."""

    def __init__(self, targets: Mapping[str, Target], clock: Callable[[], float]) -> None:
        self._targets = targets
        self._clock = clock
        self._client = httpx.AsyncClient(transport=transport(), trust_env=False, follow_redirects=False)

    def knows(self, name: str) -> bool:
        return name in self._targets

    async def send(self, name: str, message_id: str, body: str) -> str | None:
        """Post a message. None when it was taken (any 2xx), else why not."""
        target, timestamp = self._targets[name], int(self._clock())
        headers = {
            "content-type": "application/json",
            "user-agent": "mistral-router",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(target.secret.reveal(), message_id, timestamp, body),
        }
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._client.post(
                    target.url.reveal(), content=body.encode(), headers=headers, timeout=None
                )
        except TimeoutError:
            return f"no answer within {TIMEOUT_S:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            return type(error).__name__
        return None if answer.is_success else f"status {answer.status_code}"

    async def close(self) -> None:
        await self._client.aclose()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """`v1,` and the HMAC-SHA-256 of id, timestamp and body, in base64."""
    key = secret.encode()
    if secret.startswith(_PREFIX):
        with contextlib.suppress(binascii.Error):  # else the text as it stands is the key
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = hmac.new(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
