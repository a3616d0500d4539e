"""Two ports for one app: what operators use on one, what apps use on the other, health on both."""

from __future__ import annotations

from typing import Final

from router.api.edge import Handler, Receive, Scope, Send, refuse
from router.errors import NotFound

OPERATIONS: Final = ("/admin", "/dashboard", "/metrics")
BOTH: Final = ("/healthz", "/readyz")


def apart(app: Handler, ops_port: int) -> Handler:
    """`app` with the operations plane on `ops_port` alone, and nothing else there but health."""

    async def divided(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _belongs(scope, ops_port):
            await refuse(send, NotFound(f"There is nothing at {scope['path']}."))
            return
        await app(scope, receive, send)

    return divided


def _belongs(scope: Scope, ops_port: int) -> bool:
    # An app that is routed by another reading of the path must not find the plane: slashes and dots count for nothing.
    parts = [part for part in scope["path"].split("/") if part not in ("", ".")]
    root = f"/{parts[0]}" if parts else "/"
    if root in BOTH:
        return True
    # The server names its own end of the connection, which no header can change.
    port: int = scope["server"][1]
    return (root in OPERATIONS) == (port == ops_port)
