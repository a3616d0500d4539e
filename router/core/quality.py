"""How good each model is at each kind of work in each language, from config/quality.toml.

Scores are 0 to 100, comparable between models within one kind only. Where a cell is missing the next best knowledge is
taken, and the score says which: a kind's score times what the model loses in that language, then either alone, then the
model's general score. A model of which nothing is known has no score, and is not guessed at.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

import msgspec

from router.core.kinds import SCORE_MAX, WIDER, Kind
from router.core.language import UNDETERMINED
from router.core.policy import OwnScore

# Languages between which the quality table tells apart (config/quality.toml says on what evidence). A language outside
# every group has no public figures for these models.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "english": ("en",),
    "french": ("fr",),
    "germanic": ("de", "nl", "da", "sv", "no"),
    "romance": ("es", "it", "pt", "ca", "ro"),
    "slavic": ("pl", "cs", "sk", "uk", "hr", "sr", "sl", "bg"),
    "northern": ("fi", "et", "lv", "lt", "is", "hu"),
    "southeastern": ("el", "sq"),
}
OTHER_GROUP: Final = "other"
UNKNOWN_GROUP: Final = "unknown"
_GROUP_OF: Final = {code: group for group, codes in GROUPS.items() for code in codes}
_GROUP_NAMES: Final = frozenset({*GROUPS, OTHER_GROUP, UNKNOWN_GROUP})
# General scores are measured in English, so English loses nothing.
_HOME: Final = "english"


def language_group(code: str) -> str:
    """The group of the quality table that a language belongs to."""
    return UNKNOWN_GROUP if code == UNDETERMINED else _GROUP_OF.get(code, OTHER_GROUP)


class Basis(enum.Enum):
    """How much a source says about the very model: measured on it, on its predecessor, or assumed by a stated rule."""

    MEASURED = "measured"
    PREDECESSOR = "predecessor"
    ASSUMED = "assumed"


class SourceRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[sources.id]`: where figures come from, seen on `date`; `note` says how they were made."""

    name: str
    basis: Basis
    reference: str
    date: date
    licence: str = ""
    note: str = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    score: float
    source: str


Column = dict[str, Cell]


class QualityFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """config/quality.toml. Each table maps models to cells: `general` overall and in English, `kinds` a kind in
    English, `languages` overall in a group of languages, `cells` a kind in a group of languages."""

    checked: date
    sources: dict[str, SourceRow]
    general: Column
    kinds: dict[Kind, Column] = {}
    languages: dict[str, Column] = {}
    cells: dict[Kind, dict[str, Column]] = {}


class Inherited(enum.Enum):
    """What a score was taken from; everything below CELL is a fallback."""

    OWN = "own"  # the policy's own figure
    CELL = "cell"
    KIND_AND_LANGUAGE = "kind_and_language"
    KIND = "kind"
    LANGUAGE = "language"
    GENERAL = "general"
    NOTHING = "nothing"


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is 0 to 100, None when nothing is known of the model. `source` is for people: what was measured where."""

    value: float | None
    source: str
    inherited: Inherited


NO_SCORE: Final = Score(value=None, source="no score", inherited=Inherited.NOTHING)


def own_score(scores: Iterable[OwnScore], model: str, kind: Kind, language: str) -> Score | None:
    """The team's own figure for `model`: the one that says most of kind and language, the kind before the language."""
    group = language_group(language)
    fits = [own for own in scores if own.model == model and own.kind in (None, kind) and own.language in (None, group)]
    if not fits:
        return None
    best = max(fits, key=lambda own: (own.kind is not None, own.language is not None))
    said = ", ".join(part for part in (best.kind.value if best.kind else "", best.language or "") if part)
    return Score(value=best.score, source=f"own: {best.source} ({said or 'general'})", inherited=Inherited.OWN)


