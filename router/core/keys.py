"""What a virtual key is, and whether it may still ask."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from router.core.key_rules import KeyRules
from router.errors import InvalidKey


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the store keeps it. Times are epoch seconds; `digests` maps an HMAC to when it ends to be valid (None:
    with the key), so that a rotated secret can live on for a while."""

    id: str
    team: str
    name: str
    digests: dict[str, float | None]
    created_at: float
    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    expires_at: float | None = None
    revoked_at: float | None = None
    unlimited: bool = False
    own: KeyRules | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    key_id: str
    team: str
    models: tuple[str, ...]
    endpoints: tuple[str, ...]
    own: KeyRules | None = None


def principal_of(record: KeyRecord, digest: str, now: float) -> Principal:
    """Who asks with the secret of that digest, one of the record's. Raises InvalidKey when its time is over."""
    until = record.digests[digest]
    if record.revoked_at is not None or (until is not None and until <= now):
        raise InvalidKey(f"The API key {record.id} was revoked.")
    if record.expires_at is not None and record.expires_at <= now:
        day = datetime.fromtimestamp(record.expires_at, UTC).isoformat(timespec="seconds")
        raise InvalidKey(f"The API key {record.id} expired at {day}.")
    return Principal(
        key_id=record.id,
        team=record.team,
        models=record.models,
        endpoints=record.endpoints,
        own=record.own,
    )
