"""The operations plane: keys and policies. Behind the admin key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.asking import stamp
from router.api.changes import said
from router.api.keychain import Keychain, Made, NewKey, Rotation
from router.api.records import record_routes
from router.core.key_rules import KeyRules
from router.core.keys import KeyRecord
from router.core.rules import Rules
from router.store.records import Records


def admin_routes(
    rules: Callable[[], Rules],
    keychain: Keychain,
    records: Records,
    reloads: Callable[[], str | None],
    settle: Callable[[], Awaitable[object]],
) -> list[HTTPRouteHandler]:
    """`reloads` answers why the last reload was refused, or None; `settle` waits until what was answered is booked."""

    @post("/admin/v1/keys", status_code=201)
    async def create_key(request: Request[Any, Any, Any], data: NewKey) -> Response[dict[str, Any]]:
        """A new virtual key; its secret is shown this once."""
        return _with_secret(await keychain.create(request, data))

    @get("/admin/v1/keys")
    async def list_keys() -> dict[str, Any]:
        """Every key, without its secret."""
        return {"keys": [shown_key(record) for record in await keychain.keyring.list()]}

    @delete("/admin/v1/keys/{key_id:str}", status_code=200)
    async def revoke_key(request: Request[Any, Any, Any], key_id: str) -> Response[dict[str, Any]]:
        """Refuse the key from now on; every replica within seconds."""
        record, line_id = await keychain.revoke(request, key_id)
        return said(shown_key(record), line_id)

    @post("/admin/v1/keys/{key_id:str}/rotate", status_code=200)
    async def rotate_key(
        request: Request[Any, Any, Any], key_id: str, data: Rotation | None = None
    ) -> Response[dict[str, Any]]:
        """A new secret under the same id; the old one works on for `grace_s`."""
        return _with_secret(await keychain.rotate(request, key_id, data or Rotation()))

    @get("/admin/v1/policies", sync_to_thread=False)
    def policies() -> dict[str, Any]:
        """The policies in force, and why the last reload was refused, if it was."""
        now = rules()
        return {"rules": now.version, "policies": now.policies, "refused_reload": reloads()}

    return [create_key, list_keys, revoke_key, rotate_key, policies, *record_routes(records, settle)]


def _with_secret(made: Made) -> Response[dict[str, Any]]:
    """The one answer that tells the secret; nothing on its way may keep it."""
    answer = said({**shown_key(made.record), "key": made.key}, made.line_id)
    answer.set_header("cache-control", "no-store")
    return answer


def shown_key(record: KeyRecord) -> dict[str, Any]:
    own = record.own or KeyRules()
    return {
        "id": record.id,
        "team": record.team,
        "name": record.name,
        "models": record.models,
        "endpoints": record.endpoints,
        "created_at": stamp(record.created_at),
        "expires_at": stamp(record.expires_at),
        "revoked_at": stamp(record.revoked_at),
        "unlimited": record.unlimited,
        "budget_usd": own.usd,
        "window": own.window,
        "requests_per_minute": own.requests_per_minute,
        "tokens_per_minute": own.tokens_per_minute,
        "concurrency": own.concurrency,
    }
