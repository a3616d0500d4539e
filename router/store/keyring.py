"""Virtual keys: `sk-mr-<12 public>-<43 secret>`. The public part names the key everywhere; of the secret only an HMAC
is kept, under a pepper that is not in the store.

Looked-up keys stay in memory while a version counter in the store stands still. It is read every second, so a revoked
key is refused everywhere within a few seconds, also where no message could reach a replica.
"""

from __future__ import annotations

import asyncio
import enum
import hashlib
import hmac
import re
import secrets
import string
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from router.core.key_rules import KeyRules
from router.core.keys import KeyRecord, Principal, principal_of
from router.errors import InvalidKey, StoreUnavailable
from router.store import names
from router.store.connect import DEADLINE_S, STORE_ERRORS, Client, away
from router.store.scripts import load_alone

POLL_S: Final = 1.0
# An unknown id, or an unknown secret of a known one, is asked for again after this: guesses cost the store little.
UNKNOWN_S: Final = 1.0
CACHED_MAX: Final = 100_000
READ_MAX: Final = 1_000

_ALPHABET: Final = string.ascii_letters + string.digits
_KEY: Final = re.compile(r"sk-mr-([A-Za-z0-9]{12})-([A-Za-z0-9_-]{43})\Z")
_SAVE: Final = load_alone("save_key")
_NOBODY: Final = hashlib.sha256(b"").hexdigest()


class Restored(enum.Enum):
    """What became of a record from a backup."""

    RESTORED = "restored"
    REVOKED = "revoked"
    KEPT = "kept"


