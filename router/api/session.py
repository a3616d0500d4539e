"""A person's session on the dashboard: a cookie that says until when, signed with the admin key.

Nothing is kept of it, so every process and replica knows every session; another admin key ends them all. The token that
a form must carry is signed too, and belongs to one session: a page of another site can neither read nor guess it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from router.settings import Secret

COOKIE: Final = "router_session"
LASTS_S: Final = 12 * 3600
PATH: Final = "/dashboard"


class Sessions:
    """`clock` is epoch seconds."""

    def __init__(self, admin_key: Secret, clock: Callable[[], float] = time.time) -> None:
        self._key = admin_key
        self._clock = clock

    def opens(self, given: str) -> bool:
        """Whether `given` is the admin key."""
        return hmac.compare_digest(given.encode(), self._key.reveal().encode())

    def begin(self) -> str:
        """A new session, as the cookie holds it."""
        told = f"{int(self._clock()) + LASTS_S}.{secrets.token_urlsafe(16)}"
        return f"{told}.{self._sign('session', told)}"

    def holds(self, session: str | None) -> bool:
        """Whether it is one of ours and not over."""
        told, _, signature = (session or "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", told).encode()):
            return False
        return int(told.partition(".")[0]) > self._clock()

    def token(self, session: str) -> str:
        """What a form of this session carries."""
        return self._sign("form", session)

    def proves(self, session: str | None, token: str) -> bool:
        """Whether a form with that token comes from a page of this session."""
        if session is None or not self.holds(session):
            return False
        return hmac.compare_digest(token.encode(), self.token(session).encode())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key.reveal().encode(), f"dashboard {purpose} {text}".encode(), hashlib.sha256).hexdigest()


def session_of(headers: Mapping[str, str]) -> str | None:
    """The session that a request brings, whether or not it holds."""
    for piece in headers.get("cookie", "").split(";"):
        name, _, value = piece.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def cookie_header(session: str, scope: Mapping[str, Any]) -> str:
    """Set-Cookie for a session that begins, or, when it is empty, for one that ends."""
    proxied = any(name == b"x-forwarded-proto" and value == b"https" for name, value in scope["headers"])
    secure = "; Secure" if scope.get("scheme") == "https" or proxied else ""
    lasts_s = LASTS_S if session else 0
    return f"{COOKIE}={session}; Path={PATH}; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"
