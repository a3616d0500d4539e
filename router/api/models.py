"""GET /v1/models and /v1/models/{id}, in a shape that both dialects' SDKs read: what the caller's key may use."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

import msgspec

from router.api.edge import Handler, Receive, Scope, Send, answer
from router.core.asked import AUTO, in_scope
from router.core.catalog import Ability, ModelCard, Stage
from router.core.differences import CAPABILITY_FLAGS
from router.core.journey import Journey
from router.core.money import usd
from router.core.policy import MODES
from router.core.sites import MAIN
from router.errors import ModelNotFound
from router.pipeline import MODELS, Line
from router.wire.headers import read_headers

PATH: Final = "/v1/models"


def models(line: Line) -> Handler:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), MODELS)
        await line.authenticate(journey)
        name = unquote(scope["path"]).removeprefix(PATH).strip("/")
        body: dict[str, Any] = _one(journey, name) if name else {"object": "list", "data": _all(journey)}
        await answer(send, 200, msgspec.json.encode(body), {"x-request-id": journey.request_id})

    return handle


def _all(journey: Journey) -> list[dict[str, Any]]:
    cards = _usable(journey)
    return [*(_virtual(name, cards) for name in AUTO), *(_entry(card) for card in cards)]


def _one(journey: Journey, name: str) -> dict[str, Any]:
    cards = _usable(journey)
    if name in AUTO:
        return _virtual(name, cards)
    resolved = journey.rules.shelf.resolve(name)
    if resolved is None or resolved.card not in cards:
        near = journey.rules.shelf.nearest(name, AUTO)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise ModelNotFound(f"There is no model {name!r} for this key.{hint}", param="model", extra={"nearest": near})
    return _entry(resolved.card)


def _usable(journey: Journey) -> list[ModelCard]:
    policy = journey.policy
    assert policy is not None, "only an authenticated request has a policy"
    return [
        card
        for card in journey.rules.shelf.cards.values()
        if card.stage is not Stage.RETIRED
        and card.price is not None
        and policy.allows(card.name)
        and in_scope(card, journey.key_models)
    ]


def _virtual(name: str, cards: list[ModelCard]) -> dict[str, Any]:
    chat = [card for card in cards if Ability.CHAT in card.abilities]
    mode = name.partition(":")[2] or "the policy's quality"
    share = f", {MODES[mode]:.0%} of the best score" if mode in MODES else ""
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "mistral-router",
        "name": name,
        "description": f"The cheapest model that is good enough ({mode}{share}).",
        "max_context_length": max((card.context_tokens for card in chat), default=0),
        "aliases": [],
        "capabilities": {
            flag: ability is not Ability.FIM and any(ability in card.abilities for card in chat)
            for flag, ability in CAPABILITY_FLAGS.items()
        },
        "type": "base",
    }


def _entry(card: ModelCard) -> dict[str, Any]:
    assert card.price is not None, "a model without a price is not offered"
    prices = {"input": card.price.input, "cached": card.price.cached, "output": card.price.output}
    return {
        "id": card.name,
        "object": "model",
        "created": 0,
        "owned_by": "mistralai" if card.upstream == MAIN else card.upstream,
        "name": card.name,
        "max_context_length": card.context_tokens,
        "aliases": list(card.aliases),
        "capabilities": {flag: ability in card.abilities for flag, ability in CAPABILITY_FLAGS.items()},
        "deprecation": f"{card.retires}T00:00:00Z" if card.retires else None,
        "deprecation_replacement_model": card.replacement,
        "type": "base",
        "usd_per_million_tokens": {name: usd(nano) for name, nano in prices.items()},
    }
