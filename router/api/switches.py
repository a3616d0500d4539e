"""The operations plane at night: switch a model off and on, have one serve all, and see who changed what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_limit, check_reason, cursor_of, instant, stamp
from router.api.changes import Changes
from router.core.catalog import Ability, ModelCard, Stage
from router.core.rules import Rules
from router.core.sites import Site
from router.core.switches import PinAll, Switch, Switches
from router.errors import BadRequest, NotFound
from router.store.switchboard import Switchboard
from router.upstream.health import Health

FOR_S_MAX: Final = 30 * 86_400.0


class Disabling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`for_s` is seconds; apps that the switch refuses are told the reason."""

    for_s: float
    reason: str


class Pinning(Disabling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`model` is a catalogue id or alias."""

    model: str


def switch_routes(
    rules: Callable[[], Rules], main: Site, board: Switchboard, health: Health, changes: Changes
) -> list[HTTPRouteHandler]:
    def card_of(name: str, param: str) -> ModelCard:
        resolved = rules().shelf.resolve(name)
        if resolved is None or resolved.replaced is not None:
            near = rules().shelf.nearest(name)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise NotFound(f"There is no model {name!r} in the catalogue.{hint}", param=param)
        return resolved.card

    def model_shown(card: ModelCard, switches: Switches) -> dict[str, Any]:
        states = health.states()
        sites = [site for site in (main, *rules().sites) if site.offers(card.upstream)]
        labels = [site.label(card.name) for site in sites]
        return {
            "model": card.name,
            "stage": card.stage,
            "disabled": _shown(switches.disabled.get(card.name)),
            "rests_s": {label: states[label]["rests_s"] for label in labels if label in states},
        }

    @get("/admin/v1/models")
    async def list_models() -> dict[str, Any]:
        """The catalogue, what is switched off, and what rests as this process sees it."""
        switches = await board.read()
        cards = [card for card in rules().shelf.cards.values() if card.stage is not Stage.RETIRED]
        return {
            "models": [model_shown(card, switches) for card in cards],
            "pin_all": _shown(switches.pin_all),
        }

    @post("/admin/v1/models/{model_id:str}/disable", status_code=200)
    async def disable_model(
        request: Request[Any, Any, Any], model_id: str, data: Disabling
    ) -> Response[dict[str, Any]]:
        """Have no request served by the model for a while, on every replica."""
        _check(data)
        card = card_of(model_id, "id")
        pinned = (await board.read()).pin_all
        if pinned is not None and pinned.model == card.name:
            text = f"Every chat request is served by {card.name} now: end that first (DELETE /admin/v1/pin-all)."
            raise BadRequest(text, code="model_pinned_for_all", param="id")
        switches = await board.disable(card.name, for_s=data.for_s, reason=data.reason, by=changes.by)
        details: dict[str, str | float | bool | None] = {"for_s": data.for_s, "reason": data.reason}
        return await changes.told(request, model_shown(card, switches), "model.disabled", card.name, details)

    @post("/admin/v1/models/{model_id:str}/enable", status_code=200)
    async def enable_model(request: Request[Any, Any, Any], model_id: str) -> Response[dict[str, Any]]:
        """Let the model serve again; one that is on stays so."""
        card = card_of(model_id, "id")
        switches = await board.enable(card.name)
        return await changes.told(request, model_shown(card, switches), "model.enabled", card.name)

    @post("/admin/v1/pin-all", status_code=200)
    async def pin_all(request: Request[Any, Any, Any], data: Pinning) -> Response[dict[str, Any]]:
        """Have every chat request that pins no model itself served by this one for a while, on every replica."""
        _check(data)
        card = card_of(data.model, "model")
        if Ability.CHAT not in card.abilities:
            raise BadRequest(f"{card.name} is not a chat model.", code="invalid_value", param="model")
        if card.name in (await board.read()).disabled:
            text = f"{card.name} is switched off: enable it first (POST /admin/v1/models/{card.name}/enable)."
            raise BadRequest(text, code="model_disabled", param="model")
        switches = await board.pin_all(card.name, for_s=data.for_s, reason=data.reason, by=changes.by)
        details: dict[str, str | float | bool | None] = {"for_s": data.for_s, "reason": data.reason}
        return await changes.told(request, {"pin_all": _shown(switches.pin_all)}, "pin_all.set", card.name, details)

    @delete("/admin/v1/pin-all", status_code=200)
    async def unpin_all(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """Route every request again; harmless when nothing was pinned."""
        before = (await board.read()).pin_all
        await board.unpin()
        return await changes.told(request, {"pin_all": None}, "pin_all.ended", before.model if before else "")

    @get("/admin/v1/audit")
    async def list_changes(
        since: str | None = None, until: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> dict[str, Any]:
        """Every change through this plane, newest first, a page at a time."""
        check_limit(limit)
        lines, following = await changes.audit.query(
            since_ms=instant("since", since, 0),
            until_ms=max(1, instant("until", until, 0)) if until else None,
            cursor=cursor_of(cursor),
            limit=limit,
        )
        return {"changes": lines, "next": following}

    return [list_models, disable_model, enable_model, pin_all, unpin_all, list_changes]


def _check(data: Disabling) -> None:
    if not 0 < data.for_s <= FOR_S_MAX:
        text = "for_s must be above 0 and at most 2,592,000 (30 days)."
        raise BadRequest(text, code="invalid_value", param="for_s")
    check_reason(data.reason)


def _shown(switch: Switch | None) -> dict[str, Any] | None:
    if switch is None:
        return None
    pinned = {"model": switch.model} if isinstance(switch, PinAll) else {}
    told = {"since": stamp(switch.since), "until": switch.ends, "reason": switch.reason, "by": switch.by}
    return {**pinned, **told}
