"""Who may operate: the admin key, on its own plane. Virtual keys never work here, nor this key on the data plane."""

from __future__ import annotations

import hmac

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from router.errors import InvalidKey
from router.settings import Secret
from router.wire.headers import bearer


class AdminGuard:
    """A Litestar guard. Raises InvalidKey."""

    def __init__(self, admin_key: Secret) -> None:
        self._key = admin_key

    def __call__(self, connection: ASGIConnection, _: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        given = bearer({name.lower(): value for name, value in connection.headers.items()}) or ""
        if not hmac.compare_digest(given.encode(), self._key.reveal().encode()):
            raise InvalidKey("The operations plane needs the admin key: send it as `Authorization: Bearer …`.")
