"""Which language an answer is wanted in: "translate to Czech", "antworte auf Englisch", "用英语回答".

Quality depends on the language of the answer, and the prompt's own language does not tell it. A cue is a verb, a word
that joins, and a language's name, near the text's beginning or end; most texts are let go after one look at their
words.
"""

from __future__ import annotations

import re
from typing import Final

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
