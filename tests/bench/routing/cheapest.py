"""Cheapest suitable: nine models on thirteen tasks, each prompt sent where the table and the policy's mode say.

Told are what share of the best single model's accuracy that keeps, and at what share of its price.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Final

from router.core.classify import Classification
from router.core.policy import MODES
from router.core.quality import QualityFile
from tests.bench.routing.figures import Figure, Part
from tests.bench.routing.reading import Row, half_of, rows
from tests.bench.routing.tables import Outcome, quality_of
from tests.bench.routing.world import DAY, World, body_of, classified, read_table

# USD per million tokens, in and out alike, from the data's own list.
PRICES: Final = {
    "codegemma-7b": "0.2",
    "gemma-2-9b-it": "0.1",
    "llama-3.1-8b-instruct": "0.2",
    "llama-3.1-nemotron-51b-instruct": "0.9",
    "llama-3.3-nemotron-super-49b-v1": "0.9",
    "llama3-chatqa-1.5-70b": "0.9",
    "llama3-chatqa-1.5-8b": "0.2",
    "mistral-7b-instruct-v0.3": "0.2",
    "qwen2.5-7b-instruct": "0.2",
}
SOURCE: Final = "llmrouter_9models"
TABLE: Final = "nine_models.toml"
KEPT_MIN: Final = 99.0  # % of the best single model's accuracy

Asked = tuple[Row, Classification]


def asked(folder: Path) -> list[Asked]:
    return [(row, classified(body_of(row["prompt"]))) for row in rows(folder, SOURCE)]


def outcomes(prompts: list[Asked]) -> list[Outcome]:
    return [(ask.kind, row["scores"]) for row, ask in prompts]


def measure(folder: Path) -> Part:
    prompts = asked(folder)
    ran = {mode: replay(prompts, read_table(TABLE), mode) for mode in MODES}
    enough = [price for kept, price in ran.values() if kept >= KEPT_MIN]
    figures = [
        Figure(
            name=f"price at ≥ {KEPT_MIN:g} % of the best model's accuracy",
            value=min(enough, default=None),
            first=35.0,
            aim=23.0,
            less_is_better=True,
            anchor="one model 100; 7 regex types 33 (of 96.7 % only); n-gram types 23",
        )
    ]
    for mode, (kept, price) in ran.items():
        figures.append(Figure(name=f"{mode}: accuracy kept", value=kept))
        figures.append(Figure(name=f"{mode}: price", value=price))
    return Part(title=f"Cheapest suitable ({len(prompts)} prompts)", figures=tuple(figures), notes=_crossed(prompts))


def _crossed(prompts: list[Asked]) -> tuple[str, ...]:
    """The same with tables that have not seen the prompts: made from one half, tried on the other, both ways."""
    halves = [[one for one in prompts if half_of(one[0]["prompt"], "table") == half] for half in (0, 1)]
    if not all(halves):
        return ()
    lines = []
    for mode in MODES:
        ran = [
            replay(halves[1 - half], quality_of(outcomes(halves[half]), reference="one half", day=DAY), mode)
            for half in (0, 1)
        ]
        kept, price = (fmean(column) for column in zip(*ran, strict=True))
        lines.append(f"table from one half, tried on the other, {mode}: {kept:.1f} % of the accuracy at {price:.1f} %")
    return tuple(lines)


def replay(prompts: list[Asked], table: QualityFile, mode: str) -> tuple[float, float]:
    """Accuracy and price in % of those of the single model that is best on these prompts."""
    world = World({model: (price, price) for model, price in PRICES.items()}, table)
    chosen = [world.chosen(ask, mode) for _, ask in prompts]
    accuracy = fmean(row["scores"][model] for (row, _), model in zip(prompts, chosen, strict=True))
    alone = {model: fmean(row["scores"][model] for row, _ in prompts) for model in PRICES}
    best = max(alone, key=lambda model: (alone[model], model))
    price = fmean(float(PRICES[model]) for model in chosen)
    return 100 * accuracy / alone[best], 100 * price / float(PRICES[best])
