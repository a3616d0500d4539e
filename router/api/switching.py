"""How a model is switched off and on, and how one is pinned for all: asked for through the admin API or on the
dashboard, it is checked, done and put on record here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request

from router.api.asking import check_reason
from router.api.changes import Changes
from router.core.catalog import Ability, ModelCard
from router.core.rules import Rules
from router.core.switches import Switches
from router.errors import BadRequest, NotFound
from router.store.switchboard import Switchboard

FOR_S_MAX: Final = 30 * 86_400.0


class Disabling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`for_s` is seconds; apps that the switch refuses are told the reason."""

    for_s: float
    reason: str


class Pinning(Disabling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`model` is a catalogue id or alias."""

    model: str


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: the model it was done to, all switches as they stand now, the id of the audit's line."""

    card: ModelCard
    switches: Switches
    line_id: str


class Switching:
    def __init__(self, rules: Callable[[], Rules], board: Switchboard, changes: Changes) -> None:
        self.rules = rules
        self.board = board
        self.changes = changes

    async def disable(self, request: Request[Any, Any, Any], model_id: str, asked: Disabling) -> Switched:
        """Have no request served by the model for a while, on every replica. Raises NotFound, BadRequest."""
        _check(asked)
        card = self._card(model_id, "id")
        pinned = (await self.board.read()).pin_all
        if pinned is not None and pinned.model == card.name:
            text = f"Every chat request is served by {card.name} now: end that first (DELETE /admin/v1/pin-all)."
            raise BadRequest(text, code="model_pinned_for_all", param="id")
        switches = await self.board.disable(card.name, for_s=asked.for_s, reason=asked.reason, by=self.changes.by)
        line_id = await self.changes.note(request, "model.disabled", card.name, _details(asked))
        return Switched(card=card, switches=switches, line_id=line_id)

    async def enable(self, request: Request[Any, Any, Any], model_id: str) -> Switched:
        """Let the model serve again; one that is on stays so. Raises NotFound."""
        card = self._card(model_id, "id")
        switches = await self.board.enable(card.name)
        line_id = await self.changes.note(request, "model.enabled", card.name)
        return Switched(card=card, switches=switches, line_id=line_id)

    async def pin_all(self, request: Request[Any, Any, Any], asked: Pinning) -> Switched:
        """Have every chat request that pins no model itself served by this one for a while, on every replica. Raises
        NotFound, BadRequest."""
        _check(asked)
        card = self._card(asked.model, "model")
        if Ability.CHAT not in card.abilities:
            raise BadRequest(f"{card.name} is not a chat model.", code="invalid_value", param="model")
        if card.name in (await self.board.read()).disabled:
            text = f"{card.name} is switched off: enable it first (POST /admin/v1/models/{card.name}/enable)."
            raise BadRequest(text, code="model_disabled", param="model")
        switches = await self.board.pin_all(card.name, for_s=asked.for_s, reason=asked.reason, by=self.changes.by)
        line_id = await self.changes.note(request, "pin_all.set", card.name, _details(asked))
        return Switched(card=card, switches=switches, line_id=line_id)

    async def unpin(self, request: Request[Any, Any, Any]) -> str:
        """Route every request again; harmless when nothing was pinned. The id of the audit's line."""
        before = (await self.board.read()).pin_all
        await self.board.unpin()
        return await self.changes.note(request, "pin_all.ended", before.model if before else "")

    def _card(self, name: str, param: str) -> ModelCard:
        shelf = self.rules().shelf
        resolved = shelf.resolve(name)
        if resolved is None:
            near = shelf.nearest(name)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise NotFound(f"There is no model {name!r} in the catalogue.{hint}", param=param)
        if resolved.replaced is not None:
            text = f"{name} is retired, and {resolved.card.name} is served in its place: name that one."
            raise NotFound(text, param=param)
        return resolved.card


def _details(asked: Disabling) -> dict[str, str | float | bool | None]:
    return {"for_s": asked.for_s, "reason": asked.reason}


def _check(asked: Disabling) -> None:
    if not 0 < asked.for_s <= FOR_S_MAX:
        text = "for_s must be above 0 and at most 2,592,000 (30 days)."
        raise BadRequest(text, code="invalid_value", param="for_s")
    check_reason(asked.reason)
