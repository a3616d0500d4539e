"""Who may operate: the admin key, on its own plane. Virtual keys never work here, nor this key on the data plane."""

from __future__ import annotations

import base64
import binascii
import hmac

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from router.errors import InvalidKey
from router.settings import Secret
from router.wire.headers import bearer


class SignIn(InvalidKey):
    """A person is to be asked for the key by the browser."""


class AdminGuard:
    """A Litestar guard: the admin key as a bearer token. Raises InvalidKey.

    With `people` also as the password of HTTP Basic, which browsers ask for, and raising SignIn. Only for pages that
    change nothing: a browser sends Basic along with whatever another site makes it ask.
    """

    def __init__(self, admin_key: Secret, *, people: bool = False) -> None:
        self._key = admin_key
        self._people = people
        self._refusal = SignIn if people else InvalidKey

    def __call__(self, connection: ASGIConnection, _: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        headers = {name.lower(): value for name, value in connection.headers.items()}
        authorization = {"authorization": headers.get("authorization", "")}
        given = bearer(authorization) or (_password(**authorization) if self._people else None) or ""
        if not hmac.compare_digest(given.encode(), self._key.reveal().encode()):
            raise self._refusal("The operations plane needs the admin key: send it as `Authorization: Bearer …`.")


def _password(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
