"""The quality table: what a score falls back on, and the table that ships."""

from __future__ import annotations

import pathlib
from typing import Any

import msgspec
import pytest

from router.core.kinds import Kind
from router.core.quality import GROUPS, SCORE_MAX, Basis, Inherited, QualityFile, QualityTable, language_group

SHIPPED = msgspec.toml.decode(
    (pathlib.Path(__file__).parents[2] / "config" / "quality.toml").read_bytes(), type=QualityFile
)
TABLE = QualityTable(SHIPPED)

SMALL = """
checked = 2026-11-23

[sources.tried]
name = "own trial"
basis = "measured"
reference = "here"
date = 2026-11-01

[sources.guess]
name = "guess"
basis = "assumed"
reference = "nowhere"
date = 2026-11-02

[general]
"fox" = { score = 80, source = "tried" }
"owl" = { score = 60, source = "guess" }

[kinds.code]
"fox" = { score = 90, source = "tried" }

[kinds.tool_use]
"fox" = { score = 70, source = "tried" }
"owl" = { score = 65, source = "tried" }

[kinds.parallel_tools]
"fox" = { score = 75, source = "tried" }

[languages.germanic]
"fox" = { score = 60, source = "tried" }
"owl" = { score = 50, source = "tried" }

[cells.maths.slavic]
"fox" = { score = 33, source = "tried" }
"""


def table(text: str = SMALL) -> QualityTable:
    return QualityTable(msgspec.toml.decode(text.encode(), type=QualityFile))


@pytest.mark.parametrize(
    ("model", "kind", "language", "value", "inherited"),
    [
        ("fox", Kind.MATHS, "pl", 33, Inherited.CELL),
        ("fox", Kind.CODE, "en", 90, Inherited.CELL),
        ("fox", Kind.CODE, "de", 67.5, Inherited.KIND_AND_LANGUAGE),
        ("fox", Kind.CODE, "ja", 90, Inherited.KIND),
        ("fox", Kind.CODE, "und", 90, Inherited.KIND),
        ("fox", Kind.CHAT, "sv", 60, Inherited.LANGUAGE),
        ("fox", Kind.CHAT, "en", 80, Inherited.GENERAL),
        ("owl", Kind.CODE, "de", 50, Inherited.LANGUAGE),
        ("owl", Kind.CODE, "fr", 60, Inherited.GENERAL),
        ("elk", Kind.CODE, "en", None, Inherited.NOTHING),
        ("fox", Kind.ARITHMETIC, "pl", 33, Inherited.CELL),
        ("fox", Kind.ARITHMETIC, "en", 80, Inherited.GENERAL),
        ("fox", Kind.TOOL_CHOICE, "en", 70, Inherited.CELL),
        ("fox", Kind.PARALLEL_TOOLS, "en", 75, Inherited.CELL),
        ("owl", Kind.PARALLEL_TOOLS, "en", 60, Inherited.GENERAL),
    ],
)
def test_a_missing_cell_is_filled_from_the_next_best(
    model: str, kind: Kind, language: str, value: float | None, inherited: Inherited
) -> None:
    score = table().score(model, kind, language)
    assert (score.value, score.inherited) == (value, inherited)


def test_a_narrow_kind_without_a_column_is_judged_by_the_wider_one() -> None:
    choosing = table().score("fox", Kind.TOOL_CHOICE, "de")
    assert choosing == table().score("fox", Kind.TOOL_USE, "de")
    assert choosing.source == "own trial 2026-11-01 (tool_use) × own trial 2026-11-01 (germanic against english)"


def test_a_score_names_its_source_and_what_it_is_worth() -> None:
    assert table().score("owl", Kind.CHAT, "en").source == "guess 2026-11-02 (general, assumed)"
    assert table().score("fox", Kind.CODE, "de").source == (
        "own trial 2026-11-01 (code) × own trial 2026-11-01 (germanic against english)"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"owl" = { score = 60, source = "guess" }', '"owl" = { score = 60, source = "gues" }', "general.owl"),
        ("score = 33", "score = 133", "cells.maths.slavic.fox: a score is from 0 to 100"),
        ("[languages.germanic]", "[languages.german]", "'german' is not a group of languages"),
        ("[cells.maths.slavic]", "[cells.maths.polish]", "'polish' is not a group of languages"),
    ],
)
def test_a_mistake_names_its_place(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table(SMALL.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"), [("[kinds.code]", "[kinds.coding]"), ("basis = ", "bassis = "), ("score = 33", "value = 33")]
)
def test_a_misspelled_field_stops_the_start(old: str, new: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        table(SMALL.replace(old, new))


def test_every_group_is_reached_by_its_languages() -> None:
    assert {language_group(code) for codes in GROUPS.values() for code in codes} == set(GROUPS)
    assert (language_group("ja"), language_group("und"), language_group("??")) == ("other", "unknown", "other")


def test_the_shipped_table_names_a_basis_for_every_cell() -> None:
    used = {cell.source for column in _columns(SHIPPED) for cell in column.values()}
    assert used == SHIPPED.sources.keys()
    assert all(source.note or source.basis is not Basis.ASSUMED for source in SHIPPED.sources.values())


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", ["en", "fr", "de", "pl", "ja", "und"])
def test_every_chat_model_has_a_score_for_everything(kind: Kind, language: str) -> None:
    for model in SHIPPED.general:
        score = TABLE.score(model, kind, language)
        assert score.value is not None
        assert 0 < score.value <= SCORE_MAX


def _columns(file: QualityFile) -> list[dict[str, Any]]:
    cells = [column for groups in file.cells.values() for column in groups.values()]
    return [file.general, *file.kinds.values(), *file.languages.values(), *cells]
