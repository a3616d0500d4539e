"""The operations plane's part about backups: every key's record, every grant and every open window's total out, and
back in where they are missing."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.changes import Changes
from router.core.backup import READ, VERSION
from router.core.charges import Kind
from router.core.grants import Grant
from router.core.keys import KeyRecord
from router.core.policy import NAME
from router.errors import BadRequest
from router.store.grants import GRANTS_MAX, GrantBook, Regranted, TooManyGrants
from router.store.keyring import Keyring, Restored
from router.store.names import ORGANISATION
from router.store.saving import Saving, Total

KEYS_MAX: Final = 1_000  # of one call
BUCKETS_MAX: Final = 1_000
EXACT: Final = 1 << 53  # the store's scripts count in doubles
_ID = re.compile(r"[A-Za-z0-9]{12}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Restoring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    pepper: str
    keys: list[KeyRecord]
    grants: list[Grant] = []
    totals: list[Total] = []


def backup_routes(keyring: Keyring, book: GrantBook, saving: Saving, changes: Changes) -> list[HTTPRouteHandler]:
    @get("/admin/v1/backup")
    async def backup() -> dict[str, Any]:
        """Every key as the store keeps it, without secret or pepper, every grant that has not ended, and what every
        open window has counted."""
        made_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        kept = {"keys": await keyring.list(), "grants": await book.read(), "totals": await saving.read()}
        return {"version": VERSION, "made_at": made_at, "pepper": keyring.pepper_mark, **kept}

    @post("/admin/v1/restore", status_code=200)
    async def restore(request: Request[Any, Any, Any], data: Restoring) -> Response[dict[str, Any]]:
        """Put back what is missing, revoke what was revoked, and raise what was spent to what it was."""
        _check(data, keyring.pepper_mark)
        done = Counter[Restored]()
        for record in data.keys:
            done[await keyring.restore(record)] += 1
        granted = Counter[Regranted]()
        try:
            for grant in data.grants:
                granted[await book.restore(grant)] += 1
        except TooManyGrants:
            text = f"There are {GRANTS_MAX} grants already; the keys were restored, the other grants were not."
            raise BadRequest(text, code="too_many_grants", param="grants") from None
        told: dict[str, Any] = {what.value: done[what] for what in Restored}
        told |= {f"grants_{what.value}": granted[what] for what in Regranted}
        told["raised"] = await saving.restore(data.totals)
        return await changes.told(request, told, "keys.restored", "keys", told)

    return [backup, restore]


def _check(data: Restoring, pepper: str) -> None:
    """Everything is checked before anything is written."""
    if data.version not in READ:
        raise BadRequest(f"version must be at most {VERSION}.", code="invalid_value", param="version")
    if data.pepper != pepper:
        text = (
            "The backup was made under another ROUTER_KEY_PEPPER: none of its keys would work here. "
            "Start the router with that pepper, then restore."
        )
        raise BadRequest(text, code="other_pepper", param="pepper")
    if len(data.keys) > KEYS_MAX:
        raise BadRequest(f"keys holds more than {KEYS_MAX}: send them in parts.", code="invalid_value", param="keys")
    if len(data.totals) > KEYS_MAX:
        text = f"totals holds more than {KEYS_MAX}: send them in parts."
        raise BadRequest(text, code="invalid_value", param="totals")
    for index, total in enumerate(data.totals):
        numbers = (total.at, total.buckets, total.nano_usd)
        known = total.team == ORGANISATION or NAME.match(total.team) is not None
        counts = known and total.account and total.kind is not Kind.GAUGE
        if not counts or total.buckets > BUCKETS_MAX or not all(0 <= number < EXACT for number in numbers):
            text = f"totals[{index}] is not what a window has counted."
            raise BadRequest(text, code="invalid_value", param=f"totals[{index}]")
    for index, record in enumerate(data.keys):
        whole = _ID.match(record.id) and NAME.match(record.team) and all(map(_DIGEST.match, record.digests))
        if not whole:
            raise BadRequest(f"keys[{index}] is not the record of a key.", code="invalid_value", param=f"keys[{index}]")
