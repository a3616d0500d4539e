"""The ledger against the vendor's own account, by day and model: which unconfirmed holds it surely did not bill.

Only one finding ends holds: theirs is exactly ours without what is unconfirmed. Anything else may be a request that was
billed in part, a day that was cut elsewhere, or money that never passed here; then nobody can tell, and nothing
is done.
"""

from __future__ import annotations

import csv
import enum
from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from router.core.money import parse_usd

ROWS_MAX: Final = 100_000
_TOKENS: Final = ("input_tokens", "cached_tokens", "output_tokens")
_YEARS: Final = (2000, 2999)
Place = tuple[str, str]  # day and model


class WrongExport(Exception):
    """The export cannot be read; the message names the line."""


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger has for a day and model. Tokens are those of usage that arrived."""

    nano_usd: int = 0
    unconfirmed_nano_usd: int = 0
    tokens: tuple[int, int, int] = (0, 0, 0)


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor has: its cost, or its tokens (input with cached, cached, output)."""

    nano_usd: int | None = None
    tokens: tuple[int, int, int] | None = None


class Finding(enum.Enum):
    AGREES = "agrees"
    NOT_BILLED = "not billed"
    UNCLEAR = "unclear"
    DIFFERS = "differs"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    model: str
    ours: Ours
    theirs: Theirs
    finding: Finding


def read_export(text: str) -> dict[Place, Theirs]:
    """A CSV with the columns date, model and either cost_usd or the three of tokens; several rows of a day and model
    add up. Raises WrongExport."""
    reader = csv.DictReader(text.removeprefix("\ufeff").splitlines(keepends=True), strict=True)
    found: dict[Place, Theirs] = {}
    try:
        columns = {(name or "").strip() for name in reader.fieldnames or ()}
        costs = "cost_usd" in columns
        if not {"date", "model", *(("cost_usd",) if costs else _TOKENS)} <= columns:
            raise WrongExport(
                f"line 1: the columns must be date, model and cost_usd, or date, model, {', '.join(_TOKENS)}"
            )
        for row in reader:
            if len(found) >= ROWS_MAX:
                raise WrongExport(f"line {reader.line_num}: more than {ROWS_MAX} days and models")
            cells = {(name or "").strip(): (cell or "").strip() for name, cell in row.items() if isinstance(cell, str)}
            try:
                place = _place(cells)
                found[place] = _added(found.get(place, Theirs()), _read(cells, costs))
            except ValueError as error:
                raise WrongExport(f"line {reader.line_num}: {error}") from None
    except csv.Error as error:
        raise WrongExport(f"after line {reader.line_num}: {error}") from None
    return found


def compare(ours: Mapping[Place, Ours], theirs: Mapping[Place, Theirs]) -> list[Compared]:
    """Every day and model that either side has, by day. A model that the export leaves out on a day was not billed,
    unless the export has one that we do not know: it may be the same under another name."""
    by_cost = all(one.nano_usd is not None for one in theirs.values())
    nothing = Theirs(nano_usd=0) if by_cost else Theirs(tokens=(0, 0, 0))
    strange = {day for day, model in theirs if (day, model) not in ours}
    lines = []
    for place in sorted({*ours, *theirs}):
        mine, other = ours.get(place, Ours()), theirs.get(place, nothing)
        finding = _finding(mine, other)
        if finding is Finding.NOT_BILLED and place not in theirs and place[0] in strange:
            finding = Finding.UNCLEAR
        lines.append(Compared(day=place[0], model=place[1], ours=mine, theirs=other, finding=finding))
    return lines


def _finding(ours: Ours, theirs: Theirs) -> Finding:
    if theirs.nano_usd is not None:
        same = theirs.nano_usd == ours.nano_usd - ours.unconfirmed_nano_usd
    else:
        same = theirs.tokens == ours.tokens
    if ours.unconfirmed_nano_usd:
        return Finding.NOT_BILLED if same else Finding.UNCLEAR
    return Finding.AGREES if same else Finding.DIFFERS


def _place(cells: dict[str, str]) -> Place:
    day, model = date.fromisoformat(cells.get("date", "")), cells.get("model", "")
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError(f"{day} is no day of traffic")
    if not model:
        raise ValueError("the model is missing")
    return day.isoformat(), model


def _read(cells: dict[str, str], costs: bool) -> Theirs:
    if costs:
        return Theirs(nano_usd=parse_usd(cells.get("cost_usd", "")))
    counts = []
    for name in _TOKENS:
        cell = cells.get(name, "")
        if not (cell.isascii() and cell.isdecimal()) or len(cell) > 15:
            raise ValueError(f"{name} is {cell!r}, not a whole number")
        counts.append(int(cell))
    return Theirs(tokens=(counts[0], counts[1], counts[2]))


def _added(one: Theirs, other: Theirs) -> Theirs:
    if other.tokens is None:
        return Theirs(nano_usd=(one.nano_usd or 0) + (other.nano_usd or 0))
    before = one.tokens or (0, 0, 0)
    return Theirs(tokens=(before[0] + other.tokens[0], before[1] + other.tokens[1], before[2] + other.tokens[2]))
