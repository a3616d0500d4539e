"""Which language a prompt is in.

The detector (eldc) is asked about short windows of the text rather than its beginning, so that code, logs and quotes do
not outvote the person; it answers only when it is sure. Without it, or below its confidence, the script decides where a
script belongs to one language. Anything else is "und": a guess must never restrict the choice of models.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
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

_EDGE: Final = 3_000  # characters kept at either end of a long text
_WINDOW: Final = 80
_WINDOWS_MAX: Final = 12
_GAP_MIN: Final = 0.05  # one vote of many against English needs this lead over the second guess
_CODE_SHARE: Final = 0.2  # a line with more symbols and digits than this is no prose

_FENCES: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_ADDRESSES: Final = re.compile(r"\S*(?:://|@|www\.)\S*")
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_SENTENCE: Final = 4  # words
_SYMBOLS: Final = bytes(code for code in range(33, 127) if not chr(code).isalpha() and chr(code) not in ".,'!?-")


class Source(enum.Enum):
    """What a language was told by."""

    DETECTOR = "detector"
    SCRIPT = "script"
    NONE = "none"


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """`code` is ISO 639-1, or "und" when nothing is certain enough."""

    code: str
    source: Source


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector says of one window; `gap` is the lead over its second guess."""

    code: str
    reliable: bool
    gap: float


NOBODY: Final = Language(code=UNDETERMINED, source=Source.NONE)


class Detector:
    """Asks `probe` about the windows of a text; without a probe only the script rule answers."""

    def __init__(self, probe: Callable[[str], Verdict] | None = None) -> None:
        self._probe = probe

    @property
    def detects(self) -> bool:
        """Whether there is more to ask than the script."""
        return self._probe is not None

    def votes(self, text: str) -> Counter[str]:
        """How many windows of `text` are surely in which language."""
        votes: Counter[str] = Counter()
        if self._probe is None:
            return votes
        found = windows(text)
        for window in found:
            verdict = self._probe(window)
            # Between windows a close call is a stray vote; alone it is the best there is, and reliable enough.
            if verdict.reliable and (verdict.code == "en" or verdict.gap >= _GAP_MIN or len(found) == 1):
                votes[verdict.code] += 1
        return votes


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
    instance.set_scores(2)

    def probe(window: str) -> Verdict:
        try:
            result = instance.detect_details(window)
        except UnicodeEncodeError:  # a lone surrogate is no text
            return Verdict(code=UNDETERMINED, reliable=False, gap=0.0)
        if not result.reliable or result.language == "en":
            return Verdict(code=result.language, reliable=result.reliable, gap=1.0)
        scores = [*result.scores.values(), 0.0, 0.0]
        return Verdict(code=result.language, reliable=True, gap=scores[0] - scores[1])

    return Detector(probe)


def language_of(text: str, detector: Detector) -> Language:
    """The language `text` is written in. Where windows differ, the one that is not English: the person writes it,
    English is what they quote."""
    votes = detector.votes(text)
    if votes:
        others = [(-count, code) for code, count in votes.items() if code != "en"]
        return Language(code=min(others)[1] if others else "en", source=Source.DETECTOR)
    return by_script(text)


def windows(text: str) -> list[str]:
    """Up to twelve pieces of prose of about eighty characters, evenly spread; code and addresses are left out."""
    if len(text) > 2 * _EDGE:
        text = f"{text[:_EDGE]}\n{text[-_EDGE:]}"
    if "`" in text:
        text = _FENCES.sub("\n", text)
    if "://" in text or "@" in text or "www." in text:
        text = _ADDRESSES.sub(" ", text)
    prose = "\n".join(line for line in text.split("\n") if line and not _is_code(line))
    if not prose and len(words := _LETTERS.findall(text)) >= _SENTENCE:
        prose = " ".join(words)  # a sentence between formulas
    length = len(prose)
    if length < 2 * _WINDOW:
        return [prose] if prose.strip() else []
    pieces = min(_WINDOWS_MAX, length // _WINDOW)
    step = (length - _WINDOW) / (pieces - 1)
    starts = [int(piece * step) for piece in range(pieces)]
    return [prose[start : start + _WINDOW] for start in starts]


def _is_code(line: str) -> bool:
    encoded = line.encode("utf-8", "replace")
    return len(encoded) - len(encoded.translate(None, _SYMBOLS)) > _CODE_SHARE * len(line)


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
