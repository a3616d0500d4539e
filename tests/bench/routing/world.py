"""The router's own way from a prompt to a model (parse, classify, plan) over a small catalogue and a given table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from router.core.asked import Wishes, understand
from router.core.catalog import Catalogue, Shelf
from router.core.classify import Classification, classify
from router.core.language import Detector, best_detector
from router.core.plan import make_plan
from router.core.policy import MODES, Policy
from router.core.quality import QualityFile, QualityTable
from router.core.rules import Rules
from router.core.sites import main_site
from router.core.tokenizer import Tokenizer
from router.vocabulary import VOCABULARY
from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.bench.routing import tables

HERE: Final = Path(__file__).parent
DAY: Final = date(2026, 11, 23)
ABILITIES: Final = ("chat", "tools", "parallel_tools", "json")


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer(VOCABULARY.read_bytes())


@cache
def detector() -> Detector:
    return best_detector()


def body_of(prompt: str, functions: tuple[str, ...] = ()) -> bytes:
    """A request as an app would send it. Names of functions are made fit for the API, as the recorded runs did."""
    body: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": prompt}]}
    if functions:
        named = ({"name": name.replace(".", "_")} for name in functions)
        body["tools"] = [{"type": "function", "function": function} for function in named]
    return msgspec.json.encode(body)


def classified(body: bytes) -> Classification:
    return classify(parse_chat(body, Bounds()), tokenizer(), detector())


class World:
    """Models with prices (USD per million tokens in and out) and the table that they are judged by."""

    def __init__(self, prices: Mapping[str, tuple[str, str]], quality: QualityFile) -> None:
        models = {
            name: {
                "context_tokens": 128_000,
                "abilities": ABILITIES,
                "prices": [{"since": DAY, "source": "recorded", "input": each[0], "output": each[1]}],
            }
            for name, each in prices.items()
        }
        catalogue = msgspec.convert({"checked": DAY, "models": models}, Catalogue)
        policy = msgspec.convert({"team": "bench", "baseline_model": min(prices), "models": {"allow": ["*"]}}, Policy)
        self._rules = Rules(
            shelf=Shelf(catalogue.models, DAY),
            sites=(),
            quality=QualityTable(quality),
            policies={},
            default=policy,
            version="bench",
            checked=DAY,
            day=DAY,
        )
        self._site = main_site("http://upstream", "global")
        self._asked = {mode: understand(f"auto:{mode}", self._rules, policy, Wishes()) for mode in MODES}

    def chosen(self, ask: Classification, mode: str) -> str:
        """The model that the router would send `ask` to."""
        plan = make_plan(
            ask,
            self._asked[mode],
            rules=self._rules,
            policy=self._rules.default,
            wishes=Wishes(),
            sites=(self._site,),
            resting={},
        )
        assert plan.chosen is not None
        return plan.chosen.card.name


def read_table(name: str) -> QualityFile:
    """A table that tools/make_routing_tables.py has made."""
    return tables.read(HERE / name)
