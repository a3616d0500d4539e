"""How Chinese, Japanese, Korean, Arabic and Hindi ask for an answer in a language.

Each has one short piece that all such phrases hold (語で, 어로, में); where it is missing, nothing more is looked at. A
book that is written in English is not a wish, so a verb of asking must stand near.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from router.core.language_names import ARABIC_NAMES, HAN_NAMES, HAN_SHORT, HINDI_NAMES, KOREAN_NAMES


def _one_of(names: Mapping[str, str]) -> str:
    return "|".join(sorted(names, key=lambda name: (-len(name), name)))


class _Phrase:
    """Holds when one of `pieces` is in the text and `pattern` matches there; its first group is the name."""

    def __init__(self, pieces: Iterable[str], pattern: str, names: Mapping[str, str]) -> None:
        self.pieces = tuple(pieces)
        self.pattern = re.compile(pattern.replace("NAME", f"({_one_of(names)})"))
        self.names = names


_PHRASES: Final = (
    # 用英语回答, 翻译成法文, 译到法文, 以中文撰写; but not 用英文写的书, a book written in English.
    _Phrase(("语", "語", "文"), "(?:[用以成为為]|[译譯]到)NAME(?:语|語|文)(?!写的|寫的|版|书|書)", HAN_NAMES),
    # 中译英, and 英訳してください
    _Phrase(("译", "譯"), "[英日中汉漢韩韓法德俄西][译譯]NAME", HAN_SHORT),
    _Phrase(("訳",), "NAME訳(?:し|せよ|を(?:お願い|頼))", HAN_SHORT),
    # 英語で答えて, ドイツ語に訳して, フランス語へ翻訳; but not 英語で書かれた本.
    _Phrase(
        ("語で", "語に", "語へ"),
        "NAME語(?:で.{0,12}?(?:答|回答|書い|書き|説明|要約|出力|返|教え|述べ|話し|作成|作っ|表現|言|お願い)|[にへ].{0,6}?(?:訳|変換|直し))"
        "(?!た本|た記事)",
        HAN_NAMES,
    ),
    # 영어로 답해 줘, 독일어로 번역, 체코말로 뭐라고 해; but not 영어로 쓰인 책.
    _Phrase(
        ("어로", "말로"),
        "NAME[어말]로 ?.{0,12}?(?:답|번역|써|쓰세|쓰시|적어|작성해|설명|요약|말해|알려|표현|바꿔|해 ?줘|출력|옮겨"
        "|뭐라)",
        KOREAN_NAMES,
    ),
    # ترجم إلى الإنجليزية, ترجم للألمانية, أجب باللغة الفرنسية, اكتب بالألمانية, كيف أقول ... بالتشيكية
    _Phrase(
        ("ية",),
        "(?:(?<!م)ترجم|أجب|اجب|اكتب|أكتب|جاوب|لخص|اشرح|إجابة|الرد|رد |[أان]قول).{0,80}?"
        "(?:باللغة ال|اللغة ال|[إا]لى ال|لل|بال)NAME",
        ARABIC_NAMES,
    ),
    # अंग्रेज़ी में जवाब दें, चेक भाषा में अनुवाद करें, अनुवाद जर्मन में
    _Phrase(
        (" में",), "NAME(?: भाषा)? में.{0,30}?(?:अनुवाद|जवाब|उत्तर|लिख|बता|समझा|सारांश|कह|बोल|दीजिए|दें|दो|कर)", HINDI_NAMES
    ),
    _Phrase((" में",), "(?:अनुवाद|जवाब|उत्तर).{0,30}?NAME(?: भाषा)? में", HINDI_NAMES),
)


def asked_by_phrase(text: str) -> str | None:
    """The language that `text` asks for an answer in, by the first such phrase."""
    for phrase in _PHRASES:
        if any(piece in text for piece in phrase.pieces) and (match := phrase.pattern.search(text)):
            return phrase.names[match.group(1)]
    return None
