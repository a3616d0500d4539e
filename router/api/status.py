"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler

from router.ops.registry import Metrics


def status_routes(ready: Callable[[], Awaitable[str | None]], metrics: Metrics) -> list[HTTPRouteHandler]:
    """`ready` answers None, or the cause why this process should get no traffic."""

    @get("/healthz", sync_to_thread=False)
    def healthz() -> dict[str, str]:
        """The process runs and answers."""
        return {"status": "ok"}

    @get("/readyz")
    async def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """The process can serve: 503 with the cause while it cannot, or is about to stop."""
        cause = "draining" if request.app.state.get("draining") else await ready()
        if cause is None:
            return Response({"status": "ready"})
        return Response({"status": "unavailable", "cause": cause}, status_code=503)

    @get("/metrics", media_type=MediaType.TEXT, sync_to_thread=True)
    def metrics_page() -> Response[bytes]:
        """Prometheus exposition."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [healthz, readyz, metrics_page]
