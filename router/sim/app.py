"""The simulated API as a plain ASGI application: who may enter, which endpoint answers, and what is written down."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from router.sim import control, errors, models
from router.sim.chat import chat, fim
from router.sim.exchange import Exchange
from router.sim.transport import HungUp, Line, Receive, Scope, Send
from router.sim.vectors import embeddings, moderations
from router.sim.world import Seen, World

Endpoint = Callable[[Exchange], Awaitable[None]]

# An image may have 20 MB, and base64 adds a third.
BODY_BYTES_MAX: Final = 64 * 1024 * 1024
ENDPOINTS: Final[dict[tuple[str, str], Endpoint]] = {
    ("POST", "/v1/chat/completions"): chat,
    ("POST", "/v1/fim/completions"): fim,
    ("POST", "/v1/embeddings"): embeddings,
    ("POST", "/v1/moderations"): moderations,
    ("GET", "/v1/models"): models.list_models,
    ("GET", "/_sim/bill"): control.bill,
    ("GET", "/_sim/requests"): control.requests,
    ("POST", "/_sim/reset"): control.reset,
    ("POST", "/_sim/faults"): control.faults,
    ("GET", "/_sim/faults"): control.played,
    ("POST", "/_sim/windows"): control.windows,
    ("POST", "/_sim/models"): control.change_models,
    ("POST", "/_sim/switches"): control.switches,
    ("GET", "/_sim/switches"): control.switched,
    ("POST", "/_sim/refuse"): control.refuse_connections,
    ("GET", "/_sim/health"): control.health,
}
# The regional hosts offer chat alone.
REGIONAL_PATHS: Final = ("/v1/chat/completions", "/v1/models")
PATHS: Final = {path for _, path in ENDPOINTS}


class App:
    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the simulator does not speak {scope['type']}")
        line = Line(scope, receive, send)
        try:
            await self._answer(scope, line)
        except HungUp:
            # Wait for the server to notice too, or it would answer 500 into a closed connection.
            await line.wait_for_hang_up()

    async def _answer(self, scope: Scope, line: Line) -> None:
        raw = await line.body(BODY_BYTES_MAX)
        seen = Seen(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            raw=raw or b"",
            at=int(time.time() * 1000),
        )
        exchange = Exchange(self._world, line, seen)
        controlling = seen.path.startswith("/_sim/")
        if not controlling:
            self._world.remember(seen)
        try:
            if raw is None:
                raise errors.Refused(413, {"message": "Request size limit exceeded"})
            if not controlling:
                _check_key(seen)
            if exchange.region is not None and not controlling and seen.path not in REGIONAL_PATHS:
                raise errors.no_route()
            await _endpoint_of(seen)(exchange)
        except errors.Refused as refused:
            await exchange.refuse(refused)
        except RecursionError:
            await exchange.refuse(errors.wrong_request("Body is nested too deeply"))


def _check_key(seen: Seen) -> None:
    scheme, _, key = seen.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise errors.unauthorized()


def _endpoint_of(seen: Seen) -> Endpoint:
    if endpoint := ENDPOINTS.get((seen.method, seen.path)):
        return endpoint
    if seen.method == "GET" and seen.path.startswith("/v1/models/"):
        return models.one_model
    raise errors.method_not_allowed() if seen.path in PATHS else errors.not_found()
