"""Which of several word lists a text touches, told in one pass over its words.

Lists are written for people: a word with * stands for all that begin so, _ for a space, # for a number, #+ for several
numbers; words of scripts without spaces are found anywhere.
"""

from __future__ import annotations

import operator
from typing import Final

# Punctuation becomes a space, so that a word stands between two spaces, and digits become #. + stays for the sake of
# C++. One pass over bytes does it: translating text of other scripts character by character would take ten times as
# long.
_PUNCTUATION: Final = b"\t\n\r!\"#$%&'()*,-./:;<=>?@[\\]^_`{|}~"
_FLAT: Final = bytes.maketrans(
    _PUNCTUATION + b"0123456789" + bytes(range(65, 91)), b" " * len(_PUNCTUATION) + b"#" * 10 + bytes(range(97, 123))
)
_MARKS: Final = "¿¡«»„“”‘’–—…？。、，：！؟،।"  # the same beyond ASCII
_STEM: Final = 4  # stems are looked up by so many letters
_START_OF: Final = operator.itemgetter(slice(_STEM))
# Characters read at either end of a text.
_HEAD: Final = 450
_TAIL: Final = 250
_SPACELESS: Final = "\u2e80"  # from here on, scripts without spaces between words


def end_words(text: str) -> list[str]:
    """The words of the beginning and the end of `text`, where people say what they want; of a short text all."""
    return split_words(ends(text))


def ends(text: str) -> str:
    """The two ends, with a line break between; a short text whole."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def split_words(text: str) -> list[str]:
    """The words of `text` in lower case, without punctuation; a digit is a #."""
    if not text.isascii():
        text = text.lower()
        for mark in _MARKS:
            if mark in text:
                text = text.replace(mark, " ")
    return text.encode("utf-8", "replace").translate(_FLAT).decode().split()


class Vocabulary:
    """Word lists, a bit for each."""

    def __init__(self) -> None:
        self._lists = 0
        self._words: dict[str, int] = {}
        # By their first letters, and by their longest word; each with the spaces that it stands between.
        self._stems: dict[str, list[tuple[str, int]]] = {}
        self._phrases: dict[str, list[tuple[str, int]]] = {}
        self._spaceless: list[tuple[str, int]] = []
        # The keys once more, because two sets meet by the smaller of them and a dict does not.
        self._known: frozenset[str] = frozenset()
        self._starts: frozenset[str] = frozenset()

    def add(self, listed: str) -> int:
        """The bit of a new list; 0 for an empty one."""
        if not listed:
            return 0
        bit = 1 << self._lists
        self._lists += 1
        for word in listed.split():
            if word[0] >= _SPACELESS:
                self._spaceless.append((word, bit))
            elif "_" in word:
                phrase = f" {word.replace('_', ' ')} ".replace("* ", "")
                whole = phrase.split() if phrase.endswith(" ") else phrase.split()[:-1]
                self._phrases.setdefault(max(reversed(whole), key=len), []).append((phrase, bit))
            elif word.endswith("*"):
                self._stems.setdefault(word[:_STEM], []).append((f" {word[:-1]}", bit))
            else:
                self._words[word] = self._words.get(word, 0) | bit
        self._known, self._starts = frozenset((*self._words, *self._phrases)), frozenset(self._stems)
        return bit

    def touched(self, words: list[str], text: str) -> int:
        """The bits of all lists that have one of `words`, or in scripts without spaces a piece of `text` itself."""
        bits = 0
        # Sets meet faster than words are looped over, and most texts meet few of them.
        unique = set(words)
        known = unique & self._known
        starts = self._starts.intersection(map(_START_OF, unique))
        spaced = f" {' '.join(words)} "
        if "#" in spaced:
            bits |= self._words.get("#", 0)
            if spaced.count(" #") > 1:
                bits |= self._words.get("#+", 0)
        for word in known:
            bits |= self._words.get(word, 0)
            for phrase, bit in self._phrases.get(word, ()):
                if phrase in spaced:
                    bits |= bit
        for start in starts:
            for stem, bit in self._stems[start]:
                if stem in spaced:
                    bits |= bit
        if not text.isascii():
            for word, bit in self._spaceless:
                if word in text:
                    bits |= bit
        return bits
