"""Which language a prompt is in, and which one its answer is wanted in.

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


# The names of languages as apps write them, in English and the larger European languages. One line a language; a name
# that is also an ordinary word of another language is left out.
_NAMES: Final = {
    "ar": "arabic arabe arabisch arabo árabe arabski",
    "bg": "bulgarian bulgare bulgarisch búlgaro bulgaro bulgaars bułgarski",
    "bn": "bengali bangla bengalisch bengalí",
    "ca": "catalan katalanisch catalán catalano catalão catalaans",
    "cs": "czech tchèque tschechisch checo ceco tcheco tsjechisch czeski",
    "da": "danish danois dänisch danés danese dinamarquês deens duński",
    "de": "german allemand deutsch deutsche alemán tedesco alemão duits niemiecki немецкий",
    "el": "greek grec griechisch griego greco grego grieks grecki",
    "en": "english anglais englisch englische inglés inglese inglês engels angielski английский английском",
    "es": "spanish espagnol spanisch español castellano spagnolo espanhol spaans hiszpański испанский",
    "et": "estonian estonien estnisch estonio estone ests estoński",
    "fa": "persian farsi persan persisch persa perzisch perski",
    "fi": "finnish finnois finnisch finlandés finlandese finlandês fins fiński",
    "fr": "french français französisch francés francese francês frans francuski французский",
    "gu": "gujarati goudjarati gujaratí",
    "he": "hebrew hébreu hebräisch hebreo ebraico hebraico hebreeuws hebrajski",
    "hi": "hindi",
    "hr": "croatian croate kroatisch croata chorwacki",
    "hu": "hungarian hongrois ungarisch húngaro ungherese hongaars węgierski",
    "id": "indonesian indonésien indonesisch indonesio indonesiano",
    "is": "icelandic islandais isländisch islandés islandese islandês ijslands islandzki",
    "it": "italian italien italienisch italiano italiaans włoski",
    "ja": "japanese japonais japanisch japonés giapponese japonês japans japoński",
    "kk": "kazakh kasachisch kazajo kazako cazaque",
    "ko": "korean coréen koreanisch coreano koreaans koreański",
    "lt": "lithuanian lituanien litauisch lituano litouws litewski",
    "lv": "latvian letton lettisch letón lettone letão lets łotewski",
    "ms": "malay malais malaiisch malayo malese malaio",
    "nl": "dutch néerlandais niederländisch neerlandés holandés olandese holandês nederlands niderlandzki",
    "no": "norwegian norvégien norwegisch noruego norvegese norueguês noors norweski",
    "pl": "polish polonais polnisch polaco polacco polonês pools polski",
    "pt": "portuguese portugais portugiesisch portugués portoghese português portugees portugalski",
    "ro": "romanian roumain rumänisch rumano rumeno romeno roemeens rumuński",
    "ru": "русский русском russian russe russisch ruso russo rosyjski",
    "sk": "slovak slovaque slowakisch eslovaco slovacco slowaaks słowacki",
    "sl": "slovenian slovene slovène slowenisch esloveno sloveno sloveens słoweński",
    "sq": "albanian albanais albanisch albanés albanese albanês albanees albański",
    "sr": "serbian serbe serbisch serbio serbo sérvio servisch serbski",
    "sv": "swedish suédois schwedisch sueco svedese zweeds szwedzki",
    "sw": "swahili kiswahili suajili",
    "ta": "tamil tamoul tamilisch",
    "te": "telugu",
    "th": "thai thaï thailändisch tailandés thailandese tailandês thais tajski",
    "tr": "turkish turc türkisch turco turks turecki",
    "uk": "ukrainian ukrainien ukrainisch ucraniano ucraino oekraïens ukraiński",
    "ur": "urdu ourdou",
    "vi": "vietnamese vietnamien vietnamesisch vietnamita vietnamees wietnamski",
    "zh": "chinese mandarin chinois chinesisch chino cinese chinês chinees chiński",
}  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# German makes a noun of the adjective: "auf Deutsch", but "ins Deutsche".
_CODE_OF: Final = {
    form: code
    for code, names in _NAMES.items()
    for name in names.split()
    for form in ((name, f"{name}e") if name.endswith("sch") else (name,))
}
_SPACES: Final = dict.fromkeys(map(ord, "\n\t.,;:!?\"'’()[]{}<>«»*_/-"), " ")
# What joins a verb to the language: "translate to", "auf Deutsch", "en français", "in het Nederlands", "na polski".
_JOINS: Final = _words(
    "to into in as using en au vers auf ins nach aufs al a o em no para ao naar het po na język języku le la lo il"
    " the на l"
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
    " streść wyjaśnij ответь"
)
# Words that may follow the language and still mean it; another noun ("in Polish history") means something else.
_FOLLOWS: Final = _words(
    "and please only with using for the about but so that language sentence text version translation et s il und"
    " bitte zusammen nur y por favor e per prego em en alsjeblieft i proszę als as instead from now on"
)
_TOKEN: Final = re.compile(r"[^\W\d_]+|[.,;:!?)\n]")
_ASIAN: Final = re.compile(
    r"(英|中|日本|韩|韓|法|德|ドイツ|フランス|スペイン|西班牙|영|한국|일본|중국|독일|프랑스|스페인)(?:语|語|文|国語|어)(?:로|で|に|回答|翻译|$)"
    r"|(?:翻译成|翻译为|译成|译为|用)(英|中|日|韩|法|德|西班牙)(?:语|文)"
)
_ASIAN_CODES: Final = {
    "英": "en", "영": "en", "中": "zh", "중국": "zh", "日本": "ja", "日": "ja", "일본": "ja", "韩": "ko", "韓": "ko",
    "한국": "ko", "法": "fr", "フランス": "fr", "프랑스": "fr", "德": "de", "ドイツ": "de", "독일": "de",
    "スペイン": "es", "西班牙": "es", "스페인": "es",
}  # fmt: skip
_CUE_HEAD: Final = 450
_CUE_TAIL: Final = 250
_VERB_REACH: Final = 14


def answer_language(text: str, input_language: str) -> str:
    """The language the answer is wanted in: the one a cue asks for ("translate to Czech", "answer in French"), else
    the input's. Reads the beginning and the end, where people put such wishes."""
    head = text if len(text) <= _CUE_HEAD + _CUE_TAIL else f"{text[:_CUE_HEAD]}\n{text[-_CUE_TAIL:]}"
    lowered = head.lower()
    if not head.isascii() and (match := _ASIAN.search(head)):
        return _ASIAN_CODES[match.group(1) or match.group(2)]
    if _CODE_OF.keys().isdisjoint(lowered.translate(_SPACES).split()):
        return input_language
    words = _TOKEN.findall(lowered)
    found = None
    for index, word in enumerate(words):
        code = _CODE_OF.get(word)
        if code is not None and _asked_for(words, index):
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
