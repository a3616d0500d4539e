"""Whether a short question is one of a test or asks for a fact.

"What do plants turn light into?" and "the moon is visible because" are what tests ask: understanding, or what everyone
knows. "Who wrote Faust?" is looked up. Small models keep up at one and not at the other, so the two have columns of
their own. Told apart by a table of words and marks, learned from public test questions (router/core/question_table.py).
"""

from __future__ import annotations

from typing import Final

from router.core.question_table import BIAS, WEIGHTS

_ENDS: Final = {"?": "?$", ".": ".$", "!": ".$", ":": ".$"}
_NAMES_MAX: Final = 3
_LENGTHS_MAX: Final = 7  # steps of four words

_WEIGHT: Final = {
    mark: int(weight)
    for line in WEIGHTS.splitlines()
    for weight, *marks in [line.split()]
    for mark in marks
}  # fmt: skip


def marks_of(text: str, words: list[str]) -> set[str]:
    """What the table weighs: each word of `text` (as split_words gives them), ^ the first and the first two, $ the last
    and how the text ends, and how many names, numbers and words it has."""
    plain = [word for word in words if "#" not in word]
    if not plain:
        return set()
    marks = set(plain)
    text = text.strip()
    marks.add(f"^{plain[0]}")
    marks.add(f"^{'_'.join(plain[:2])}")
    marks.add(f"{plain[-1]}$")
    marks.add(_ENDS.get(text[-1], "~$"))
    names = sum(word[:1].isupper() for word in text.split()[1:])
    marks.add(f"names:{min(names, _NAMES_MAX)}")
    marks.add("upper" if text[:1].isupper() else "lower")
    marks.add(f"words:{min(len(plain) // 4, _LENGTHS_MAX)}")
    if len(plain) < len(words):
        marks.add("#")
    return marks


def is_test_question(text: str, words: list[str]) -> bool:
    """Whether the short `text`, of which `words` are the words, is rather a test's question. Knows English only:
    for other languages the weights say no."""
    return BIAS + sum(_WEIGHT[mark] for mark in _WEIGHT.keys() & marks_of(text, words)) > 0
