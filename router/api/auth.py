"""Who may operate: the admin key, on its own plane. Virtual keys never work here, nor this key on the data plane."""

from __future__ import annotations

import base64
import binascii
import hmac

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from router.api.session import Sessions, session_of
from router.errors import InvalidKey
from router.settings import Secret
from router.wire.headers import bearer


class SignIn(InvalidKey):
    """A person is to be asked for the key."""


class AdminGuard:
    """A Litestar guard: the admin key as a bearer token. Raises InvalidKey.

    With `sessions` also who has signed in, and the key as the password of HTTP Basic, raising SignIn. Only for pages
    that change nothing without a form's token: a browser sends Basic along with whatever another site makes it ask.
    """

    def __init__(self, admin_key: Secret, *, sessions: Sessions | None = None) -> None:
        self._key = admin_key
        self._sessions = sessions
        self._refusal = SignIn if sessions is not None else InvalidKey

    def __call__(self, connection: ASGIConnection, _: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        headers = {name.lower(): value for name, value in connection.headers.items()}
        authorization = {"authorization": headers.get("authorization", "")}
        people = self._sessions is not None
        given = bearer(authorization) or (_password(**authorization) if people else None) or ""
        if hmac.compare_digest(given.encode(), self._key.reveal().encode()):
            return
        if self._sessions is None or not self._sessions.holds(session_of(headers)):
            raise self._refusal("The operations plane needs the admin key: send it as `Authorization: Bearer …`.")


def _password(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
