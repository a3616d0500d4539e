"""The operations plane's part about money that nobody knows: unconfirmed holds, and their end by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_team
from router.api.changes import Changes
from router.core.money import NANO, USD_MAX, usd
from router.errors import BadRequest, Conflict, NotFound
from router.store.names import ORGANISATION
from router.store.reconciling import Reconciler, Status
from router.store.records import Records


class Word(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator says of a hold: its cost in nano-USD, or that it is released. One of the two."""

    team: str
    nano_usd: int | None = None
    release: bool = False


def reconcile_routes(
    reconciler: Reconciler, records: Records, settle: Callable[[], Awaitable[object]], changes: Changes
) -> list[HTTPRouteHandler]:
    """`settle` waits until what was answered is booked."""

    @get("/admin/v1/unconfirmed")
    async def list_unconfirmed(team: str | None = None) -> dict[str, Any]:
        """Every hold whose usage never came, oldest first within its team."""
        await settle()
        teams = [_group(team)] if team is not None else await records.teams()
        found = [hold for name in teams for hold in await reconciler.unconfirmed(name)]
        if team is None:
            # A hold of the organisation's group stands beside a team's, unless the router died between the two.
            known = {hold.id for hold in found}
            found += [hold for hold in await reconciler.unconfirmed(ORGANISATION) if hold.id not in known]
        return {"unconfirmed": found}

    @post("/admin/v1/unconfirmed/{hold_id:str}", status_code=200)
    async def end_unconfirmed(request: Request[Any, Any, Any], hold_id: str, data: Word) -> Response[dict[str, Any]]:
        """Settle or release one hold, on every account it is counted on."""
        nano = _amount(data)
        ended = await reconciler.end(_group(data.team), hold_id, nano)
        match ended.status:
            case Status.UNKNOWN:
                raise NotFound(
                    f"Team {data.team} has no hold {hold_id!r}; /admin/v1/unconfirmed lists them.", param="id"
                )
            case Status.OPEN:
                text = f"The request of hold {hold_id!r} is still open: wait until its lease has ended."
                raise Conflict(text, param="id")
            case Status.OTHERWISE:
                by = "by its own usage" if ended.nano_usd is None else f"by hand, at {usd(ended.nano_usd)} USD"
                raise Conflict(f"Hold {hold_id!r} has ended already, {by}; that is final.", param="id")
            case Status.ENDED | Status.SAME:
                changed = ended.status is Status.ENDED
        told = {"id": hold_id, "team": data.team, "nano_usd": ended.nano_usd, "changed": changed}
        what = "hold.released" if nano is None else "hold.settled"
        details: dict[str, str | float | bool | None] = {"team": data.team, "nano_usd": nano, "changed": changed}
        return await changes.told(request, told, what, hold_id, details)

    return [list_unconfirmed, end_unconfirmed]


def _group(name: str) -> str:
    return name if name == ORGANISATION else check_team(name)


def _amount(word: Word) -> int | None:
    """Nano-USD to charge, None to release."""
    if word.release is (word.nano_usd is not None):
        raise BadRequest("Give either nano_usd or release: true.", code="invalid_value", param="nano_usd")
    if word.nano_usd is not None and not 0 <= word.nano_usd <= USD_MAX * NANO:
        text = f"nano_usd must be a whole number from 0 to {USD_MAX * NANO} (nano-USD)."
        raise BadRequest(text, code="invalid_value", param="nano_usd")
    return word.nano_usd
