"""How commands print what others have named: wide enough for the tables, and inert."""

from __future__ import annotations

from rich.console import Console


def plain_console(width: int = 100) -> Console:
    """At least so wide, for a figure that is cut off is worse than a line that is too long; and without markup: names,
    reasons and globs may hold brackets."""
    return Console(width=max(width, Console().width), markup=False)


def printable(text: str) -> str:
    """Without what a terminal would obey: a tag may hold any character."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
