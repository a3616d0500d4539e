"""Keys of upstreams: the variable that holds each. No key is copied."""

from __future__ import annotations

from typing import Final

from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report

# What people write where no key is needed.
NO_KEY: Final = ("", "none", "null", "empty", "dummy", "fake", "fake-key", "na", "n/a", "anything", "ollama")


class Keys:
    """The same literal key gets the same variable wherever it stands."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._literals: dict[str, str] = {}

    def of(self, params: Node, wanted: str) -> str | None:
        """The variable that holds an entry's key: its own, or the one to put a literal key into."""
        node = params.get("api_key")
        if node is None:
            return None
        variable = node.variable()
        if variable is not None:
            self._report.say(Fate.CARRIED, node, f"the key is read from {variable}.")
            return variable
        text = node.text()
        if text.strip().lower() in NO_KEY:
            self._report.say(Fate.CARRIED, node, "no key is needed.")
            return None
        name = self._literals.get(text)
        if name is None:
            name = free(wanted, set(self._literals.values()), "_")
            self._literals[text] = name
        what = f"a literal key stands here and was not copied: set {name} to it, and give it to no file."
        self._report.say(Fate.TO_DO, node, what)
        return name


def free(name: str, taken: set[str], joint: str = "-") -> str:
    return next(
        candidate
        for candidate in (name, *(f"{name}{joint}{number}" for number in range(2, 100_000)))
        if candidate not in taken
    )
