"""What the pages' forms change, but for keys: each through the same code as the admin API, so that each leaves its line
of the audit. None is done without the token of the visitor's own session."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from router.api.dashboard.answers import see
from router.api.dashboard.desk import Desk
from router.api.session import cookie_header
from router.api.switching import Disabling, Pinning
from router.errors import BadRequest

# What is told once it is done, by the word that stands in the address.
DONE: Final = {
    "revoked": "The key is revoked: it is refused on every replica within seconds.",
    "disabled": "The model is switched off on every replica within 5 s.",
    "enabled": "The model serves again.",
    "pinned": "Every chat request is served by that model, on every replica within 5 s.",
    "unpinned": "Every request is routed again.",
}


def changing_routes(desk: Desk) -> list[HTTPRouteHandler]:
    @post("/dashboard/disable", status_code=303)
    async def disable_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Switch a model off for a while."""
        fields = await desk.change(request)
        asked = Disabling(for_s=seconds(fields, "for_s"), reason=fields.get("reason", ""))
        await desk.switching.disable(request, fields.get("model", ""), asked)
        return done("upstream", "disabled")

    @post("/dashboard/enable", status_code=303)
    async def enable_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Switch a model on again."""
        fields = await desk.change(request)
        await desk.switching.enable(request, fields.get("model", ""))
        return done("upstream", "enabled")

    @post("/dashboard/pin-all", status_code=303)
    async def pin_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Have one model serve every chat request for a while."""
        fields = await desk.change(request)
        asked = Pinning(model=fields.get("model", ""), for_s=seconds(fields, "for_s"), reason=fields.get("reason", ""))
        await desk.switching.pin_all(request, asked)
        return done("upstream", "pinned")

    @post("/dashboard/unpin", status_code=303)
    async def unpin_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Route every request again."""
        await desk.change(request)
        await desk.switching.unpin(request)
        return done("upstream", "unpinned")

    @post("/dashboard/sign-out", status_code=303)
    async def end_session(request: Request[Any, Any, Any]) -> Response[str]:
        """Forget the session in this browser."""
        await desk.change(request)
        return see("/dashboard/sign-in", {"set-cookie": cookie_header("", request.scope)})

    return [disable_on_page, enable_on_page, pin_on_page, unpin_on_page, end_session]


def done(where: str, what: str) -> Response[str]:
    """Back to a page, which tells what of DONE was done."""
    return see(f"/dashboard/{where}?{urlencode({'done': what})}")


def seconds(fields: dict[str, str], name: str) -> float:
    """A duration in a form's field. Raises BadRequest."""
    text = fields.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRequest(f"{name} must be a whole number of seconds.", code="invalid_value", param=name)
    return float(text)
