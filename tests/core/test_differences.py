"""What an upstream lists against what the catalogue says: every difference by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from router.core.differences import CAPABILITY_FLAGS, Listing, differences
from tests.core.making import MODELS, rules

SHELF = rules(
    {
        "medium": MODELS["medium"],
        "vectors": MODELS["vectors"],
        "old": MODELS["old"],
        "open": {"context_tokens": 4_096, "abilities": ["chat"], "input": "1", "output": "1", "upstream": "gpu"},
    },
    {},
).shelf


def listed(name: str, **fields: Any) -> dict[str, Any]:
    """An entry that agrees with the catalogue, but for `fields`."""
    card = SHELF.cards[name]
    flags = {flag: ability in card.abilities for flag, ability in CAPABILITY_FLAGS.items()}
    entry = {
        "id": name,
        "capabilities": flags,
        "max_context_length": card.context_tokens,
        "aliases": list(card.aliases),
    }
    return {**entry, **fields}


def told(*entries: dict[str, Any], upstream: str = "mistral") -> list[str]:
    return differences(SHELF, upstream, msgspec.convert({"data": entries}, Listing))


def test_a_listing_that_agrees_has_no_differences() -> None:
    assert told(listed("medium"), listed("vectors"), listed("medium", id="mid")) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"max_context_length": 32_768}, "medium has a window of 32,768 tokens there, 128,000 in the catalogue"),
        (
            {"capabilities": {"vision": False, "audio": True, "ocr": True}},
            "medium has vision in the catalogue, but not there; medium has audio there, but not in the catalogue",
        ),
        ({"aliases": ["mid", "newest"]}, "newest means medium there, and nothing in the catalogue"),
        ({"aliases": ["vectors"]}, "vectors means medium there, and vectors in the catalogue"),
        (
            {"deprecation": "2027-01-31T12:00:00Z", "deprecation_replacement_model": "large"},
            "medium retires on 2027-01-31 for large there, never in the catalogue",
        ),
    ],
)
def test_each_difference_is_named(fields: dict[str, Any], said: str) -> None:
    assert "; ".join(told(listed("medium", **fields), listed("vectors"))) == said


def test_what_is_missing_and_what_is_new_is_named() -> None:
    assert told(listed("medium"), {"id": "large-5"}, {"id": "ears", "capabilities": {"audio": True}}) == [
        "vectors is in the catalogue, but not offered",
        "large-5 is offered, but not in the catalogue",
    ]


def test_a_server_of_ones_own_is_held_against_its_own_models() -> None:
    assert told({"id": "open", "max_model_len": 2_048}, upstream="gpu") == [
        "open has a window of 2,048 tokens there, 4,096 in the catalogue"
    ]
