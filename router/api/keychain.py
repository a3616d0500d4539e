"""How a key is made, given a new secret and revoked: asked for through the admin API or on the dashboard, it is
checked, done and put on record here."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import Request

from router.api.asking import check_team
from router.api.changes import Changes
from router.core.asked import AUTO
from router.core.key_rules import KeyRules, check_key_rules
from router.core.keys import KeyRecord
from router.core.rules import Rules
from router.errors import BadRequest, NotFound
from router.pipeline import ENDPOINTS
from router.store.keyring import Keyring

# Year 3000: later ones cannot be shown in every zone.
EXPIRY_MAX_S: Final = 32_503_680_000
GRACE_S_MAX: Final = 30 * 86_400
NAME_MAX: Final = 128


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


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A key with a secret that is told this once, and the id of the audit's line."""

    record: KeyRecord
    key: str
    line_id: str


class Keychain:
    def __init__(self, rules: Callable[[], Rules], keyring: Keyring, changes: Changes) -> None:
        self.rules = rules
        self.keyring = keyring
        self.changes = changes

    async def create(self, request: Request[Any, Any, Any], asked: NewKey) -> Made:
        """A new key. Raises BadRequest."""
        _check_key(asked, self.rules())
        record, key = await self.keyring.create(
            asked.team,
            asked.name,
            models=tuple(asked.models),
            endpoints=tuple(_endpoint(name) for name in asked.endpoints),
            expires_at=asked.expires_at.timestamp() if asked.expires_at else None,
            unlimited=asked.unlimited,
            own=asked.own,
        )
        line_id = await self.changes.note(request, "key.created", record.id, _details(record))
        return Made(record=record, key=key, line_id=line_id)

    async def rotate(self, request: Request[Any, Any, Any], key_id: str, asked: Rotation) -> Made:
        """A new secret under the same id. Raises BadRequest, NotFound."""
        if not 0 <= asked.grace_s <= GRACE_S_MAX:
            raise BadRequest("grace_s must be from 0 to 2,592,000 (30 days).", code="invalid_value", param="grace_s")
        rotated = await self.keyring.rotate(key_id, asked.grace_s)
        if rotated is None:
            raise NotFound(f"There is no key {key_id!r} that could be rotated.", param="id")
        record, key = rotated
        details = {**_details(record), "grace_s": asked.grace_s}
        return Made(record=record, key=key, line_id=await self.changes.note(request, "key.rotated", record.id, details))

    async def revoke(self, request: Request[Any, Any, Any], key_id: str) -> tuple[KeyRecord, str]:
        """The revoked key, and the id of the audit's line. Raises NotFound."""
        record = await self.keyring.revoke(key_id)
        if record is None:
            raise NotFound(f"There is no key {key_id!r}.", param="id")
        return record, await self.changes.note(request, "key.revoked", record.id, _details(record))


def _check_key(data: NewKey, rules: Rules) -> None:
    check_team(data.team)
    if not 0 < len(data.name) <= NAME_MAX or not data.name.isprintable():
        raise BadRequest(f"name must be 1 to {NAME_MAX} printable characters.", code="invalid_value", param="name")
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
    if data.expires_at is not None and not time.time() < data.expires_at.timestamp() < EXPIRY_MAX_S:
        raise BadRequest("expires_at must be from now to 2999.", code="invalid_value", param="expires_at")
    for pattern in data.models:
        if not 0 < len(pattern) <= NAME_MAX or not pattern.isprintable():
            text = f"models holds catalogue ids and globs, each of 1 to {NAME_MAX} printable characters."
            raise BadRequest(text, code="invalid_value", param="models")
        if pattern in AUTO:
            text = f"models holds catalogue ids and globs; {pattern} is a way to choose among them."
            raise BadRequest(text, code="invalid_value", param="models")


def _endpoint(name: str) -> str:
    short = name.strip("/").removeprefix("v1/").partition("/")[0]
    if short not in ENDPOINTS:
        raise BadRequest(f"endpoints must be among {', '.join(ENDPOINTS)}.", code="invalid_value", param="endpoints")
    return short


def _details(record: KeyRecord) -> dict[str, str | float | bool | None]:
    """What tells a key apart on the audit's line, and what it may: an own budget is money that somebody gave."""
    own = msgspec.structs.asdict(record.own) if record.own else {}
    told: dict[str, str | float | None] = {
        "budget_usd": own.pop("usd", None),
        **own,
        "models": ", ".join(record.models) or None,
        "endpoints": ", ".join(record.endpoints) or None,
    }
    given = {name: value for name, value in told.items() if value is not None}
    return {"team": record.team, "name": record.name, "unlimited": record.unlimited, **given}
