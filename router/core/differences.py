"""What an upstream says of its models, held against the catalogue: every difference by name.

The listing is that of GET /v1/models (Mistral's OpenAPI file of 2026-08-21, BaseModelCard). The vendor lists some
aliases as entries of their own, and moves them without a word: an alias that has come to mean another model is another
price.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from router.core.catalog import Ability, ModelCard, Shelf, Stage

# Mistral's capability flags (ModelCapabilities, seen 2026-08-21) and what they mean here.
CAPABILITY_FLAGS: Final = {
    "completion_chat": Ability.CHAT,
    "completion_fim": Ability.FIM,
    "function_calling": Ability.TOOLS,
    "vision": Ability.VISION,
    "audio": Ability.AUDIO,
    "reasoning": Ability.REASONING,
}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One model as an upstream lists it; servers of open-weight models tell little but the id."""

    id: str
    capabilities: dict[str, bool] = {}
    max_context_length: int | None = None
    max_model_len: int | None = None  # vLLM's name for it
    aliases: tuple[str, ...] = ()
    deprecation: str | None = None
    deprecation_replacement_model: str | None = None


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    data: list[Listed]


def differences(shelf: Shelf, upstream: str, listing: Listing) -> list[str]:
    """Sentences, ours first: what is missing there, what differs, what is new there."""
    ours = {
        card.served_as: card
        for card in shelf.cards.values()
        if card.upstream == upstream and card.stage is not Stage.RETIRED and card.price is not None
    }
    found = {entry.id: entry for entry in listing.data}
    told = [f"{card.name} is in the catalogue, but not offered" for name, card in ours.items() if name not in found]
    for name, card in ours.items():
        if name in found:
            told += _of_one(shelf, card, found[name])
    unknown = (name for name, entry in found.items() if shelf.resolve(name) is None and _talks(entry))
    new = sorted(name for name in unknown if name not in ours)
    return told + [f"{name} is offered, but not in the catalogue" for name in new]


def _of_one(shelf: Shelf, card: ModelCard, entry: Listed) -> Iterator[str]:
    window = entry.max_context_length or entry.max_model_len
    if window is not None and window != card.context_tokens:
        yield f"{card.name} has a window of {window:,} tokens there, {card.context_tokens:,} in the catalogue"
    for flag, ability in CAPABILITY_FLAGS.items():
        if flag in entry.capabilities and entry.capabilities[flag] != (ability in card.abilities):
            has, lacks = ("there", "in the catalogue") if entry.capabilities[flag] else ("in the catalogue", "there")
            yield f"{card.name} has {ability.value} {has}, but not {lacks}"
    yield from _names(shelf, card, entry.aliases)
    if entry.deprecation is not None and entry.deprecation[:10] != str(card.retires):
        replaced = f" for {entry.deprecation_replacement_model}" if entry.deprecation_replacement_model else ""
        yield f"{card.name} retires on {entry.deprecation[:10]}{replaced} there, {_when(card)} in the catalogue"


def _names(shelf: Shelf, card: ModelCard, aliases: Iterable[str]) -> Iterator[str]:
    for alias in aliases:
        meant = shelf.resolve(alias)
        if meant is None:
            yield f"{alias} means {card.name} there, and nothing in the catalogue"
        elif meant.card.name != card.name:
            yield f"{alias} means {card.name} there, and {meant.card.name} in the catalogue"


def _talks(entry: Listed) -> bool:
    """Whether it is a model of the kind that is routed; one that says nothing of itself may be."""
    return not entry.capabilities or any(entry.capabilities.get(f"completion_{name}") for name in ("chat", "fim"))


def _when(card: ModelCard) -> str:
    return f"on {card.retires}" if card.retires else "never"
