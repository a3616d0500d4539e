"""What kind of work a prompt asks for: rules over the beginning and the end of the last user turn.

A table of quality per kind and model is worth more than a score of difficulty, which transfers to other data no better
than chance; so kinds are what the table can tell apart. The system prompt is not read: it names every kind at once. An
instruction stands at either end of a text, so of a long one the middle is not read, and reading has a bound.
"""

from __future__ import annotations

import functools
import operator
import re
from typing import Final

import msgspec

from router.core.calls import wants_several_calls
from router.core.kind_rules import ASKED_EARLY, EXPLAIN, RULES, VERBS_FIRST
from router.core.kinds import Kind
from router.core.questions import is_test_question
from router.core.words import Vocabulary, end_words, ends, split_words

_SEEN: Final = (1_000, 400)  # characters looked through for marks and patterns, at the beginning and at the end
_PROSE: Final = bytes(
    code for code in range(256) if code > 126 or chr(code).isalnum() or chr(code) in " ,.:?!'\"-\n"
)  # no sign of anything
_WHOLE: Final = 600  # up to here all words count
_EDGE_WORDS: Final = (32, 40)  # and of a longer text the first and the last
_EDGES: Final = (160, 200)  # about as many characters, for scripts without spaces
SHORT: Final = 240  # a question up to here wants a line in answer
_EARLY: Final = 6  # words
_VERBS_FIRST: Final = frozenset(VERBS_FIRST.split())
_ASKED_EARLY: Final = frozenset(ASKED_EARLY.split())
_FULL_STOPS: Final = (".", "!")
_STOPS: Final = (". ", "! ", ": ", "\n")
_BLANK: Final = re.compile(r"(?<!\w)_{1,9}(?!\w)")  # to be filled in


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its words as bits of the vocabulary and its pattern compiled."""

    kind: Kind
    words: int
    also: int
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    length_max: float
    told: bool


_VOCABULARY: Final = Vocabulary()
_READY: Final = tuple(
    _Ready(
        kind=rule.kind,
        words=_VOCABULARY.add(rule.words),
        also=_VOCABULARY.add(rule.also),
        marks=rule.marks,
        pattern=re.compile(rule.pattern, re.MULTILINE),
        length_max=rule.length_max or float("inf"),
        told=rule.told,
    )
    for rule in RULES
)


def _in_prose(rule: _Ready) -> bool:
    """Whether plain prose can hold any of its marks."""
    return any(mark.isascii() and not mark.encode().translate(None, _PROSE) for mark in rule.marks)


_BY_WORDS: Final = functools.reduce(operator.or_, (rule.words for rule in _READY))
# The rules that can hold, by whether a text touches any list of words and whether it is plain prose. Many texts touch
# none and most are prose, so most rules need not be asked.
_TO_ASK: Final = {
    (touches, plain): tuple(
        rule for rule in _READY if (rule.words and touches) or (rule.marks and (not plain or _in_prose(rule)))
    )
    for touches in (False, True)
    for plain in (False, True)
}
_EXPLAINS: Final = _VOCABULARY.add(EXPLAIN)


def kind_of(
    text: str, words: list[str] | None = None, *, tools: int, wants_json: bool, several_calls: bool = True
) -> Kind:
    """The kind of work in the last user turn `text`, of which `words` are the end_words, for a caller that has them.
    Offered `tools` (how many to choose from) and a wanted JSON answer say it by themselves. `several_calls` tells
    whether the app takes more than one call at once."""
    if tools:
        if several_calls and wants_several_calls(text):
            return Kind.PARALLEL_TOOLS
        return Kind.TOOL_USE if tools == 1 else Kind.TOOL_CHOICE
    if wants_json:
        return Kind.EXTRACTION
    length = len(text)
    seen = text if length <= sum(_SEEN) else f"{text[: _SEEN[0]]}\n{text[-_SEEN[1] :]}"
    edges = text if length <= _WHOLE else f"{text[: _EDGES[0]]}\n{text[-_EDGES[1] :]}"
    words = end_words(text) if words is None else words
    if length > _WHOLE and len(words) > sum(_EDGE_WORDS):
        words = words[: _EDGE_WORDS[0]] + words[-_EDGE_WORDS[1] :]
    touched = _VOCABULARY.touched(words, edges)
    asks = _asks(words)
    plain = seen.isascii() and not seen.encode("utf-8", "replace").translate(None, _PROSE)
    lowered = (ends(text) if plain else seen).lower()
    for rule in _TO_ASK[bool(touched & _BY_WORDS), plain]:
        if touched & rule.words:
            if (not rule.also or touched & rule.also) and length <= rule.length_max and not (rule.told and asks):
                return rule.kind
        elif rule.marks and _holds(lowered, rule.marks) and rule.pattern.search(seen):
            return rule.kind
    return _question(text, words, asks=asks, explains=bool(touched & _EXPLAINS))


def _holds(text: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:  # noqa: SIM110 - a generator takes longer to make than most texts to be looked through
        if mark in text:
            return True
    return False


def _question(text: str, words: list[str], *, asks: bool, explains: bool) -> Kind:
    """What is left is a question or a conversation."""
    end = text[-SHORT:]
    asks = asks or "?" in end or "？" in end or "؟" in end
    if explains:
        return Kind.LONG_QA
    if len(text) > SHORT:  # the question of a long text stands at its end
        asks = asks or ("_" in end and _BLANK.search(end) is not None) or _asks(split_words(_last_sentence(end)))
        return Kind.LONG_QA if asks else Kind.CHAT
    told = not asks and text.rstrip().endswith(_FULL_STOPS)  # a test's sentence asks, or is left unfinished
    if ("_" in text and _BLANK.search(text)) or (not told and is_test_question(text, words)):
        return Kind.MULTIPLE_CHOICE
    return Kind.SHORT_QA if asks else Kind.CHAT


def _last_sentence(text: str) -> str:
    text = text.rstrip()
    return text[max(text.rfind(stop) for stop in _STOPS) + 1 :]


def _asks(words: list[str]) -> bool:
    return not _VERBS_FIRST.isdisjoint(words[:1]) or not _ASKED_EARLY.isdisjoint(words[:_EARLY])
