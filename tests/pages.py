"""Reading the documentation: sections, tables, code blocks, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.running import ROOT

ROUTER = ROOT / "router"
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "policies/*.md", "config/*.md", "router/sim/*.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TICKED = re.compile(r"`([^`]+)`")
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def page(name: str) -> str:
    return (ROOT / name).read_text()


def section(name: str, title: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    text = FENCE.sub(lambda block: block[0].replace("\n#", "\n "), page(name))
    headings = list(HEADING.finditer(text))
    for index, found in enumerate(headings):
        if found[2].replace("`", "") == title:
            following = (later.start() for later in headings[index + 1 :] if len(later[1]) <= len(found[1]))
            return text[found.end() : next(following, len(text))]
    raise AssertionError(f"{name} has no heading {title!r}")


def table_rows(text: str) -> list[list[str]]:
    """The cells of every table row, without the heads."""
    tables = re.findall(r"^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n?)*)", text, re.MULTILINE)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for rows in tables for row in rows.splitlines()
    ]


def first_cells(text: str) -> set[str]:
    """Every name in backticks in the first column."""
    return {name for row in table_rows(text) for name in TICKED.findall(row[0])}


def sources() -> Iterator[tuple[Path, str]]:
    """The router's own modules; the simulator has a page of its own."""
    for path in sorted(ROUTER.rglob("*.py")):
        if "sim" not in path.relative_to(ROUTER).parts:
            yield path, path.read_text()


def anchors(path: Path) -> set[str]:
    """GitHub's anchors of a page's headings."""
    titles = [found[2].lower() for found in HEADING.finditer(FENCE.sub("", path.read_text()))]
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in titles}
