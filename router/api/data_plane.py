"""The apps' side: which path is answered by what, each guarded at the edge."""

from __future__ import annotations

import time
from typing import Any

from litestar import asgi

from router.api.calls import Works, call
from router.api.count import count_tokens
from router.api.edge import Receive, Scope, Send, guarded
from router.api.feedback import feedback
from router.api.models import models
from router.api.route import route
from router.api.unsupported import unsupported
from router.collecting import Collection
from router.pipeline import Line
from router.settings import Edge
from router.store.records import Records

CALL_PATHS = (
    ("/v1/chat/completions", "chat"),
    ("/v1/responses", "responses"),
    ("/v1/messages", "messages"),
    ("/v1/fim/completions", "fim"),
    ("/v1/embeddings", "embeddings"),
    ("/v1/moderations", "moderations"),
)


def data_plane(line: Line, records: Records, works: Works, edge: Edge) -> list[Any]:
    """Litestar's handlers for everything under /v1."""
    collection = Collection(time.monotonic)
    routes = {
        **{path: guarded(call(name, line, collection, works, edge), edge, ("POST",)) for path, name in CALL_PATHS},
        "/v1/messages/count_tokens": guarded(count_tokens(line, edge), edge, ("POST",)),
        "/v1/route": guarded(route(line, edge), edge, ("POST",)),
        "/v1/feedback": guarded(feedback(line, records, edge), edge, ("POST",)),
        "/v1/models": guarded(models(line), edge, ("GET", "HEAD")),
    }
    one_model = guarded(models(line), edge, ("GET", "HEAD"))
    any_other = guarded(unsupported, edge, ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))

    async def rest(scope: Scope, receive: Receive, send: Send) -> None:
        # Mounted, because Litestar takes no path parameters on an ASGI route; it hands on the path behind the mount.
        scope["path"] = f"/v1{scope['path'].rstrip('/')}"
        await (one_model if scope["path"].startswith("/v1/models/") else any_other)(scope, receive, send)

    return [
        *(asgi(path, copy_scope=False)(handler) for path, handler in routes.items()),
        asgi("/v1", is_mount=True, copy_scope=False)(rest),
    ]