class Keyring:
    def __init__(
        self,
        client: Client,
        pepper: bytes,
        clock: Callable[[], float] = time.time,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._client: Any = client
        self.deadline_s = deadline_s
        self._pepper = pepper
        self._clock = clock
        self._cache: dict[str, KeyRecord] = {}
        self._unknown: dict[str, float] = {}
        self._guessed: dict[str, float] = {}
        self._version = -1

    async def authenticate(self, key: str | None) -> Principal:
        """Who holds `key`. Raises InvalidKey, or StoreUnavailable when a key not seen before can't be looked up."""
        match = _KEY.match(key or "")
        if match is None:
            hint = "No API key was given" if not key else "The API key does not have the form sk-mr-…"
            raise InvalidKey(f"{hint}: send it as `Authorization: Bearer sk-mr-…` or `x-api-key`.")
        record = await self._find(match[1])
        digest = self._digest(match[0])
        found = _stored(record, digest)
        if record is not None and found is None:
            record = await self._read_again(record)
            found = _stored(record, digest)
            if found is None:
                self._guessed[record.id] = self._clock() + UNKNOWN_S
        if record is None or found is None:
            hmac.compare_digest(_NOBODY, digest)  # an unknown id takes as long as a wrong secret
            raise InvalidKey("The API key is not known: check it, or ask an operator for a new one.")
        return principal_of(record, found, self._clock())

    async def create(
        self,
        team: str,
        name: str,
        *,
        models: tuple[str, ...] = (),
        endpoints: tuple[str, ...] = (),
        expires_at: float | None = None,
        unlimited: bool = False,
        own: KeyRules | None = None,
    ) -> tuple[KeyRecord, str]:
        """A new key: its record and, this once, the key itself."""
        key_id = "".join(secrets.choice(_ALPHABET) for _ in range(12))
        key = _new_key(key_id)
        record = KeyRecord(
            id=key_id,
            team=team,
            name=name,
            digests={self._digest(key): None},
            created_at=self._clock(),
            models=models,
            endpoints=endpoints,
            expires_at=expires_at,
            unlimited=unlimited,
            own=own,
        )
        await self._save(record, b"")
        return record, key

    async def rotate(self, key_id: str, grace_s: float) -> tuple[KeyRecord, str] | None:
        """A new secret under the same id; the old one lives on for `grace_s`. None for an unknown or revoked key."""
        while packed := await self._packed(key_id):
            record = _unpacked(packed)
            if record.revoked_at is not None:
                return None
            now = self._clock()
            key = _new_key(key_id)
            alive = {digest: until for digest, until in record.digests.items() if until is None or until > now}
            ending = {
                digest: now + grace_s if until is None else min(until, now + grace_s) for digest, until in alive.items()
            }
            record = msgspec.structs.replace(record, digests={**ending, self._digest(key): None})
            if await self._save(record, packed):
                return record, key
        return None

    async def revoke(self, key_id: str) -> KeyRecord | None:
        """Refuse the key from now on; a second time changes nothing. None for an unknown key."""
        while packed := await self._packed(key_id):
            record = _unpacked(packed)
            if record.revoked_at is None:
                record = msgspec.structs.replace(record, revoked_at=self._clock())
            if await self._save(record, packed):
                return record
        return None

    async def find(self, key_id: str) -> KeyRecord | None:
        """The key's record as the store has it; None for an unknown one."""
        packed = await self._packed(key_id)
        return _unpacked(packed) if packed else None

    async def list(self) -> list[KeyRecord]:
        """Every key, oldest first."""
        packed = await self._ask(self._client.hgetall(names.KEYS))
        found = [_unpacked(raw) for raw in packed.values()]
        return sorted(found, key=lambda record: (record.created_at, record.id))

    @property
    def pepper_mark(self) -> str:
        """Tells two peppers apart, and nothing of either."""
        return hmac.new(self._pepper, b"the mark of this pepper", hashlib.sha256).hexdigest()[:16]

    async def restore(self, record: KeyRecord) -> Restored:
        """Bring back a record from a backup. One that stands is as new or newer, so it stays; but a key that was
        revoked once is revoked for good, whatever an older store says."""
        while packed := await self._packed(record.id):
            stands = _unpacked(packed)
            if record.revoked_at is None or stands.revoked_at is not None:
                return Restored.KEPT
            if await self._save(msgspec.structs.replace(stands, revoked_at=record.revoked_at), packed):
                return Restored.REVOKED
        return Restored.RESTORED if await self._save(record, b"") else await self.restore(record)

    async def watch(self) -> None:
        """Run for ever: read the cached keys again whenever the store's version moves. Known keys stay usable while the
        store is away."""
        while True:
            try:
                await self.look()
            except STORE_ERRORS:
                self._version = -1  # what was known may be old, and is read as soon as the store is back
            await asyncio.sleep(POLL_S)

    async def look(self) -> None:
        """Read the cached keys again if any key has changed."""
        version = int(await self._client.get(names.KEYS_VERSION) or 0)
        if version == self._version:
            return
        # First the version: whoever is reading a key right now then knows that the reading may be the old one.
        self._version = version
        self._unknown.clear()
        known = list(self._cache)
        for start in range(0, len(known), READ_MAX):
            some = known[start : start + READ_MAX]
            for key_id, packed in zip(some, await self._client.hmget(names.KEYS, some), strict=True):
                if packed is None:
                    self._cache.pop(key_id, None)
                else:
                    self._cache[key_id] = _unpacked(packed)

    async def _find(self, key_id: str) -> KeyRecord | None:
        record = self._cache.get(key_id)
        if record is not None:
            return record
        if self._unknown.get(key_id, 0.0) > self._clock():
            return None
        version = self._version
        packed = await self._packed(key_id)
        record = _unpacked(packed) if packed else None
        if version != self._version:
            return record  # a key changed meanwhile: this reading may be the old one, so it is not kept
        if len(self._cache) >= CACHED_MAX or len(self._unknown) >= CACHED_MAX:
            self._cache.clear()
            self._unknown.clear()
            self._guessed.clear()
        if record is None:
            self._unknown[key_id] = self._clock() + UNKNOWN_S
        else:
            self._cache[key_id] = record
        return record

    async def _read_again(self, record: KeyRecord) -> KeyRecord:
        """A known key came with a secret that it has not here: it may have been rotated elsewhere a moment ago."""
        if self._guessed.get(record.id, 0.0) > self._clock():
            return record
        version = self._version
        packed = await self._packed(record.id)
        newer = _unpacked(packed) if packed else record
        if version == self._version:
            self._cache[record.id] = newer
        return newer

    async def _packed(self, key_id: str) -> bytes | None:
        packed: bytes | None = await self._ask(self._client.hget(names.KEYS, key_id))
        return packed

    async def _save(self, record: KeyRecord, read: bytes) -> bool:
        """Keep `record` where `read` stood. False when somebody else has changed it since: read again."""
        keys = (names.KEYS, names.KEYS_VERSION, names.TEAMS)
        packed = msgspec.json.encode(record)
        kept = await self._ask(self._client.eval(_SAVE.source, len(keys), *keys, record.id, read, packed, record.team))
        self._cache.pop(record.id, None)
        self._unknown.pop(record.id, None)
        return bool(kept)

    async def _ask(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(self.deadline_s):
                return await command
        except (*STORE_ERRORS, TimeoutError) as error:
            failure: StoreUnavailable = away("could not be asked about keys")
            raise failure from error

    def _digest(self, key: str) -> str:
        return hmac.new(self._pepper, key.encode(), hashlib.sha256).hexdigest()


def _unpacked(packed: bytes) -> KeyRecord:
    return msgspec.json.decode(packed, type=KeyRecord)


def _stored(record: KeyRecord | None, digest: str) -> str | None:
    """The key's own copy of `digest`; None when it has none."""
    known = record.digests if record else {}
    return next((stored for stored in known if hmac.compare_digest(stored, digest)), None)


def _new_key(key_id: str) -> str:
    return f"sk-mr-{key_id}-{secrets.token_urlsafe(32)}"
