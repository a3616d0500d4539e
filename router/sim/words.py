"""Text of an exact length: every piece is one token, and so is every piece in every sequence this module makes.

The vocabulary splits text at spaces and punctuation before it looks anything up, so words that are one token each
stay one token each side by side. The length of an answer is therefore known before it is written, and nothing is
counted twice.
"""

import functools
from typing import Final

from router.sim.vocabulary import Vocabulary, vocabulary

OPENERS: Final = ("The", "This", "Here", "Every", "One", "When", "After", "Most", "Some", "Our", "For", "In")
COMMON: Final = (
    "time year people way day man thing woman life child world school state family student group country problem hand "
    "part place case week company system program question work government number night point home water room mother "
    "area money story fact month lot right study book eye job word business issue side kind head house service friend "
    "father power hour game line end member law car city community name president team minute idea body information "
    "back parent face others level office door health person art war history party result change morning reason "
    "research girl guy moment air teacher force education is was has had can will would could should may must shows "
    "gives takes makes finds keeps means needs holds leads brings begins follows remains seems the a an of to in for "
    "on with at by from as into about after over under between through during without before and or but so when "
    "while where because if than new good first last long great little own other old right big high different small "
    "large next early young important few public bad same able clear simple open full short strong common single"
)  # fmt: skip
# Twelve words and a full stop; enough different ones that answers do not look alike.
SENTENCE_TOKENS: Final = 13
SENTENCES: Final = 512


class WordList:
    """Sentences whose every piece, a word with the space before it or a full stop, is one token."""

    def __init__(self, words: Vocabulary) -> None:
        openers = [opener for opener in OPENERS if words.count(opener) == 1 and words.count(f" {opener}") == 1]
        followers = [f" {word}" for word in COMMON.split() if words.count(f" {word}") == 1]
        self._sentences = [
            [f" {openers[number % len(openers)]}", *_strides(followers, number), "."] for number in range(SENTENCES)
        ]

    def pieces(self, count: int, seed: int) -> list[str]:
        """`count` tokens, the same for the same seed; the last piece is a full stop when there is room for one."""
        if count <= 0:
            return []
        pieces: list[str] = []
        step = seed
        while len(pieces) < count:
            # A linear congruence visits all sentences before it repeats one.
            step = (step * 5 + 1) % SENTENCES
            pieces += self._sentences[step]
        del pieces[count:]
        pieces[0] = pieces[0].lstrip()
        # Two full stops in a row would be one token.
        if count > 1 and pieces[-2] != ".":
            pieces[-1] = "."
        return pieces


def _strides(words: list[str], number: int) -> list[str]:
    """Words picked in strides that differ from sentence to sentence."""
    return [words[(number * 37 + place * (2 * number + 11)) % len(words)] for place in range(SENTENCE_TOKENS - 2)]


@functools.cache
def word_list() -> WordList:
    return WordList(vocabulary())
