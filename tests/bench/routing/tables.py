"""Tables of quality made from recorded outcomes: the mean score of each model at each kind of work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from statistics import fmean

import msgspec

from router.core.kinds import Kind
from router.core.quality import QualityFile

ROWS_MIN = 20  # fewer prompts of a kind tell two models apart by chance only: the general score then stands

Outcome = tuple[Kind, Mapping[str, float]]


def quality_of(outcomes: Iterable[Outcome], *, reference: str, day: date) -> QualityFile:
    """The table over `outcomes`: a prompt's kind, and what each model scored on it, 0 to 1."""
    by_kind: dict[Kind, list[Mapping[str, float]]] = defaultdict(list)
    everything: list[Mapping[str, float]] = []
    for kind, scores in outcomes:
        by_kind[kind].append(scores)
        everything.append(scores)
    source = {"name": "recorded outcomes", "basis": "measured", "reference": reference, "date": day}
    return msgspec.convert(
        {
            "checked": day,
            "sources": {"recorded": source},
            "general": _column(everything),
            "kinds": {
                kind.value: _column(scores)
                for kind, scores in sorted(by_kind.items(), key=lambda item: item[0].value)
                if len(scores) >= ROWS_MIN
            },
        },
        QualityFile,
    )


def _column(scores: list[Mapping[str, float]]) -> dict[str, dict[str, float | str]]:
    models = sorted(scores[0])
    return {
        model: {"score": round(100 * fmean(one[model] for one in scores), 1), "source": "recorded"} for model in models
    }


def read(path: Path) -> QualityFile:
    return msgspec.toml.decode(path.read_bytes(), type=QualityFile)


def written(file: QualityFile) -> str:
    """The table as TOML, the way config/quality.toml is written."""
    source = file.sources["recorded"]
    lines = [
        f"checked = {file.checked}",
        "",
        "[sources.recorded]",
        f'name = "{source.name}"',
        f'basis = "{source.basis.value}"',
        f'reference = "{source.reference}"',
        f"date = {source.date}",
    ]
    columns = {"general": file.general, **{f"kinds.{kind.value}": column for kind, column in file.kinds.items()}}
    for name, column in columns.items():
        lines += ["", f"[{name}]"]
        lines += [f'"{model}" = {{ score = {cell.score}, source = "recorded" }}' for model, cell in column.items()]
    return "\n".join(lines) + "\n"
