"""The operations plane at night: switch a model off and on, have one serve all, and see who changed what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_limit, check_span, cursor_of, stamp
from router.api.changes import Changes, said
from router.api.switching import Disabling, Pinning, Switching
from router.core.catalog import ModelCard, Stage
from router.core.charges import FOREVER_MS
from router.core.instants import instant
from router.core.rules import Rules
from router.core.sites import Site
from router.core.switches import PinAll, Switch, Switches
from router.upstream.health import Health


def switch_routes(
    rules: Callable[[], Rules], main: Site, switching: Switching, health: Health, changes: Changes
) -> list[HTTPRouteHandler]:
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
        switches = await switching.board.read()
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
        done = await switching.disable(request, model_id, data)
        return said(model_shown(done.card, done.switches), done.line_id)

    @post("/admin/v1/models/{model_id:str}/enable", status_code=200)
    async def enable_model(request: Request[Any, Any, Any], model_id: str) -> Response[dict[str, Any]]:
        """Let the model serve again; one that is on stays so."""
        done = await switching.enable(request, model_id)
        return said(model_shown(done.card, done.switches), done.line_id)

    @post("/admin/v1/pin-all", status_code=200)
    async def pin_all(request: Request[Any, Any, Any], data: Pinning) -> Response[dict[str, Any]]:
        """Have every chat request that pins no model itself served by this one for a while, on every replica."""
        done = await switching.pin_all(request, data)
        return said({"pin_all": _shown(done.switches.pin_all)}, done.line_id)

    @delete("/admin/v1/pin-all", status_code=200)
    async def unpin_all(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """Route every request again; harmless when nothing was pinned."""
        return said({"pin_all": None}, await switching.unpin(request))

    @get("/admin/v1/audit")
    async def list_changes(
        since: str | None = None, until: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> dict[str, Any]:
        """Every change through this plane, newest first, a page at a time."""
        check_limit(limit)
        since_ms, until_ms = check_span(instant("since", since, 0), instant("until", until, FOREVER_MS))
        lines, following = await changes.audit.query(
            since_ms=since_ms,
            until_ms=None if until is None else max(1, until_ms),
            cursor=cursor_of(cursor),
            limit=limit,
        )
        return {"changes": lines, "next": following}

    return [list_models, disable_model, enable_model, pin_all, unpin_all, list_changes]


def _shown(switch: Switch | None) -> dict[str, Any] | None:
    if switch is None:
        return None
    pinned = {"model": switch.model} if isinstance(switch, PinAll) else {}
    told = {"since": stamp(switch.since), "until": switch.ends, "reason": switch.reason, "by": switch.by}
    return {**pinned, **told}
