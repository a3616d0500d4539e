"""Tools: recorded calls of three models. Each prompt goes where the router would send it, and costs what it took."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Final

from router.core.calls import wants_several_calls
from router.core.classify import Classification
from router.core.policy import MODES
from router.core.quality import QualityFile
from tests.bench.routing.figures import Figure, Part
from tests.bench.routing.reading import Row, rows
from tests.bench.routing.tables import Outcome
from tests.bench.routing.world import World, body_of, classified, read_table

# USD per million tokens in and out, list prices of 2025, and the run that each model is replayed from.
PRICES: Final = {
    "mistral-small-2402": ("0.1", "0.3"),
    "open-mistral-nemo-2407": ("0.15", "0.15"),
    "mistral-large-2407": ("2", "6"),
}
RUN: Final = "{model}-FC-Auto"
SOURCE: Final = "bfcl_v1_mistral"
TABLE: Final = "tool_models.toml"
# Their functions are written for languages that the schemas only imitate.
LEFT_OUT: Final = frozenset({"java", "javascript", "rest"})
MODE: Final = "balanced"

Asked = tuple[Row, Classification]


def asked(folder: Path) -> list[Asked]:
    core = [row for row in rows(folder, SOURCE) if row["category"] not in LEFT_OUT]
    return [(row, classified(body_of(row["prompt"], tuple(row["functions"])))) for row in core]


def outcomes(prompts: list[Asked]) -> list[Outcome]:
    return [(ask.kind, {model: _of(row["valid"], model) for model in PRICES}) for row, ask in prompts]


def measure(folder: Path) -> Part:
    prompts = asked(folder)
    ran = {mode: replay(prompts, read_table(TABLE), mode) for mode in MODES}
    correct, usd = ran[MODE]
    figures = [
        Figure(
            name="correct calls and refusals",
            value=correct,
            first=84.5,
            aim=87.5,
            anchor="always Large 82.6; a hint of several calls → Nemo, else Small 85.8; oracle 93.0",
        ),
        Figure(
            name="cost of 1,000 requests",
            value=usd,
            unit="$",
            first=0.06,
            aim=0.06,
            less_is_better=True,
            anchor="Large 1.07; hint 0.053; oracle 0.36",
        ),
    ]
    notes = [f"{mode}: {right:.1f} % at ${cost:.4f} per 1,000" for mode, (right, cost) in ran.items()]
    for model in PRICES:
        alone = [(model, row) for row, _ in prompts]
        notes.append(f"always {model}: {_correct(alone):.1f} % at ${_usd(alone):.4f} per 1,000")
    return Part(title=f"Tools ({len(prompts)} prompts)", figures=(*figures, *_hint(folder)), notes=tuple(notes))


def _hint(folder: Path) -> tuple[Figure, ...]:
    """How the hint of several calls does on what real users wrote."""
    live = [row for row in rows(folder, "bfcl_v4_prompts") if row["live"]]
    said = [(wants_several_calls(_last(row)), row["parallel"]) for row in live]
    meant = [hint for hint, parallel in said if parallel]
    recall = 100 * fmean(meant) if meant else None
    flagged = 100 * fmean(hint for hint, _ in said) if said else None
    return (
        Figure(name="several calls, of real users': found", value=recall, anchor="word list 90"),
        Figure(
            name="several calls, of real users': flagged", value=flagged, anchor="word list 29", less_is_better=True
        ),
    )


def _last(row: Row) -> str:
    text: str = [message for message in row["messages"] if message["role"] == "user"][-1]["content"]
    return text


def replay(prompts: list[Asked], table: QualityFile, mode: str) -> tuple[float, float]:
    """% correct, and USD for 1,000 such requests."""
    world = World(PRICES, table)
    chosen = [(world.chosen(ask, mode), row) for row, ask in prompts]
    return _correct(chosen), _usd(chosen)


def _of(column: dict[str, float], model: str) -> float:
    return column[RUN.format(model=model)]


def _correct(chosen: list[tuple[str, Row]]) -> float:
    return 100 * fmean(_of(row["valid"], model) for model, row in chosen)


def _usd(chosen: list[tuple[str, Row]]) -> float:
    """A thousand requests at USD per million tokens: the mean per request, divided by a thousand."""
    return (
        fmean(
            _of(row["in_tok"], model) * float(PRICES[model][0]) + _of(row["out_tok"], model) * float(PRICES[model][1])
            for model, row in chosen
        )
        / 1_000
    )
