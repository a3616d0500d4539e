"""The operations plane: keys and policies. Behind the admin key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_team, stamp
from router.api.changes import Changes, said
from router.api.records import record_routes
from router.core.asked import AUTO
from router.core.key_rules import KeyRules, check_key_rules
from router.core.rules import Rules
from router.errors import BadRequest, NotFound
from router.pipeline import ENDPOINTS
from router.store.keyring import KeyRecord, Keyring
from router.store.records import Records

# Year 3000: later ones cannot be shown in every zone.
EXPIRY_MAX_S = 32_503_680_000


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`models` are globs of catalogue ids, `endpoints` names of the data plane; empty means all. The budget and the
    limits are the key's own."""

    team: str
    name: str
    models: list[str] = []
    endpoints: list[str] = []
    expires_at: datetime | None = None
    unlimited: bool = False
    budget_usd: str | None = None
    window: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None

    @property
    def own(self) -> KeyRules | None:
        rules = KeyRules(
            usd=self.budget_usd,
            window=self.window,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            concurrency=self.concurrency,
        )
        return rules if rules != KeyRules() else None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    grace_s: float = 3600.0


def admin_routes(
    rules: Callable[[], Rules],
    keyring: Keyring,
    records: Records,
    reloads: Callable[[], str | None],
    settle: Callable[[], Awaitable[object]],
    changes: Changes,
) -> list[HTTPRouteHandler]:
    """`reloads` answers why the last reload was refused, or None; `settle` waits until what was answered is booked."""

    @post("/admin/v1/keys", status_code=201)
    async def create_key(request: Request[Any, Any, Any], data: NewKey) -> Response[dict[str, Any]]:
        """A new virtual key; its secret is shown this once."""
        _check_key(data, rules())
        record, key = await keyring.create(
            data.team,
            data.name,
            models=tuple(data.models),
            endpoints=tuple(_endpoint(name) for name in data.endpoints),
            expires_at=data.expires_at.timestamp() if data.expires_at else None,
            unlimited=data.unlimited,
            own=data.own,
        )
        details = _details(record)
        return await changes.told(request, {**shown_key(record), "key": key}, "key.created", record.id, details)

    @get("/admin/v1/keys")
    async def list_keys() -> dict[str, Any]:
        """Every key, without its secret."""
        return {"keys": [shown_key(record) for record in await keyring.list()]}

    @delete("/admin/v1/keys/{key_id:str}", status_code=200)
    async def revoke_key(request: Request[Any, Any, Any], key_id: str) -> Response[dict[str, Any]]:
        """Refuse the key from now on; every replica within seconds."""
        record, line_id = await revoke(request, keyring, changes, key_id)
        return said(shown_key(record), line_id)

    @post("/admin/v1/keys/{key_id:str}/rotate", status_code=200)
    async def rotate_key(
        request: Request[Any, Any, Any], key_id: str, data: Rotation | None = None
    ) -> Response[dict[str, Any]]:
        """A new secret under the same id; the old one works on for `grace_s`."""
        grace_s = (data or Rotation()).grace_s
        if not 0 <= grace_s <= 30 * 86_400:
            raise BadRequest("grace_s must be from 0 to 2,592,000 (30 days).", code="invalid_value", param="grace_s")
        rotated = await keyring.rotate(key_id, grace_s)
        if rotated is None:
            raise NotFound(f"There is no key {key_id!r} that could be rotated.", param="id")
        record, key = rotated
        details = {**_details(record), "grace_s": grace_s}
        return await changes.told(request, {**shown_key(record), "key": key}, "key.rotated", record.id, details)

    @get("/admin/v1/policies", sync_to_thread=False)
    def policies() -> dict[str, Any]:
        """The policies in force, and why the last reload was refused, if it was."""
        now = rules()
        return {"rules": now.version, "policies": now.policies, "refused_reload": reloads()}

    return [create_key, list_keys, revoke_key, rotate_key, policies, *record_routes(records, settle)]


async def revoke(
    request: Request[Any, Any, Any], keyring: Keyring, changes: Changes, key_id: str
) -> tuple[KeyRecord, str]:
    """The revoked key, and the id of the audit's line. Raises NotFound."""
    record = await keyring.revoke(key_id)
    if record is None:
        raise NotFound(f"There is no key {key_id!r}.", param="id")
    return record, await changes.note(request, "key.revoked", record.id, _details(record))


def _check_key(data: NewKey, rules: Rules) -> None:
    check_team(data.team)
    if not 0 < len(data.name) <= 128 or not data.name.isprintable():
        raise BadRequest("name must be 1 to 128 printable characters.", code="invalid_value", param="name")
    if data.own is not None:
        try:
            check_key_rules(data.own)
        except ValueError as error:
            raise BadRequest(f"{error}.", code="invalid_value", param=str(error).partition(":")[0]) from None
    if not data.unlimited and data.budget_usd is None and not rules.policy_of(data.team).has_hard_budget:
        raise BadRequest(
            f"The policy of team {data.team} has no hard budget: give it one, or create the key with a budget_usd "
            "of its own, or with unlimited: true.",
            code="no_budget",
            param="unlimited",
        )
    if data.expires_at is not None and data.expires_at.tzinfo is None:
        raise BadRequest("expires_at needs a time zone, such as Z.", code="invalid_value", param="expires_at")
    if data.expires_at is not None and not 0 <= data.expires_at.timestamp() < EXPIRY_MAX_S:
        raise BadRequest("expires_at must be from 1970 to 2999.", code="invalid_value", param="expires_at")
    for pattern in data.models:
        if pattern in AUTO:
            text = f"models holds catalogue ids and globs; {pattern} is a way to choose among them."
            raise BadRequest(text, code="invalid_value", param="models")


def _endpoint(name: str) -> str:
    short = name.strip("/").removeprefix("v1/").partition("/")[0]
    if short not in ENDPOINTS:
        raise BadRequest(f"endpoints must be among {', '.join(ENDPOINTS)}.", code="invalid_value", param="endpoints")
    return short


def _details(record: KeyRecord) -> dict[str, str | float | bool | None]:
    """What tells a key apart on the audit's line."""
    return {"team": record.team, "name": record.name, "unlimited": record.unlimited}


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
