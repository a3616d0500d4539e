"""What kind of work a prompt asks for: rules over the beginning of the last user turn, first match wins.

A table of quality per kind and model is worth more than a score of difficulty, which transfers to other data no better
than chance; so kinds are what the table can tell apart. The system prompt is not read: it names every kind at once.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Final

import msgspec


class Kind(enum.Enum):
    """What a prompt asks for; the rows of config/quality.toml, but for the two that generate nothing."""

    CODE = "code"
    MATHS = "maths"
    REASONING = "reasoning"
    MULTIPLE_CHOICE = "multiple_choice"
    EXTRACTION = "extraction"
    WRITING = "writing"
    SHORT_QA = "short_qa"
    LONG_QA = "long_qa"
    TRANSLATION = "translation"
    TOOL_USE = "tool_use"
    CHAT = "chat"
    # No generation, so nothing that a table of quality could tell apart.
    EMBEDDING = "embedding"
    MODERATION = "moderation"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Holds when one of `words` is there, and one of `also` where given; or when one of `marks` is there and `pattern`
    is found. A word with * stands for all that begin so, _ for a space; words of scripts without spaces are found
    anywhere. `words` know no punctuation; `marks` are looked for in lower case, `pattern` in the text as it is."""

    kind: Kind
    words: str = ""
    also: str = ""
    marks: tuple[str, ...] = ()
    pattern: str = ""
    reason: str


