"""/dashboard: what is spent, saved, running out and failing, for operators; behind the admin key."""

from __future__ import annotations

from litestar import Router

from router.api.auth import AdminGuard
from router.api.dashboard.answers import refused
from router.api.dashboard.changing import changing_routes
from router.api.dashboard.desk import Desk
from router.api.dashboard.keying import keying_routes
from router.api.dashboard.money import money_routes
from router.api.dashboard.operating import operating_routes
from router.api.dashboard.requests import request_routes
from router.api.dashboard.signing import open_routes
from router.errors import RouterError


def dashboard(desk: Desk, guard: AdminGuard) -> Router:
    """All of the dashboard; `guard` stands before everything but the sign-in."""
    reading = [*money_routes(desk), *request_routes(desk), *operating_routes(desk)]
    closed = [*reading, *changing_routes(desk), *keying_routes(desk)]
    for handler in closed:
        handler.guards = [*(handler.guards or ()), guard]
    return Router(
        path="/",
        route_handlers=[*open_routes(desk), *closed],
        exception_handlers={RouterError: refused},
    )
