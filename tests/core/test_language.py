"""The language a prompt is in, and the one its answer is wanted in."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.answer_language import answer_language
from router.core.language import (
    LANGUAGES,
    UNDETERMINED,
    Detector,
    Source,
    Verdict,
    best_detector,
    by_script,
    language_of,
    windows,
)

DETECTOR = best_detector()
with_detector = pytest.mark.skipif(not DETECTOR.detects, reason="the detector has no wheel for this platform")

SENTENCES = {
    "en": "Could you tell me when the next train to the coast leaves?",
    "fr": "Pourriez-vous me dire à quelle heure part le prochain train pour la côte ?",
    "de": "Können Sie mir sagen, wann der nächste Zug an die Küste fährt?",
    "es": "¿Podría decirme a qué hora sale el próximo tren hacia la costa?",
    "it": "Potrebbe dirmi a che ora parte il prossimo treno per la costa?",
    "pt": "Você poderia me dizer a que horas sai o próximo trem para o litoral?",
    "nl": "Kunt u mij vertellen wanneer de volgende trein naar de kust vertrekt?",
    "pl": "Czy może mi pan powiedzieć, kiedy odjeżdża następny pociąg nad morze?",
    "cs": "Můžete mi říct, kdy odjíždí další vlak k pobřeží?",
    "sk": "Môžete mi povedať, kedy odchádza ďalší vlak k pobrežiu?",
    "ru": "Подскажите, пожалуйста, когда отправляется следующий поезд к побережью?",
    "uk": "Підкажіть, будь ласка, коли вирушає наступний потяг до узбережжя?",
    "lt": "Ar galite pasakyti, kada išvyksta kitas traukinys į pajūrį?",
    "ja": "海岸行きの次の電車は何時に出発しますか?",
    "zh": "请问下一班去海边的火车几点出发?",
    "ko": "해안으로 가는 다음 기차는 몇 시에 출발하나요?",
    "ar": "هل يمكنك أن تخبرني متى يغادر القطار التالي إلى الساحل؟",
    "hi": "क्या आप मुझे बता सकते हैं कि तट के लिए अगली ट्रेन कब निकलती है?",
}
CODE = "```python\nfor item in items:\n    print(item.name, item.value)\n```\n" * 20
QUOTE = "The committee found that the harbour had been closed for most of the year because of the storms. " * 8


@with_detector
@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_shows_its_language(code: str) -> None:
    language = language_of(SENTENCES[code], DETECTOR)
    assert language.code == code
    assert language.source is Source.DETECTOR


@with_detector
@pytest.mark.parametrize("code", ["fr", "de", "pl"])
def test_code_does_not_outvote_the_person(code: str) -> None:
    assert language_of(CODE + SENTENCES[code], DETECTOR).code == code


@with_detector
@pytest.mark.parametrize("code", ["fr", "de", "cs"])
def test_an_english_quote_does_not_outvote_the_person(code: str) -> None:
    asked = f"{SENTENCES[code]} {SENTENCES[code]}"
    assert language_of(f"{asked}\n\n{QUOTE}", DETECTOR).code == code


@with_detector
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("3x + 2y = 7, 5x - y = 3, calcule x et y", "fr"),
        ("x+1 = 5*(y-2), resuelve para y", "es"),
        ("What is 3^(3^(3^3)) mod 100?", "en"),
        ("a = b + c; if (a > 3) { return d; }", UNDETERMINED),
    ],
)
def test_two_words_between_formulas_are_enough_where_they_are_sure(text: str, code: str) -> None:
    assert language_of(text, DETECTOR).code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "12345 67890 3.14159",
        "x = (a[0] + b[1]) * 3 - c[2];",
        "https://example.com/a/b?c=d",
        "deadbeef " * 9,
    ],
)
def test_what_is_no_language_is_undetermined(text: str) -> None:
    assert language_of(text, DETECTOR).code in (UNDETERMINED, "en")


def test_without_a_detector_the_script_decides() -> None:
    bare = Detector()
    assert language_of(SENTENCES["ko"], bare).code == "ko"
    assert language_of(SENTENCES["uk"], bare).code == "uk"
    assert language_of(SENTENCES["ja"], bare).code == "ja"
    assert language_of(SENTENCES["zh"], bare).source is Source.SCRIPT
    assert language_of(SENTENCES["fr"], bare).code == UNDETERMINED


def test_an_unsure_detector_is_not_believed() -> None:
    unsure = Detector(lambda window: Verdict(code="fr", reliable=False, gap=0.9))
    close = Detector(lambda window: Verdict(code="fr", reliable=True, gap=0.01))
    assert language_of("bonjour", unsure).code == UNDETERMINED
    assert language_of("bonjour", close).code == "fr"
    assert language_of("bonjour tout le monde " * 20, close).code == "fr"


def test_a_close_call_counts_only_where_nothing_is_sure() -> None:
    def says(window: str) -> Verdict:
        english = "harbour" in window
        return Verdict(code="en" if english else "fr", reliable=True, gap=0.9 if english else 0.01)

    close = "bonjour tout le monde " * 20
    assert language_of(close, Detector(says)).code == "fr"
    assert language_of(close + QUOTE, Detector(says)).code == "en"


@pytest.mark.parametrize(("words", "gap", "code"), [(8, 0.2, "sq"), (8, 0.1, UNDETERMINED), (3, 0.9, UNDETERMINED)])
def test_an_unsure_detector_is_believed_of_a_sentence_that_nothing_else_is_like(
    words: int, gap: float, code: str
) -> None:
    unsure = Detector(lambda window: Verdict(code="sq", reliable=False, gap=gap))
    assert language_of("mirë " * words, unsure).code == code


def test_a_script_that_languages_share_is_given_to_the_detectors_guess() -> None:
    unsure = Detector(lambda window: Verdict(code="bg", reliable=False, gap=0.02))
    found = language_of("Колко струва един билет до морето", unsure)
    assert (found.code, found.source) == ("bg", Source.SCRIPT)


@with_detector
@pytest.mark.parametrize("seed", range(8))
def test_keys_and_checksums_are_no_language(seed: int) -> None:
    key = hashlib.sha256(str(seed).encode()).hexdigest()
    assert language_of(key, DETECTOR).code in (UNDETERMINED, "en")
    assert language_of(" ".join(key[at : at + 8] for at in range(0, 64, 8)), DETECTOR).code in (UNDETERMINED, "en")


def test_a_few_foreign_letters_do_not_make_a_script() -> None:
    assert by_script("The sign above the door of the restaurant said 寿司.").code == UNDETERMINED


@pytest.mark.parametrize("text", ["a" * 10_000, "word " * 40_000, "x\n" * 5_000])
def test_windows_are_few_and_short(text: str) -> None:
    found = windows(text)
    assert len(found) <= 10
    assert all(len(window) <= 160 for window in found)


def test_addresses_and_inline_code_are_no_prose() -> None:
    assert windows("See https://example.com/path and `some_code()` or me@example.com") == ["See   and \n or  "]


@given(st.text(max_size=1_000))
def test_any_text_has_a_language_of_the_set_or_none(text: str) -> None:
    language = language_of(text, DETECTOR)
    assert language.source is not Source.DETECTOR or language.code in LANGUAGES
    assert (language.source is Source.NONE) == (language.code == UNDETERMINED)


WISHES = {
    "Translate to Czech: the bridge is closed.": "cs",
    "Translate the following sentence from English to German.\n\nThe bridge is closed.": "de",
    "Answer in French: why is the sky blue?": "fr",
    "Why is the sky blue? Please reply in German.": "de",
    "How do you say good morning in Japanese?": "ja",
    "Write a poem about autumn in Portuguese": "pt",
    "Summarise the text below in Dutch.": "nl",
    "In Spanish, please.": "es",
    "Réponds en anglais : quelle heure est-il ?": "en",
    "Traduis en italien : bonjour": "it",
    "Übersetze ins Spanische: Guten Tag": "es",
    "Bitte auf Englisch antworten.": "en",
    "Traduce al inglés este texto": "en",
    "Traduza para o francês": "fr",
    "Vertaal naar het Nederlands: good morning": "nl",
    "Przetłumacz na język niemiecki": "de",
    "把这段话翻译成英文": "en",
    "この文章を英語に翻訳してください": "en",
    "다음 문장을 영어로 번역하세요": "en",
    "Переведи на английский": "en",
    "Ответь по-немецки": "de",
    "Odpowiedz po angielsku": "en",
    "用英语回答:天空为什么是蓝色的?": "en",
    "请用德语写一封信": "de",
    "請將這句話翻譯成法語": "fr",
    "以阿拉伯文撰写": "ar",
    "フランス語で答えてください": "fr",
    "次の文をドイツ語に訳してください": "de",
    "영어로 답해 줘": "en",
    "독일어로 요약해 주세요": "de",
    "ترجم إلى الإنجليزية: الجسر مغلق": "en",
    "أجب باللغة الفرنسية من فضلك": "fr",
    "اكتب قصيدة بالألمانية": "de",
    "अंग्रेज़ी में जवाब दें": "en",
    "इस वाक्य का अनुवाद जर्मन में करें": "de",
    "हिंदी में समझाइए": "hi",
    "翻译成捷克语:桥关闭了": "cs",
    "帮我把它翻译到捷克语": "cs",
    "请翻译成保加利亚语": "bg",
    "中译英:你好": "en",
    "チェコ語に翻訳してください": "cs",
    "以下をチェコ語へ翻訳": "cs",
    "次の文を英訳してください": "en",
    "체코어로 번역해 주세요": "cs",
    "체코말로 번역해줘": "cs",
    "안녕은 체코어로 뭐라고 해?": "cs",
    "ترجم إلى التشيكية: الجسر مغلق": "cs",
    "ترجم هذا النص للتشيكية": "cs",
    "كيف أقول مرحبا بالتشيكية؟": "cs",
    "चेक में अनुवाद करें: पुल बंद है": "cs",
    "इसका चेक भाषा में अनुवाद करो": "cs",
    "अनुवाद करें चेक में": "cs",
}


@pytest.mark.parametrize("text", WISHES)
def test_a_wish_names_the_answers_language(text: str) -> None:
    assert answer_language(text, "xx") == WISHES[text]


@pytest.mark.parametrize(
    "text",
    [
        "What caused the French Revolution?",
        "Tell me about a turning point in Polish history.",
        "Act as an English translator.",
        "Which Italian city has the most canals?",
        "The Dutch cocoa is in the cupboard.",
        "这是一本用英文写的书。",
        "英語で書かれた本を探しています。",
        "영어로 된 책을 찾고 있습니다.",
        "كتاب باللغة الإنجليزية على الطاولة",
        "मेरी किताब अंग्रेज़ी में है",
        "说到英语,他很紧张。",
        "この英訳は古い。",
        "정말로 좋은 영어 책을 찾고 있습니다.",
        "هو مترجم للإنجليزية",
        "Hello!",
        "",
    ],
)
def test_naming_a_language_is_not_yet_a_wish(text: str) -> None:
    assert answer_language(text, "xx") == "xx"


def test_a_wish_at_the_end_of_a_long_text_is_read() -> None:
    assert answer_language("The harbour was quiet. " * 500 + "Summarise this in Polish.", "en") == "pl"


@given(st.text(max_size=1_000))
def test_a_text_without_a_languages_name_keeps_its_language(text: str) -> None:
    if text.isascii() and not any(len(word) > 3 for word in text.lower().split()):
        assert answer_language(text, "xx") == "xx"
