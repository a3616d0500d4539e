"""How the dashboard answers: pages that let nothing in from outside, and refusals in the form that was asked for."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from router.api.auth import SignIn
from router.api.errors import http_error, router_error, sign_in
from router.errors import RouterError
from router.ops.pages.sign_in import failed_page

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def html(page: str, status: int = 200, headers: dict[str, str] | None = None) -> Response[str]:
    return Response(page, status_code=status, media_type=MediaType.HTML, headers={**HEADERS, **(headers or {})})


def see(place: str, headers: dict[str, str] | None = None) -> Response[str]:
    """Have the browser ask for another page."""
    return Response("", status_code=303, headers={**HEADERS, "location": place, **(headers or {})})


def refused(request: Request[Any, Any, Any], error: RouterError) -> Response[Any]:
    """An exception handler: a page for a browser, JSON for a program."""
    if not _by_browser(request):
        return sign_in(request, error) if isinstance(error, SignIn) else router_error(request, error)
    if isinstance(error, SignIn):
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return see(f"/dashboard/sign-in?{urlencode({'to': asked if request.method == 'GET' else '/dashboard'})}")
    return html(failed_page(error.message, _back(request.url.path)), error.status)


def refused_by_litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """An exception handler for Litestar's own refusals."""
    if error.status_code >= 500 or not _by_browser(request):
        return http_error(request, error)
    path = request.url.path
    if error.status_code == 404:
        text = f"There is nothing at {path}."
    elif error.status_code != 405:
        text = f"{error.detail}."
    elif request.method == "GET":
        text = f"Nothing can be read at {path}: it takes what a form sends."
    else:
        text = f"Nothing can be sent to {path}: it can only be read."
    return html(failed_page(text), error.status_code)


def _back(path: str) -> tuple[str, str]:
    """The page that the form at `path` stands on."""
    match path.removeprefix("/dashboard/"):
        case "create-key" | "rotate" | "revoke":
            return "the keys", "/keys"
        case "disable" | "enable" | "pin-all" | "unpin":
            return "the upstream", "/upstream"
    return "the overview", ""


def _by_browser(request: Request[Any, Any, Any]) -> bool:
    return "text/html" in request.headers.get("accept", "")
