"""Headers, by allow-list in both directions: built afresh upstream, and only the router's own down to the app."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from router.errors import BadRequest
from router.wire.chat import Dialect

USER_AGENT: Final = "mistral-router"
_HEADER_MAX: Final = 256
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")  # W3C Trace Context, level 1
_COUNT: Final = re.compile(r"[0-9]{1,4}\Z")
TIMEOUT_MAX_S: Final = 600.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the router reads of a request's headers. Everything else ends here. `cached` is whether an answer that was
    left may be collected."""

    key: str | None
    dialect: Dialect
    explain: bool = False
    quality: str | float | None = None
    cost_max_usd: str | None = None
    timeout_s: float | None = None
    idempotency_key: str | None = None
    affinity: str | None = None
    traceparent: str | None = None
    retry_count: int = 0
    cached: bool = True


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> Wanted:
    """Raises BadRequest for a value that cannot be meant, naming the header."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in raw}
    return Wanted(
        key=bearer(headers),
        dialect=Dialect.MISTRAL if headers.get("user-agent", "").startswith("mistral-client-") else Dialect.OPENAI,
        explain=headers.get("x-router-explain", "").lower() == "enabled",
        quality=_quality(headers.get("x-router-quality")),
        cost_max_usd=headers.get("x-router-max-cost-usd"),
        timeout_s=_timeout(headers),
        idempotency_key=headers.get("idempotency-key", "")[:_HEADER_MAX] or None,
        affinity=headers.get("x-affinity", headers.get("x-session-affinity", ""))[:_HEADER_MAX] or None,
        traceparent=parent if _TRACEPARENT.match(parent := headers.get("traceparent", "")) else None,
        cached=headers.get("x-router-cache", "").lower() != "off",
        retry_count=int(count) if _COUNT.match(count := headers.get("x-stainless-retry-count", "")) else 0,
    )


def bearer(headers: Mapping[str, str]) -> str | None:
    """The key in `Authorization: Bearer` or `x-api-key`."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("x-api-key") or None


def _quality(text: str | None) -> str | float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _timeout(headers: Mapping[str, str]) -> float | None:
    """The shorter of what the app asks of the router and what its SDK waits for, at most TIMEOUT_MAX_S."""
    found = []
    for name, unit in (("x-router-timeout-ms", 0.001), ("x-stainless-read-timeout", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            if name == "x-router-timeout-ms":
                raise BadRequest("x-router-timeout-ms must be a positive number.", code="invalid_value", param=name)
            continue  # an SDK's own header is no reason to refuse
        found.append(min(seconds, TIMEOUT_MAX_S))
    return min(found, default=None)


def upstream_headers(key: str | None, *, stream: bool, traceparent: str | None) -> dict[str, str]:
    """All headers that go upstream. Organization, project, cookies and the app's own never pass."""
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
    }
    if key:
        headers["authorization"] = f"Bearer {key}"
    if traceparent:
        headers["traceparent"] = traceparent
    return headers
