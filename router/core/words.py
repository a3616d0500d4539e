"""Which of several word lists a text touches, told in one pass over its words.

Lists are written for people: a word with * stands for all that begin so, _ for a space, # for a number, #+ for several
numbers; words of scripts without spaces are found anywhere.
"""

from __future__ import annotations

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
_SPACELESS: Final = "\u2e80"  # from here on, scripts without spaces between words


def split_words(text: str) -> list[str]:
    """The words of `text` in lower case, without punctuation. A # at the end says that there is a number, #+ that there
    are several."""
    if not text.isascii():
        text = text.lower()
        for mark in _MARKS:
            if mark in text:
                text = text.replace(mark, " ")
    flat = text.encode("utf-8", "replace").translate(_FLAT).decode()
    words = flat.split()
    if "#" in flat:
        words.append("#")
        if flat.count(" #") > 1:
            words.append("#+")
    return words


class Vocabulary:
    """Word lists, a bit for each."""

    def __init__(self) -> None:
        self._lists = 0
        self._words: dict[str, int] = {}
        self._stems: dict[str, list[tuple[str, int]]] = {}
        self._phrases: dict[str, list[tuple[str, int]]] = {}
        self._spaceless: list[tuple[str, int]] = []
        # The keys once more, because two sets meet by the smaller of them and a dict does not.
        self._known: frozenset[str] = frozenset()
        self._starts: frozenset[str] = frozenset()
        self._openings: frozenset[str] = frozenset()

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
                self._phrases.setdefault(phrase.split()[0], []).append((phrase, bit))
            elif word.endswith("*"):
                self._stems.setdefault(word[:_STEM], []).append((word[:-1], bit))
            else:
                self._words[word] = self._words.get(word, 0) | bit
        self._known, self._starts = frozenset(self._words), frozenset(self._stems)
        self._openings = frozenset(self._phrases)
        return bit

    def touched(self, words: list[str], text: str) -> int:
        """The bits of all lists that have one of `words`, or in scripts without spaces a piece of `text` itself."""
        bits = 0
        unique = set(words)
        for word in unique & self._known:
            bits |= self._words[word]
        # Sets meet faster than words are looped over, and most texts touch no stem.
        starts = {word[:_STEM] for word in unique} & self._starts
        if starts:
            for word in unique:
                if word[:_STEM] in starts:
                    for stem, bit in self._stems[word[:_STEM]]:
                        if word.startswith(stem):
                            bits |= bit
        for word in unique & self._openings:
            ready = f" {' '.join(words)} "
            for phrase, bit in self._phrases[word]:
                if phrase in ready:
                    bits |= bit
        if not text.isascii():
            for word, bit in self._spaceless:
                if word in text:
                    bits |= bit
        return bits
