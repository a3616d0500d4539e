"""The catalogue that ships: names, prices over time, and what each choice of quality comes to."""

from __future__ import annotations

import pathlib
from datetime import date

import msgspec
import pytest

from router.core.catalog import Ability, Catalogue, ModelCard, Shelf, Stage, Template, price_on
from router.core.kinds import Kind, expected_output
from router.core.quality import QualityFile, QualityTable

CONFIG = pathlib.Path(__file__).parents[2] / "config"
CATALOGUE = msgspec.toml.decode((CONFIG / "models.toml").read_bytes(), type=Catalogue)
TABLE = QualityTable(msgspec.toml.decode((CONFIG / "quality.toml").read_bytes(), type=QualityFile))
TODAY = date(2026, 11, 23)
SHELF = Shelf(CATALOGUE.models, TODAY)
SERVED = {name: card for name, card in SHELF.cards.items() if card.stage is not Stage.RETIRED}


@pytest.mark.parametrize("name", SERVED)
def test_a_served_model_has_a_window_abilities_and_a_sourced_price(name: str) -> None:
    card = SERVED[name]
    assert card.context_tokens >= 8_192
    assert card.output_tokens_max <= card.context_tokens
    assert card.abilities
    assert card.price is not None
    assert all(price.source for price in CATALOGUE.models[name].prices)


@pytest.mark.parametrize("name", [name for name, card in SHELF.cards.items() if card.stage is Stage.RETIRED])
def test_a_retired_name_leads_to_a_model_that_is_served(name: str) -> None:
    resolved = SHELF.resolve(name)
    assert resolved is not None
    assert resolved.card.name in SERVED
    assert resolved.replaced == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mistral-large-latest", "mistral-large-2512"),
        ("mistral-medium-latest", "mistral-medium-3-5"),
        ("mistral-small-latest", "mistral-small-2603"),
        ("magistral-small-latest", "mistral-small-2603"),
        ("ministral-8b-latest", "ministral-8b-2512"),
        ("codestral-latest", "codestral-2508"),
        ("mistral-embed", "mistral-embed-2312"),
        ("open-mistral-nemo", "ministral-8b-2512"),
        ("mistral-large-2407", "mistral-large-2512"),
        ("mistral-large-2411", "mistral-medium-3-5"),
        ("pixtral-12b", "ministral-14b-2512"),
        ("devstral-latest", "mistral-medium-3-5"),
    ],
)
def test_a_name_means_what_the_vendor_says_it_means(name: str, meant: str) -> None:
    resolved = SHELF.resolve(name)
    assert resolved is not None
    assert resolved.card.name == meant


@pytest.mark.parametrize(
    ("day", "price"),
    [
        (date(2026, 10, 5), None),
        (date(2026, 10, 6), 680_000_000),
        (date(2026, 10, 20), 1_360_000_000),
        (date(2026, 10, 28), 1_360_000_000),
        (date(2026, 10, 29), 700_000_000),
    ],
)
def test_a_price_is_the_one_of_its_day(day: date, price: int | None) -> None:
    found = price_on(CATALOGUE.models["mistral-large-4-0"], day)
    assert (found.input if found else None) == price


def test_before_its_retirement_a_model_is_served_itself() -> None:
    before = Shelf(CATALOGUE.models, date(2026, 5, 1)).resolve("mistral-large-2411")
    assert before is not None
    assert before.card.name == "mistral-large-2411"


def test_cached_input_is_never_dearer_than_fresh_input() -> None:
    prices = [card.price for card in SERVED.values() if card.price]
    assert all(price.cached <= price.input for price in prices)


def test_every_native_chat_model_in_service_has_a_score() -> None:
    chat = {
        name
        for name, card in SERVED.items()
        if Ability.CHAT in card.abilities and card.stage in (Stage.GA, Stage.PREVIEW)
    }
    assert chat <= TABLE.models
    assert TABLE.models <= SERVED.keys()


def test_models_that_reason_use_the_template_with_settings() -> None:
    native = [card for card in SERVED.values() if card.template is not Template.OTHER]
    assert all((Ability.REASONING in card.abilities) == (card.template is Template.V15) for card in native)


def cheapest(kind: Kind, language: str, quality: float, *needs: Ability) -> str:
    """The rule of the design in four lines: cheapest by expected cost among those near the best."""
    wanted = {Ability.CHAT, *needs}
    able = [card for card in SERVED.values() if wanted <= card.abilities and card.stage in (Stage.GA, Stage.PREVIEW)]
    bar = quality * max(_score(card, kind, language) for card in able)
    good = [card for card in able if _score(card, kind, language) >= bar]
    return min(good, key=lambda card: (_cost(card, kind, Ability.REASONING in needs), card.name)).name


def _score(card: ModelCard, kind: Kind, language: str) -> float:
    value = TABLE.score(card.name, kind, language).value
    assert value is not None
    return value


def _cost(card: ModelCard, kind: Kind, thinks: bool) -> int:
    assert card.price is not None
    return 400 * card.price.input + expected_output(kind, 400, wants_reasoning=thinks) * card.price.output


BALANCED, QUALITY = 0.90, 0.98
CHOICES = [
    (Kind.CHAT, "en", BALANCED, (), "ministral-8b-2512"),
    (Kind.SHORT_QA, "en", BALANCED, (), "ministral-8b-2512"),
    (Kind.EXTRACTION, "en", BALANCED, (), "ministral-3b-2512"),
    (Kind.CODE, "en", BALANCED, (), "mistral-small-2603"),
    (Kind.REASONING, "en", BALANCED, (), "mistral-small-2603"),
    (Kind.TOOL_USE, "en", BALANCED, (Ability.TOOLS,), "ministral-14b-2512"),
    (Kind.CHAT, "fr", BALANCED, (), "ministral-14b-2512"),
    (Kind.CHAT, "de", BALANCED, (), "mistral-small-2603"),
    (Kind.CHAT, "pl", BALANCED, (), "mistral-small-2603"),
    (Kind.CHAT, "cs", BALANCED, (), "mistral-small-2603"),
    (Kind.EXTRACTION, "de", BALANCED, (), "mistral-small-2603"),
    (Kind.MATHS, "en", BALANCED, (Ability.REASONING,), "mistral-small-2603"),
    (Kind.MATHS, "en", QUALITY, (), "mistral-large-2512"),
    (Kind.WRITING, "en", QUALITY, (), "mistral-large-2512"),
    (Kind.CHAT, "en", BALANCED, (Ability.AUDIO,), "voxtral-small-2507"),
]


@pytest.mark.parametrize(("kind", "language", "quality", "needs", "chosen"), CHOICES)
def test_the_shipped_tables_choose_sensibly(
    kind: Kind, language: str, quality: float, needs: tuple[Ability, ...], chosen: str
) -> None:
    assert cheapest(kind, language, quality, *needs) == chosen
