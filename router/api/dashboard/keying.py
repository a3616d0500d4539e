"""What the forms of the page of keys do: make a key, give it a new secret, revoke it; each through the same code as the
admin API. A secret is in the answer to the form and nowhere else, so it is shown once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from router.api.dashboard.answers import html
from router.api.dashboard.changing import done, seconds
from router.api.dashboard.desk import Desk
from router.api.keychain import Made, NewKey, Rotation
from router.core.instants import instant
from router.errors import BadRequest
from router.ops.figures import span
from router.ops.pages.keys import secret_page


def keying_routes(desk: Desk) -> list[HTTPRouteHandler]:
    def shown(request: Request[Any, Any, Any], made: Made, told: str) -> Response[str]:
        record = made.record
        return html(secret_page(record.name, record.team, record.id, made.key, told, desk.frame(request)))

    @post("/dashboard/create-key", status_code=200)
    async def create_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Make a key, and show its secret."""
        made = await desk.keychain.create(request, _asked(await desk.change(request)))
        # A misspelt team is a new one, which lives under the default policy.
        policy = desk.keychain.rules().file_of(made.record.team)
        return shown(request, made, f"It works from now on, held to the policy {policy}.toml.")

    @post("/dashboard/rotate", status_code=200)
    async def rotate_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Give a key a new secret, and show it."""
        fields = await desk.change(request)
        asked = Rotation(grace_s=seconds(fields, "grace_s"))
        made = await desk.keychain.rotate(request, fields.get("key", ""), asked)
        old = f"works for {span(asked.grace_s)} more" if asked.grace_s else "is refused on every replica within seconds"
        return shown(request, made, f"It works from now on; the old secret {old}.")

    @post("/dashboard/revoke", status_code=303)
    async def revoke_on_page(request: Request[Any, Any, Any]) -> Response[str]:
        """Revoke a key."""
        fields = await desk.change(request)
        if fields.get("sure") != "yes":
            raise BadRequest("Tick “for good” to revoke a key.", code="invalid_value", param="sure")
        await desk.keychain.revoke(request, fields.get("key", ""))
        return done("keys", "revoked")

    return [create_on_page, rotate_on_page, revoke_on_page]


def _asked(fields: dict[str, str]) -> NewKey:
    """The key that a form asks for; a field that is left empty is none. Raises BadRequest."""
    given = {name: text for name, value in fields.items() if (text := value.strip())}
    expires = given.get("expires_at")
    return NewKey(
        team=given.get("team", ""),
        name=given.get("name", ""),
        models=_listed(given.get("models", "")),
        endpoints=_listed(given.get("endpoints", "")),
        expires_at=_moment("expires_at", expires) if expires else None,
        unlimited=given.get("unlimited") == "yes",
        budget_usd=given.get("budget_usd"),
        window=given.get("window"),
        requests_per_minute=_whole(given, "requests_per_minute"),
        tokens_per_minute=_whole(given, "tokens_per_minute"),
        concurrency=_whole(given, "concurrency"),
    )


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _moment(name: str, text: str) -> datetime:
    try:
        return datetime.fromtimestamp(instant(name, text, 0) / 1000, UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be from now to 2999.", code="invalid_value", param=name) from None


def _whole(given: dict[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is not None and not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise BadRequest(f"{name} must be a whole number.", code="invalid_value", param=name)
    return int(text) if text is not None else None