# First match wins, so what gives a kind away most surely comes first. Words are in English, French, German, Spanish,
# Italian and Portuguese, and in Chinese, Japanese and Korean where one word says it.
RULES: Final = (
    Rule(
        kind=Kind.MULTIPLE_CHOICE,
        marks=("\n",),
        pattern=r"^ *\(?A[.):] [^\n]+\n+ *\(?B[.):] ",
        reason="lettered answers, each on a line of its own",
    ),
    Rule(
        kind=Kind.TRANSLATION,
        words="translate translation translating traduis traduisez traduire traduction traduce traducir traduzca"
        " traduci traduza traduzir tradurre traduzione tradução übersetz* vertaal* vertaling przetłumacz"
        " перевед* 翻译 翻訳 번역",
        reason="asks for a translation",
    ),
    Rule(
        kind=Kind.MATHS,
        marks=("\\",),
        pattern=r"\\(?:frac|boxed|sqrt|sum|int|cdot|times|le|ge|circ|angle|overline|overrightarrow|triangle|sin|cos|log|left)\b",
        reason="a formula in LaTeX",
    ),
    Rule(
        kind=Kind.CODE,
        marks=("```", "def ", "class ", "#include", "import ", "select ", "</", "=> ", ";\n", "function("),
        pattern=r"(?i)```|\bdef \w+\(|\bclass \w+[:({]|#include|^(?:from \S+ )?import \w|\bselect .{1,200} from "
        r"|</\w+>|=> |;\n|\bfunction\(",
        reason="program text",
    ),
    Rule(
        kind=Kind.CODE,
        words="python javascript typescript java c++ rust golang sql html css bash regex regular_expression php"
        " ruby kotlin algorithm* unit_test* stack_trace traceback refactor compiler docker git linked_list"
        " binary_tree プログラム 関数 程序 函数 代码 프로그램 함수",
        reason="the name of a programming language, or its tools",
    ),
    Rule(
        kind=Kind.MATHS,
        marks=("$", "\\", "=", "^", "*", "+", "×", "÷", "f(x)"),
        pattern=r"\$[^$\n]*[\\=^+{][^$\n]*\$|\d ?[=+*^×÷] ?\d|\b[A-Za-z] ?= ?-?\d|[A-Za-z0-9)]\^[0-9{(]|f\(x\)",
        reason="a formula",
    ),
    Rule(
        kind=Kind.CODE,
        words="function program script code query method fonction programme funktion programm función programa"
        " código funzione programma codice",
        also="write implement develop create fix debug écri* schreib* entwick* erstell* implement* implément*"
        " escrib* desarroll* scriv* svilupp* dévelop* escrev*",
        reason="a program is to be written",
    ),
    Rule(
        kind=Kind.REASONING,
        words="puzzle riddle logic deduce syllogism true_false_or_uncertain step_by_step does_not_belong clue_s"
        " clues relationship_between rätsel énigme acertijo indovinello 推理 謎 퍼즐",
        reason="a puzzle, or steps of thought asked for",
    ),
    Rule(
        kind=Kind.EXTRACTION,
        words="extract identify_the classify categorize categorise json csv named_entit* extrahier* extrai* extrae*"
        " estrai* estrarre identifiez identifica identifizier* klassifizier* classifiez classifica categories"
        " kategorien catégories categorías categorie identifique extraiga ermitteln 提取 抽出 추출 分類 分类"
        " 분류",
        reason="facts are to be taken out of a given text, or texts sorted",
    ),
    Rule(
        kind=Kind.MATHS,
        words="how_many how_much how_far how_long how_old what_percent* what_fraction what_number calculat* comput*"
        " solve probab* equation integer* polynomial triangle perimeter average remainder theorem derivative"
        " integral combien berechn* wie_viel* wie_groß wie_hoch cuánt* dividido divisé geteilt diviso dreieck*"
        " triángulo triangolo área aire fläch* quanti quante quanto quantos quantas wahrscheinl* 計算 求め"
        " 计算 구하 얼마 확률",
        also="# two three four five six half twice dozen mitad moitié hälfte metà",
        reason="numbers, and a question about how many",
    ),
    Rule(
        kind=Kind.WRITING,
        words="write draft compose rewrite rephrase proofread brainstorm essay poem short_story blog* email emails"
        " e_mail* letter speech slogan lyrics headline haiku screenplay écris écrivez écrire rédig* verfass*"
        " schreib* escrib* redact* scriv* escrev* redij* schrijf* napisz 書いて 写一 撰写 써줘 작성",
        reason="a text is to be written or improved",
    ),
)
# What is left is a question or a conversation. A question in a line wants a line in answer.
_EXPLAIN: Final = (
    "explain* describ* discuss* compar* summari* analy* elaborat* difference differences advantages expliqu* explica*"
    " explic* beschreib* erläuter* erklär* vergleich* décri* analis* résum* resum* riassum* spiega* confront*"
    " 説明 解释 설명 比較 要約 总结 요약"
)
# A question begins with a verb, or has one of the other words early on.
_VERBS_FIRST: Final = frozenset({"is", "are", "do", "does", "did", "can", "could", "was", "were", "name"})
_ASKED_EARLY: Final = frozenset(
    {
        *(
            "who",
            "what",
            "when",
            "where",
            "which",
            "whose",
            "why",
            "how",
            "qui",
            "que",
            "quel",
            "quelle",
            "quels",
            "où",
        ),
        *("quelles", "quoi", "wer", "wann", "warum", "welche", "welcher", "welches", "qué", "quién", "cuál", "chi"),
        *("cosa", "quale", "quem", "qual"),
    }
)
_EARLY: Final = 6  # words
_DIGIT: Final = re.compile(r"\d")  # stands in the lists as #
_HEAD: Final = 1_000
_SHORT: Final = 240
# Each becomes a space, so that a word stands between two spaces. + stays for the sake of C++.
_SPACES: Final = dict.fromkeys(map(ord, "\t\n\r!\"#$%&'()*,-./:;<=>?@[\\]^_`{|}~¿¡«»„“”‘’？。、，："), " ")

_STEM: Final = 4  # stems are looked up by so many letters


