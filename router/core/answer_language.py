"""Which language an answer is wanted in: "translate to Czech", "antworte auf Englisch", "用英语回答".

Quality depends on the language of the answer, and the prompt's own language does not tell it. A cue is a verb, a word
that joins, and a language's name, near the text's beginning or end; most texts are let go after one look at their
words. Chinese, Japanese, Korean, Arabic and Hindi have phrases of their own.
"""

from __future__ import annotations

import re
from typing import Final

from router.core.language_names import NAMES
from router.core.language_phrases import asked_by_phrase
from router.core.words import end_words, ends


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _forms(name: str) -> tuple[str, ...]:
    """German makes a noun of it ("ins Deutsche"), Polish and Russian an adverb ("po polsku", "по-русски")."""
    if name.endswith("sch"):
        return name, f"{name}e"
    if name.endswith(("ski", "cki")):
        return name, f"{name[:-1]}u"
    if name.endswith(("ский", "цкий")):
        return name, name[:-1]
    return (name,)


_CODE_OF: Final = {form: code for code, names in NAMES.items() for name in names.split() for form in _forms(name)}
_LANGUAGES: Final = frozenset(_CODE_OF)
# What joins a verb to the language: "translate to", "auf Deutsch", "en français", "in het Nederlands", "na polski".
_JOINS: Final = _words(
    "to into in as using en au vers auf ins nach aufs al a o em no para ao naar het po na język języku le la lo il"
    " the на по l"
)
_TRANSLATES: Final = _words(
    "translate translation translated translating traduis traduisez traduire traduction übersetze übersetzen"
    " übersetzt übersetzung traduce traduzca traducir traduzcas traducción traduci tradurre traduzione traduza"
    " traduzir tradução vertaal vertaling vertalen przetłumacz tłumaczenie localize localise переведи переведите"
)
_SAYS: Final = _words(
    "answer reply respond write rewrite say speak summarize summarise explain describe give list draft compose"
    " generate return output provide tell create make produce convert express response answers réponds répondez"
    " répondre écris écrivez écrire résume résumez rédige rédigez explique expliquez dis antworte antworten beantworte"
    " schreibe schreib schreiben verfasse verfassen fasse erkläre erklären formuliere responde responda responder"
    " escribe escriba escribir resume resuma redacta explica explique rispondi rispondere scrivi scrivere riassumi"
    " spiega escreva escrever resuma redija beantwoord antwoord schrijf schrijven leg odpowiedz odpowiadaj napisz"
    " streść wyjaśnij ответь ответьте отвечай напиши напишите объясни"
)
# Words that may follow the language and still mean it; another noun ("in Polish history") means something else.
_FOLLOWS: Final = _words(
    "and please only with using for the about but so that language sentence text version translation et s il und"
    " bitte zusammen nur y por favor e per prego em en alsjeblieft i proszę als as instead from now on"
)
_TOKEN: Final = re.compile(r"[^\W\d_]+|[.,;:!?)\n]")
_VERB_REACH: Final = 14


def answer_language(text: str, input_language: str, words: list[str] | None = None) -> str:
    """The language the answer is wanted in: the one a cue asks for ("translate to Czech", "answer in French"), else
    the input's. Reads the beginning and the end, where people put such wishes; `words` are its end_words, for a caller
    that has them."""
    seen = ends(text)
    if not seen.isascii() and (code := asked_by_phrase(seen)):
        return code
    if _LANGUAGES.isdisjoint(end_words(text) if words is None else words):
        return input_language
    tokens = _TOKEN.findall(seen.lower())
    found = None
    for index, word in enumerate(tokens):
        code = _CODE_OF.get(word)
        if code is not None and _asked_for(tokens, index):
            found = code  # "from German to Czech": the last one is the target
    return found or input_language


def _asked_for(words: list[str], index: int) -> bool:
    """Whether the language named at `index` is asked for: joined to a verb, or the target of a translation."""
    before = words[max(index - _VERB_REACH, 0) : index]
    if not before or before[-1] not in _JOINS:
        return False
    if not _TRANSLATES.isdisjoint(before):
        return True
    after = words[index + 1 : index + 5]
    follows = after[0] if after else "."
    if follows.isalpha() and follows not in _FOLLOWS:
        # German and Dutch put the verb behind: "Bitte auf Deutsch antworten".
        return not _SAYS.isdisjoint(after[:2])
    return not _SAYS.isdisjoint(before) or not _SAYS.isdisjoint(after) or len(before) <= 2
