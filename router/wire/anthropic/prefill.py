"""The text that an answer goes on with, taken off the answer's head.

Anthropic answers with what comes after it. Mistral's answer begins with it (its cookbook,
mistral/prompting/prefix_use_cases.ipynb, cuts it off by length; seen 2026-11). Where a model does not repeat it, the
answer stays as it is.
"""

from __future__ import annotations


class Prefill:
    """Fed with an answer's text piece by piece; holds it back while it may still be the repeated prefill."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._held = ""

    def feed(self, piece: str) -> str:
        """What is left of `piece`, and of what was held before it."""
        if not self._text:
            return piece
        held = self._held + piece
        if self._text.startswith(held) and held != self._text:
            self._held = held
            return ""
        left = held.removeprefix(self._text)
        self._text = self._held = ""
        return left

    def rest(self) -> str:
        """What was held and turned out to be the answer itself."""
        held, self._text, self._held = self._held, "", ""
        return held