class _Vocabulary:
    """Which of several word lists a text touches, in one pass over its words: a bit for each list."""

    def __init__(self) -> None:
        self.lists = 0
        self.words: dict[str, int] = {}
        self.stems: dict[str, list[tuple[str, int]]] = {}
        self.phrases: dict[str, list[tuple[str, int]]] = {}
        self.spaceless: list[tuple[str, int]] = []

    def add(self, listed: str) -> int:
        """The bit of a new list; 0 for an empty one."""
        if not listed:
            return 0
        bit = 1 << self.lists
        self.lists += 1
        for word in listed.split():
            if word[0] >= "\u2e80":  # scripts without spaces between words
                self.spaceless.append((word, bit))
            elif "_" in word:
                phrase = f" {word.replace('_', ' ')} ".replace("* ", "")
                self.phrases.setdefault(phrase.split()[0], []).append((phrase, bit))
            elif word.endswith("*"):
                self.stems.setdefault(word[:_STEM], []).append((word[:-1], bit))
            else:
                self.words[word] = self.words.get(word, 0) | bit
        return bit

    def touched(self, words: list[str], head: str) -> int:
        bits = 0
        unique = set(words)
        for word in unique.intersection(self.words):
            bits |= self.words[word]
        # Sets meet faster than words are looped over, and most texts touch no stem.
        starts = {word[:_STEM] for word in unique}.intersection(self.stems)
        if starts:
            for word in unique:
                if word[:_STEM] in starts:
                    for stem, bit in self.stems[word[:_STEM]]:
                        if word.startswith(stem):
                            bits |= bit
        for word in unique.intersection(self.phrases):
            ready = f" {' '.join(words)} "
            for phrase, bit in self.phrases[word]:
                if phrase in ready:
                    bits |= bit
        if not head.isascii():
            for word, bit in self.spaceless:
                if word in head:
                    bits |= bit
        return bits


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with its words as bits of the vocabulary and its pattern compiled."""

    kind: Kind
    words: int
    also: int
    marks: tuple[str, ...]
    pattern: re.Pattern[str]

    def holds(self, text: str, head: str, touched: int) -> bool:
        if self.words:
            return bool(touched & self.words) and (not self.also or bool(touched & self.also))
        return any(mark in head for mark in self.marks) and self.pattern.search(text, 0, _HEAD) is not None


_VOCABULARY: Final = _Vocabulary()
_READY: Final = tuple(
    _Ready(
        kind=rule.kind,
        words=_VOCABULARY.add(rule.words),
        also=_VOCABULARY.add(rule.also),
        marks=rule.marks,
        pattern=re.compile(rule.pattern, re.MULTILINE),
    )
    for rule in RULES
)
_EXPLAINS: Final = _VOCABULARY.add(_EXPLAIN)


def kind_of(text: str, *, has_tools: bool, wants_json: bool) -> Kind:
    """The kind of work in the last user turn `text`. Offered tools and a wanted JSON answer say it by themselves."""
    if has_tools:
        return Kind.TOOL_USE
    if wants_json:
        return Kind.EXTRACTION
    head = text[:_HEAD].lower()
    words = head.translate(_SPACES).split()
    if _DIGIT.search(head):
        words.append("#")
    touched = _VOCABULARY.touched(words, head)
    for rule in _READY:
        if rule.holds(text, head, touched):
            return rule.kind
    if touched & _EXPLAINS:
        return Kind.LONG_QA
    if _asks(words, head) or _asks((), text[-_SHORT:]):  # the question of a long text stands at its end
        return Kind.SHORT_QA if len(text) <= _SHORT else Kind.LONG_QA
    return Kind.CHAT


def _asks(words: Sequence[str], text: str) -> bool:
    begins = not _VERBS_FIRST.isdisjoint(words[:1]) or not _ASKED_EARLY.isdisjoint(words[:_EARLY])
    return begins or "?" in text or "？" in text


# Output tokens to expect where the app sets no lower bound. Sources: answer lengths in public runs (GSM8K about 100
# tokens of plain working, several times that with today's models; functions 150 to 800) and, where there are none, the
# length a person would ask for. They order candidates by expected cost; nothing is reserved from them.
EXPECTED_OUTPUT: Final[dict[Kind, int]] = {
    Kind.CODE: 500,  # a function with a paragraph around it
    Kind.MATHS: 350,  # the working, then the number
    Kind.REASONING: 600,  # cases are gone through one by one
    Kind.MULTIPLE_CHOICE: 40,  # a letter and a sentence
    Kind.EXTRACTION: 60,  # a few fields
    Kind.WRITING: 600,  # a page
    Kind.SHORT_QA: 120,  # a sentence or three
    Kind.LONG_QA: 400,  # several paragraphs
    Kind.TRANSLATION: 60,  # at least a sentence; see expected_output
    Kind.TOOL_USE: 80,  # a call with its arguments
    Kind.CHAT: 250,  # a paragraph
    Kind.EMBEDDING: 0,
    Kind.MODERATION: 0,
}
# Thinking comes on top of the answer: recorded thinking had several times the answer's tokens.
THINKING_TOKENS: Final = 2_000


def expected_output(kind: Kind, input_tokens: int, *, wants_reasoning: bool) -> int:
    """Output tokens to expect from a prompt of that kind and size. A translation is about as long as its text."""
    answer = max(EXPECTED_OUTPUT[kind], input_tokens) if kind is Kind.TRANSLATION else EXPECTED_OUTPUT[kind]
    return answer + (THINKING_TOKENS if wants_reasoning else 0)
