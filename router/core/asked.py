"""What a request asks for by the name of its model: a quality to route by, or a model of its own."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

import msgspec

from router.core.catalog import ModelCard, Resolved
from router.core.policy import MODES, Policy, Routing, quality_number
from router.core.rules import Rules
from router.errors import BadRequest, ModelNotFound, NotAllowed

AUTO: Final = ("auto", *(f"auto:{mode}" for mode in MODES))


class Wishes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the request's headers and its key ask for beyond the policy."""

    quality: str | float | None = None
    cost_max_nano: int | None = None
    key_models: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The requested name understood: a pinned card, or a quality to route by. `name` is what the app wrote,
    `rewritten` says that the policy's map made another model of it."""

    name: str
    quality: float
    pin: Resolved | None = None
    rewritten: bool = False


def understand(name: str, rules: Rules, policy: Policy, wishes: Wishes) -> Asked:
    """What `name` asks for under this policy. Raises ModelNotFound or NotAllowed."""
    mapped = policy.mapped(name)
    quality = quality_number(policy.quality)
    if mapped in AUTO:
        mode = mapped.partition(":")[2]
        wish = wishes.quality if wishes.quality is not None else (mode or policy.quality)
        quality = _quality(wish, "x-router-quality")
        # Who only observes serves what the app itself has named, and records what its map would have made of it.
        own = rules.shelf.resolve(name) if policy.routing is Routing.OBSERVE else None
        if own is None:
            return Asked(name=name, quality=quality)
        mapped = name
    resolved = rules.shelf.resolve(mapped)
    if resolved is None:
        near = rules.shelf.nearest(mapped, AUTO)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        text = (
            f'There is no model {mapped!r}.{hint} "auto" lets the router choose; a policy\'s [models.map] can say what '
            "other names stand for."
        )
        raise ModelNotFound(text, param="model", extra={"nearest": near})
    card = resolved.card
    if not policy.allows(card.name):
        raise NotAllowed(f"The policy of team {policy.team} does not allow the model {card.name}.", param="model")
    if not in_scope(card, wishes.key_models):
        raise NotAllowed(f"This key may not use the model {card.name}.", param="model")
    return Asked(name=name, quality=quality, pin=resolved, rewritten=mapped != name)


def in_scope(card: ModelCard, key_models: tuple[str, ...]) -> bool:
    """Whether a key with that scope may use the model; an empty scope is all of them."""
    return not key_models or any(fnmatchcase(card.name, glob) or glob in card.aliases for glob in key_models)


def _quality(wish: str | float, place: str) -> float:
    try:
        return quality_number(wish)
    except ValueError as error:
        raise BadRequest(f"{error}.", code="invalid_value", param=place) from None
