"""What became of each line: carried over, carried over with a difference, built in, for a person to do, or dropped."""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from router.commands.litellm.reading import Node
from router.commands.litellm.reasons import reason_of


class Fate(enum.Enum):
    """In the order in which a person should read them."""

    TO_DO = "to do"
    DROPPED = "no counterpart"
    CHANGED = "changed"
    BUILT_IN = "built in"
    CARRIED = "carried over"


TITLES: Final = {
    Fate.TO_DO: "For you to do",
    Fate.DROPPED: "No counterpart here",
    Fate.CHANGED: "Carried over with a difference",
    Fate.BUILT_IN: "Holds here without a setting",
    Fate.CARRIED: "Carried over",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    fate: Fate
    line: int
    path: str
    what: str


class Report:
    """Everything that is said of the file. What nobody has spoken of by the end is named as having no counterpart."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._told: set[str] = set()

    def say(self, fate: Fate, node: Node, what: str) -> None:
        """Of the value and of all below it."""
        finding = Finding(fate=fate, line=node.line, path=node.path, what=what)
        if finding not in self._findings:  # what holds for several teams is said once
            self._findings.append(finding)
        self._told.add(node.path)

    def known(self, node: Node) -> None:
        """Another finding speaks for this value too."""
        self._told.add(node.path)

    def close(self, root: Node) -> list[Finding]:
        """All findings by line, after each value left over has one."""
        for leaf in root.leaves():
            if not self._spoken_for(leaf.path):
                told = reason_of(leaf.path)
                fate = Fate.BUILT_IN if told is not None and told.built_in else Fate.DROPPED
                what = told.text if told is not None else "nothing here does this."
                self._findings.append(Finding(fate=fate, line=leaf.line, path=leaf.path, what=what))
        return sorted(self._findings, key=lambda finding: (finding.line, finding.path))

    def _spoken_for(self, path: str) -> bool:
        parts = [path]
        for index, letter in enumerate(path):
            if letter in ".[":
                parts.append(path[:index])
        return any(part in self._told for part in parts)


def written(findings: list[Finding], source: str) -> str:
    """The report as a page of Markdown."""
    lines = [f"# What became of {source}", ""]
    counts = {fate: sum(finding.fate is fate for finding in findings) for fate in Fate}
    lines += [f"- {TITLES[fate]}: {counts[fate]}" for fate in Fate]
    for fate in Fate:
        if counts[fate]:
            lines += ["", f"## {TITLES[fate]}", ""]
            lines += [f"- line {one.line}, `{one.path}`: {one.what}" for one in findings if one.fate is fate]
    return "\n".join(lines) + "\n"