class QualityTable:
    """The table, ready for look-ups. Raises ValueError naming the place of an unknown source, an unknown group of
    languages or a score outside 0 to 100."""

    def __init__(self, file: QualityFile) -> None:
        for place, model, cell in _cells(file):
            if cell.source not in file.sources:
                raise ValueError(f"{place}.{model}: the source {cell.source!r} is not under [sources]")
            if not 0 <= cell.score <= SCORE_MAX:
                raise ValueError(f"{place}.{model}: a score is from 0 to {SCORE_MAX}, not {cell.score}")
        self._file = file
        self._known: dict[tuple[str, Kind, str], Score] = {}
        self.models = frozenset(model for _, model, _ in _cells(file))

    def score(self, model: str, kind: Kind, language: str) -> Score:
        """The score of `model` for that kind, with the answer in `language` (ISO 639-1 or "und")."""
        key = (model, kind, language_group(language))
        known = self._known.get(key)
        if known is None:
            # A request names only models of the catalogue, so this holds models x kinds x groups at most.
            known = self._look_up(*key)
            if model in self.models:
                self._known[key] = known
        return known

    def _look_up(self, model: str, kind: Kind, group: str) -> Score:
        file = self._file
        if cell := file.cells.get(kind, {}).get(group, {}).get(model):
            return Score(value=cell.score, source=self._named(cell, f"{kind.value}, {group}"), inherited=Inherited.CELL)
        general = file.general.get(model)
        by_kind = file.kinds.get(kind, {}).get(model)
        if by_kind is None and kind in WIDER and not file.kinds.get(kind):
            return self._look_up(model, WIDER[kind], group)
        by_language = file.languages.get(group, {}).get(model)
        if by_kind is not None and group == _HOME:
            return Score(value=by_kind.score, source=self._named(by_kind, kind.value), inherited=Inherited.CELL)
        if by_kind is not None and by_language is not None and general is not None and general.score > 0:
            value = min(by_kind.score * by_language.score / general.score, SCORE_MAX)
            source = f"{self._named(by_kind, kind.value)} × {self._named(by_language, f'{group} against english')}"
            return Score(value=round(value, 1), source=source, inherited=Inherited.KIND_AND_LANGUAGE)
        for cell, what, inherited in (
            (by_kind, f"{kind.value}, any language", Inherited.KIND),
            (by_language, f"{group}, any kind", Inherited.LANGUAGE),
            (general, "general", Inherited.GENERAL),
        ):
            if cell is not None:
                return Score(value=cell.score, source=self._named(cell, what), inherited=inherited)
        return NO_SCORE

    def _named(self, cell: Cell, what: str) -> str:
        source = self._file.sources[cell.source]
        basis = "" if source.basis is Basis.MEASURED else f", {source.basis.value}"
        return f"{source.name} {source.date.isoformat()} ({what}{basis})"


def _cells(file: QualityFile) -> Iterator[tuple[str, str, Cell]]:
    """Every cell with its place and model."""
    columns: dict[str, Mapping[str, Cell]] = {"general": file.general}
    columns.update({f"kinds.{kind.value}": column for kind, column in file.kinds.items()})
    columns.update({_in_group("languages", group): column for group, column in file.languages.items()})
    for kind, groups in file.cells.items():
        columns.update({_in_group(f"cells.{kind.value}", group): column for group, column in groups.items()})
    for place, column in columns.items():
        for model, cell in column.items():
            yield place, model, cell


def _in_group(table: str, group: str) -> str:
    """The place of a group's column. Raises ValueError with it."""
    try:
        return f"{table}.{check_group(group)}"
    except ValueError as error:
        raise ValueError(f"{table}: {error}") from None


def check_group(name: str) -> str:
    """The name, if it is a group of languages. Raises ValueError."""
    if name not in _GROUP_NAMES:
        raise ValueError(f"{name!r} is not a group of languages; they are {', '.join(sorted(_GROUP_NAMES))}")
    return name
