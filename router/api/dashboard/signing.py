"""Signing in and out, and what pages load: open to everybody, because nothing is told here."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.dashboard.answers import HEADERS, html, see
from router.api.dashboard.asked import form
from router.api.dashboard.desk import Desk
from router.api.session import cookie_header
from router.ops.pages.assets import TYPES, asset
from router.ops.pages.layout import ROOT
from router.ops.pages.sign_in import sign_in_page


def open_routes(desk: Desk) -> list[HTTPRouteHandler]:
    @get("/dashboard/sign-in", sync_to_thread=False)
    def ask_for_key(to: str = ROOT) -> Response[str]:
        """The form that asks for the admin key."""
        return html(sign_in_page(_inside(to)))

    @post("/dashboard/sign-in", status_code=303)
    async def begin_session(request: Request[Any, Any, Any]) -> Response[str]:
        """A session's cookie, for who has the admin key."""
        fields = await form(request)
        to = _inside(fields.get("to", ROOT))
        if not desk.sessions.opens(fields.get("key", "").strip()):
            return html(sign_in_page(to, "That is not the admin key of this router."), 401)
        return see(to, {"set-cookie": cookie_header(desk.sessions.begin(), request.scope)})

    @get("/dashboard/style.css", sync_to_thread=False)
    def style() -> Response[bytes]:
        """The pages' style sheet."""
        return _asset("style.css")

    @get("/dashboard/script.js", sync_to_thread=False)
    def script() -> Response[bytes]:
        """What keeps pages fresh."""
        return _asset("script.js")

    @get("/dashboard/icon.svg", sync_to_thread=False)
    def icon() -> Response[bytes]:
        """The pages' icon."""
        return _asset("icon.svg")

    return [ask_for_key, begin_session, style, script, icon]


def _asset(name: str) -> Response[bytes]:
    headers = {**HEADERS, "cache-control": "public, max-age=31536000, immutable"}
    return Response(asset(name), media_type=TYPES[name], headers=headers)


def _inside(to: str) -> str:
    """An address of the dashboard, whatever was asked for: a sign-in must not lead to another site."""
    inside = to == ROOT or to.startswith((f"{ROOT}/", f"{ROOT}?"))
    return to if inside and to.isascii() and to.isprintable() and "\\" not in to else ROOT
