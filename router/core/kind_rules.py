"""The rules that tell a kind of work from words and marks; router/core/kind.py applies them, the first match wins."""

from __future__ import annotations

from typing import Final

import msgspec

from router.core.kinds import Kind


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Holds when one of `words` is there, and one of `also` where given; or when one of `marks` is there and `pattern`
    is found. router/core/words.py tells how words are written; `marks` are looked for in lower case, `pattern` in the
    text as it is. Two things make words no sign: a text longer than `length_max` characters, where they belong to the
    story, and with `told` a question, where they are what is asked about."""

    kind: Kind
    words: str = ""
    also: str = ""
    marks: tuple[str, ...] = ()
    pattern: str = ""
    length_max: int | None = None
    told: bool = False
    reason: str


# What gives a kind away most surely comes first. Words are in English, French, German, Spanish, Italian and
# Portuguese, and in Chinese, Japanese, Korean, Arabic and Hindi where one word says it.
RULES: Final = (
    Rule(
        kind=Kind.MULTIPLE_CHOICE,
        marks=("\n",),
        pattern=r"\n *\(?[A-H][.):] [^\n]+\n+ *\(?[B-I][.):] ",
        reason="lettered answers, each on a line of its own",
    ),
    Rule(
        kind=Kind.TRANSLATION,
        words="translate translation translating traduis traduisez traduire traduction traduce traducir traduzca"
        " traduci traduza traduzir tradurre traduzione tradução übersetz* vertaal* vertaling przetłumacz"
        " перевед* ترجم* الترجمة अनुवाद 翻译 翻譯 翻訳 번역",
        reason="asks for a translation",
    ),
    Rule(
        kind=Kind.MATHS,
        marks=("\\", "[asy]"),
        pattern=r"\[asy\]|\\\[|\\(?:frac|dfrac|sqrt|sum|prod|int|lim|cdot|times|le|leq|ge|geq|ne|neq|pi|infty|circ|angle"
        r"|overline|overrightarrow|triangle|mathbb|mathrm|text|sin|cos|tan|log|ln|left|begin\{[a-z]*(?:matrix|cases)\})"
        r"(?![a-z])",
        reason="a formula or a drawing in LaTeX",
    ),
    Rule(
        kind=Kind.CODE,
        marks=("```", "#include", "</", "=> ", ";\n", "function("),
        pattern=r"(?i)```|#include|</\w+>|=> |;\n|\bfunction\(",
        reason="program text, by its signs",
    ),
    Rule(
        kind=Kind.CODE,
        marks=("def ", "class ", "import ", "select "),
        pattern=r"(?i)\bdef \w+\(|\bclass \w+[:({]|^(?:from \S+ )?import \w|\bselect .{1,200} from ",
        reason="program text, by its words",
    ),
    Rule(
        kind=Kind.CODE,
        words="python javascript typescript java c++ rust golang sql html css bash regex regular_expression php"
        " ruby kotlin algorithm* unit_test* stack_trace traceback refactor compiler docker git linked_list"
        " binary_tree プログラム 関数 程序 函数 代码 프로그램 함수 코드 برنامجا دالة प्रोग्राम फ़ंक्शन",
        length_max=2_000,
        reason="the name of a programming language, or its tools",
    ),
    Rule(
        kind=Kind.REASONING,
        marks=("clue",),
        pattern=r"(?i)^clues?(?:\(s\))?:",
        reason="a puzzle with its clues",
    ),
    Rule(
        kind=Kind.MATHS,
        words="theorem* lemma derivative derivatives integral integrals polynomial polynomials matrix eigenvalue*"
        " dérivée ableitung derivada derivata polynom* polinom* 定理 微分 積分 积分 导数 미분 적분 المشتق अवकलज",
        length_max=2_000,
        reason="the words of higher mathematics",
    ),
    Rule(
        kind=Kind.ARITHMETIC,
        marks=("$", "=", "^", "*", "+", "×", "÷", "f(x)"),
        pattern=r"\$[^$\n]*[\\=^+{][^$\n]*\$|\d ?[=+*^×÷] ?\d|\b[A-Za-z] ?= ?-?\d|[A-Za-z0-9)]\^[0-9{(]|f\(x\)"
        r"|\$[A-Za-z]\$",
        reason="a formula in plain text",
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
        " clues relationship_between rätsel énigme acertijo indovinello gehört_nicht no_va_con sa_place_parmi"
        " 推理 謎 퍼즐",
        length_max=4_000,
        told=True,
        reason="a puzzle, or steps of thought asked for",
    ),
    Rule(
        kind=Kind.EXTRACTION,
        words="extract identify_the classify categorize categorise json csv named_entit* extrahier* extrai* extrae*"
        " estrai* estrarre identifiez identifica identifizier* klassifizier* classifiez classifica categories"
        " kategorien catégories categorías categorie identifique extraiga ermitteln sentiment 提取 抽出 추출 分類"
        " 分类 분류 استخرج صنف निकालें",
        told=True,
        reason="facts are to be taken out of a given text, or texts sorted",
    ),
    Rule(
        kind=Kind.ARITHMETIC,
        words="how_many how_much how_far how_long how_old what_percent* what_fraction what_number calculat* comput*"
        " solve probab* equation integer* triangle perimeter average remainder divisible multiple_of factors_of digit"
        " digits volume_of radius area_of combien divisé berechn* wie_viel* wie_groß wie_hoch geteilt dreieck* fläch*"
        " wahrscheinl* cuánt* dividido triángulo área quanti quante quanto diviso triangolo aire quantos quantas"
        " 計算 求め 计算 多少 구하 얼마 확률 احسب कितन*",
        also="# two three four five six half twice dozen mitad moitié hälfte metà",
        length_max=700,
        reason="numbers, and a question about how many",
    ),
    Rule(
        kind=Kind.ARITHMETIC,
        words="total sum price cost costs amount ratio difference profit altogether combined number_of times_more"
        " how_wide how_tall day_of_the_week what_day age total_de total_del summe preis prix precio",
        also="#+",
        length_max=700,
        reason="several numbers, and what comes of them",
    ),
    Rule(
        kind=Kind.WRITING,
        words="write draft compose rewrite rephrase proofread brainstorm edit_the outline_for écris écrivez écrire"
        " rédig* verfass* schreib* escrib* redact* scriv* escrev* redij* schrijf* napisz überarbeit* korrigier*"
        " 書いて 写一 撰写 써줘 작성 اكتب लिख*",
        told=True,
        length_max=4_000,
        reason="a text is to be written or improved",
    ),
    Rule(
        kind=Kind.WRITING,
        words="essay poem short_story blog* email emails e_mail* letter speech slogan lyrics headline haiku screenplay"
        " lesson_plan überschrift kurzgeschichte gedicht poème poema courriel",
        told=True,
        length_max=600,
        reason="a sort of text",
    ),
)

# These want an explanation, so a long answer, wherever in the text they stand.
EXPLAIN: Final = (
    "explain describe discuss compare summari* analyze analyse elaborate difference differences advantages expliqu*"
    " explica* explic* beschreib* erläuter* erklär* vergleich* décri* analis* analys* résum* resum* riassum* spiega*"
    " confront* fasse_zusammen اشرح لخص समझा* 説明 解释 설명 比較 要約 总结 요약"
)
# A question begins with a verb, or has one of the other words early on.
VERBS_FIRST: Final = "is are do does did can could was were name"
ASKED_EARLY: Final = (
    "who what when where which whose whom why how qui que quel quelle quels où quelles quoi comment pourquoi wer"
    " wann warum wo wie welche welcher welches qué quién cuál cómo dónde chi cosa quale quem qual"
)
