"""The catalogue: which models there are, what each can do, what it costs from which day, and how names resolve."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from router.core.money import parse_usd
from router.core.sites import MAIN, UpstreamRow
from router.wire.schema import SchemaProfile


class Ability(enum.Enum):
    """What a request may need and a model may have."""

    CHAT = "chat"
    TOOLS = "tools"
    PARALLEL_TOOLS = "parallel_tools"
    JSON = "json"
    VISION = "vision"
    AUDIO = "audio"
    DOCUMENTS = "documents"
    REASONING = "reasoning"
    FIM = "fim"
    PREFIX = "prefix"
    PREDICTION = "prediction"
    EMBEDDINGS = "embeddings"
    MODERATION = "moderation"


# What can be asked for in OpenAI's dialect as servers of open-weight models speak it.
SPOKEN_BY_OPENAI: Final = frozenset(
    {
        *(Ability.CHAT, Ability.TOOLS, Ability.PARALLEL_TOOLS, Ability.JSON, Ability.VISION, Ability.REASONING),
        Ability.EMBEDDINGS,
    }
)


class Stage(enum.Enum):
    """The vendor's life cycle (docs inference/model-lifecycle, seen 2026-08-21). Retired ids are served by their
    replacement; labs and third-party models only where a policy allows them by name."""

    GA = "ga"
    PREVIEW = "preview"
    THIRD_PARTY = "third_party"
    LABS = "labs"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


class Template(enum.Enum):
    """How a conversation becomes tokens: the generation of the chat template, or another vendor's tokenizer."""

    V13 = "v13"
    V15 = "v15"
    OTHER = "other"


class PriceRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price in USD per million tokens, as decimal strings, valid from a day on. `source` says who published it."""

    since: date
    input: str
    output: str
    source: str
    # The vendor's cached rate is a tenth of the input rate for its own models (pricing page, seen 2026-08).
    cached: str | None = None


class ModelRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[models."id"]` of config/models.toml. Without a price a model is never chosen; a retired one needs a
    replacement instead. `served_as` is what its upstream calls it, where that is not its id; `batch` says that
    Mistral's Batch API takes it."""

    context_tokens: int = 0
    output_tokens_max: int | None = None
    abilities: tuple[Ability, ...] = ()
    stage: Stage = Stage.GA
    aliases: tuple[str, ...] = ()
    template: Template = Template.V13
    schema_profile: SchemaProfile = SchemaProfile.FULL
    upstream: str = MAIN
    served_as: str | None = None
    batch: bool = False
    replacement: str | None = None
    retires: date | None = None
    notes: str = ""
    prices: tuple[PriceRow, ...] = ()


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """config/models.toml, with the upstreams beside Mistral's own. `checked` is the day somebody last held the prices
    against the vendor's page."""

    checked: date
    models: dict[str, ModelRow]
    upstreams: dict[str, UpstreamRow] = {}


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-USD per million tokens."""

    input: int
    cached: int
    output: int


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it stands on one day: its price is the row in force."""

    name: str
    context_tokens: int
    output_tokens_max: int
    abilities: frozenset[Ability]
    stage: Stage
    aliases: tuple[str, ...]
    template: Template
    schema_profile: SchemaProfile
    upstream: str
    served_as: str
    batch: bool
    price: Price | None
    replacement: str | None
    retires: date | None


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What a name means today. `replaced` is the retired id that was asked for, if it was one."""

    card: ModelCard
    replaced: str | None = None


_REPLACEMENTS_MAX: Final = 5


class Shelf:
    """The catalogue of one day, ready for look-ups by id and alias.

    Raises ValueError naming the model when an alias is claimed twice or a replacement leads nowhere.
    """

    def __init__(self, models: Mapping[str, ModelRow], today: date) -> None:
        self.cards: dict[str, ModelCard] = {name: _card(name, row, today) for name, row in sorted(models.items())}
        self.context_tokens_max = max((card.context_tokens for card in self.cards.values()), default=0)
        self._names: dict[str, str] = {name: name for name in self.cards}
        for card in self.cards.values():
            for alias in card.aliases:
                taken = self._names.setdefault(alias, card.name)
                if taken != card.name:
                    raise ValueError(f"models.{card.name}: the alias {alias!r} already belongs to {taken}")
        # What a request may have to be fitted to.
        self.schema_profiles = frozenset(
            card.schema_profile for card in self.cards.values() if card.stage is not Stage.RETIRED
        )
        for card in self.cards.values():
            if card.stage is Stage.RETIRED and self._follow(card) is None:
                raise ValueError(f"models.{card.name}: a retired model needs a replacement that is in the catalogue")

    def resolve(self, name: str) -> Resolved | None:
        """The card behind an id or alias; a retired one through its documented replacement. None when unknown."""
        known = self._names.get(name)
        if known is None:
            return None
        card = self.cards[known]
        if card.stage is not Stage.RETIRED:
            return Resolved(card=card)
        replacement = self._follow(card)
        return Resolved(card=replacement, replaced=name) if replacement else None

    def nearest(self, name: str, also: Iterable[str] = ()) -> list[str]:
        """Up to three names of models that are offered and look like `name`, for an error message."""
        offered = (known for known, card in self._names.items() if self.cards[card].stage is not Stage.RETIRED)
        return difflib.get_close_matches(name, [*also, *offered], n=3, cutoff=0.5)

    def _follow(self, card: ModelCard) -> ModelCard | None:
        for _ in range(_REPLACEMENTS_MAX):
            if card.stage is not Stage.RETIRED:
                return card
            following = self._names.get(card.replacement or "")
            if following is None:
                return None
            card = self.cards[following]
        return None


def _card(name: str, row: ModelRow, today: date) -> ModelCard:
    retired = row.stage is Stage.RETIRED or (row.retires is not None and row.retires <= today)
    _check_prices(name, row)
    price = price_on(row, today)
    return ModelCard(
        name=name,
        context_tokens=row.context_tokens,
        output_tokens_max=row.output_tokens_max or row.context_tokens,
        abilities=frozenset(row.abilities),
        stage=Stage.RETIRED if retired and row.replacement else row.stage,
        aliases=row.aliases,
        template=row.template,
        schema_profile=row.schema_profile,
        upstream=row.upstream,
        served_as=row.served_as or name,
        batch=row.batch,
        price=price,
        replacement=row.replacement,
        retires=row.retires,
    )


def _check_prices(name: str, row: ModelRow) -> None:
    """Raises ValueError for an amount that cannot be read, also of a day to come, and for a price that no day has."""
    first: dict[date, int] = {}
    for number, price in enumerate(row.prices):
        place = f"models.{name}.prices[{number}]"
        try:
            for amount in (price.input, price.output, price.cached or "0"):
                parse_usd(amount)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        if first.setdefault(price.since, number) != number:
            raise ValueError(
                f"{place}.since: {price.since} has a price in prices[{first[price.since]}], so this one never applies"
            )
        if row.replacement and row.retires is not None and row.retires <= price.since:
            raise ValueError(f"{place}.since: the model retires on {row.retires}, so this price never applies")


def price_on(row: ModelRow, day: date) -> Price | None:
    """The price in force on `day`: the latest row not after it. None before the first."""
    in_force = [price for price in row.prices if price.since <= day]
    if not in_force:
        return None
    latest = max(in_force, key=lambda price: price.since)
    fresh = parse_usd(latest.input)
    return Price(
        input=fresh,
        cached=parse_usd(latest.cached) if latest.cached is not None else fresh // 10,
        output=parse_usd(latest.output),
    )
