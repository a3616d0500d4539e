"""Which language a prompt is in.

The detector (eldc) is asked about short windows of the text rather than its beginning, so that code, logs and quotes do
not outvote the person; it answers only when it is sure. Without it, or below its confidence, the script decides where a
script belongs to one language. Anything else is "und": a guess must never restrict the choice of models.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Final

import msgspec

UNDETERMINED: Final = "und"

# The detector's set: what policies and config/quality.toml tell apart, and the neighbours that a text in another
# language would otherwise be forced into. Marathi is left out because short Hindi was taken for it.
LANGUAGES: Final = (
    *("en", "fr", "de", "es", "it", "pt", "nl", "pl", "ru", "zh", "ja", "ko", "ar", "hi", "uk", "sv", "da", "no", "fi"),
    *("cs", "ro", "el", "tr", "vi", "th", "he", "fa", "bn", "ur", "hu", "bg", "ms"),
    *("sk", "hr", "sr", "sl", "lt", "lv", "et", "is", "ca", "sq"),
)

_EDGE: Final = 2_000  # characters kept at either end of a long text
_WINDOW: Final = 80
_WINDOWS_MAX: Final = 10
_GAP_MIN: Final = 0.05  # one vote of many against English needs this lead over the second guess
_LEAD_UNSURE: Final = 1.2  # where the detector is unsure: the lead, times words, that a sentence is believed for
_SCORE_UNSURE: Final = 0.5  # … and it is like the language at all
_CODE_SHARE: Final = 0.2  # a line with more symbols and digits than this is no prose

_FENCES: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_ADDRESSES: Final = re.compile(r"\S*(?:://|@|www\.)\S*")
_SYMBOLS_FEW: Final = 0.03  # a text with no more of them holds no code worth leaving out
_LETTERS: Final = re.compile(r"\b[^\W\d_]{2,}\b")
_NUMBERED: Final = re.compile(r"[A-Za-z]*\d[A-Za-z\d]*")
_DIGIT: Final = re.compile(r"\d")
_SENTENCE: Final = 4  # words
_BETWEEN_FORMULAS: Final = 2  # words that are worth asking about: of 963 pieces of code none was taken for a language
_SYMBOLS: Final = bytes(code for code in range(33, 127) if not chr(code).isalpha() and chr(code) not in ".,'!?-")


# Languages so close that being second says nothing against the first.
_SISTER: Final = {"cs": "cs", "sk": "cs", "da": "da", "no": "da", "sv": "da", "hr": "hr", "sr": "hr", "sl": "hr"}


class Source(enum.Enum):
    """What a language was told by."""

    DETECTOR = "detector"
    SCRIPT = "script"
    NONE = "none"


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is ISO 639-1, or "und" when nothing is certain enough."""

    code: str
    source: Source


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a detector says of one window; `gap` is the lead over its next guess that is no sister language."""

    code: str
    reliable: bool
    gap: float


NOBODY: Final = Language(code=UNDETERMINED, source=Source.NONE)
_WRITES_ENGLISH: Final = Language(code="en", source=Source.DETECTOR)
_ENGLISH: Final = Verdict(code="en", reliable=True, gap=1.0)
_NOTHING: Final = Verdict(code=UNDETERMINED, reliable=False, gap=0.0)


class Detector:
    """Asks `probe` about the windows of a text; without a probe only the script rule answers."""

    def __init__(self, probe: Callable[[str], Verdict] | None = None) -> None:
        self._probe = probe

    @property
    def detects(self) -> bool:
        """Whether there is more to ask than the script."""
        return self._probe is not None

    def verdicts(self, text: str) -> list[Verdict]:
        """What the windows of `text` say; of those that speak for another language than English, without the words that
        have digits in them: keys and checksums look like the strangest languages."""
        if self._probe is None:
            return []
        probe = self._probe
        found = []
        for window in windows(text):
            verdict = probe(window)
            if verdict is not _ENGLISH and verdict.code != "en" and window.isascii() and _DIGIT.search(window):
                verdict = probe(_NUMBERED.sub(" ", window))
            found.append(verdict)
        return found


def best_detector() -> Detector:
    """The detector of this installation: eldc where it is installed, else the script rule alone. Not built at import,
    because it loads a table."""
    try:
        import eldc
    except ImportError:
        return Detector()
    eldc.init()
    instance = eldc.instance()
    instance.set_languages(list(LANGUAGES))
    instance.set_scores(3)
    detect = instance.detect_details

    def probe(window: str) -> Verdict:
        try:
            result = detect(window)
        except UnicodeEncodeError:  # a lone surrogate is no text
            return _NOTHING
        if result.reliable and result.language == "en":
            return _ENGLISH
        if not result.scores:
            return _NOTHING
        (code, score), *others = result.scores.items()
        family = _SISTER.get(code, code)
        rival = next((lower for other, lower in others if _SISTER.get(other, other) != family), 0.0)
        known = result.reliable or score >= _SCORE_UNSURE
        return Verdict(code=code, reliable=result.reliable, gap=score - rival if known else 0.0)

    return Detector(probe)


def language_of(text: str, detector: Detector) -> Language:
    """The language `text` is written in. Where windows differ, the one that is not English: the person writes it,
    English is what they quote."""
    verdicts = detector.verdicts(text)
    sure = [verdict for verdict in verdicts if verdict.reliable]
    if sure:
        others = [verdict for verdict in sure if verdict.code != "en"]
        # Between windows a close call is a stray vote; when there is nothing else, it is the best there is.
        if len(others) < len(sure):
            others = [verdict for verdict in others if verdict.gap >= _GAP_MIN]
            if not others:
                return _WRITES_ENGLISH
        codes = [verdict.code for verdict in others if verdict.gap >= _GAP_MIN] or [verdict.code for verdict in others]
        code = min((-codes.count(code), code) for code in codes)[1]
        return Language(code=code, source=Source.DETECTOR)
    by_letters = by_script(text)
    for verdict in verdicts:
        if by_letters.code in _SHARED.get(verdict.code, ()):
            return Language(code=verdict.code, source=Source.SCRIPT)
        if verdict.gap and by_letters is NOBODY and verdict.gap * _sentence_words(text) >= _LEAD_UNSURE:
            return Language(code=verdict.code, source=Source.DETECTOR)
    return by_letters


def _sentence_words(text: str) -> int:
    """How many words `text` has; 0 when they are few, or not nearly all of it."""
    head = text[:_EDGE]
    words = _LETTERS.findall(head)
    whole = len(words) >= _SENTENCE and sum(map(len, words)) + len(words) > (1 - _CODE_SHARE) * len(head)
    return len(words) if whole else 0


def windows(text: str) -> list[str]:
    """Up to ten pieces of prose of about eighty characters, evenly spread; code and addresses are left out."""
    if len(text) > 2 * _EDGE:
        text = f"{text[:_EDGE]}\n{text[-_EDGE:]}"
    if "`" in text:
        text = _FENCES.sub("\n", text)
    if ("/" in text and "://" in text) or "@" in text or "www." in text:
        text = _ADDRESSES.sub(" ", text)
    prose = _without_code(text)
    if not prose and len(words := _LETTERS.findall(text)) >= _BETWEEN_FORMULAS:
        prose = " ".join(words)
    length = len(prose)
    if length < 2 * _WINDOW:
        return [prose] if prose.strip() else []
    pieces = min(_WINDOWS_MAX, length // _WINDOW)
    step = (length - _WINDOW) // (pieces - 1)
    return [prose[start : start + _WINDOW] for start in range(0, pieces * step, step)]


def _without_code(text: str) -> str:
    """The lines of `text` that are prose. All are measured in one go, because a file has many."""
    encoded = text.encode("utf-8", "replace")
    plain = encoded.translate(None, _SYMBOLS)
    if len(encoded) - len(plain) <= _SYMBOLS_FEW * len(encoded):
        return text
    lines = text.split("\n")
    sizes, plain_sizes = map(len, encoded.split(b"\n")), map(len, plain.split(b"\n"))
    measured = zip(lines, sizes, plain_sizes, strict=True)
    return "\n".join([line for line, size, left in measured if line and size - left <= _CODE_SHARE * size])


# Scripts that belong to one language among those served; Han alone is Chinese, but Japanese where kana stand with it.
_SCRIPTS: Final = {
    code: re.compile(f"[{letters}]")
    for code, letters in {
        "ja": "\u3040-\u30ff", "ko": "\uac00-\ud7a3\u1100-\u11ff", "zh": "\u4e00-\u9fff\u3400-\u4dbf",
        "ru": "\u0400-\u04ff", "ar": "\u0600-\u06ff", "hi": "\u0900-\u097f", "el": "\u0370-\u03ff",
        "he": "\u0590-\u05ff", "th": "\u0e00-\u0e7f", "bn": "\u0980-\u09ff", "gu": "\u0a80-\u0aff",
        "pa": "\u0a00-\u0a7f", "ta": "\u0b80-\u0bff", "te": "\u0c00-\u0c7f", "kn": "\u0c80-\u0cff",
    }.items()
}  # fmt: skip
# Letters that a script's main language does not have.
_TOLD_BY_LETTERS: Final = (("uk", "ru", re.compile("[іїєґІЇЄҐ]")), ("fa", "ar", re.compile("[پچژگ]")))
# Languages that share the script of another, so that its letters alone would speak for that one.
_SHARED: Final = {"bg": ("ru",), "sr": ("ru", "uk"), "fa": ("ar",), "ur": ("ar", "fa")}
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f]")
_SCRIPT_HEAD: Final = 400


def by_script(text: str) -> Language:
    """The language of the script that most letters belong to; "und" for Latin, which many share."""
    head = text[:_SCRIPT_HEAD]
    if head.isascii():
        return NOBODY
    letters = {code: len(pattern.findall(head)) for code, pattern in _SCRIPTS.items()}
    # A Japanese sentence has more Han than kana at times, a Chinese one has no kana at all.
    if letters["ja"] * 10 >= letters["zh"]:
        letters["ja"] += letters["zh"]
    code, most = max(letters.items(), key=lambda item: item[1])
    if not most or most < len(_LATIN.findall(head)) / 2:
        return NOBODY
    for narrower, of, marks in _TOLD_BY_LETTERS:
        if code == of and marks.search(head):
            code = narrower
    return Language(code=code, source=Source.SCRIPT)
