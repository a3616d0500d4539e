"""Language: what sentences and prompts are in, what their answers are wanted in, and what is no language at all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Final

from router.core.language import LANGUAGES, UNDETERMINED
from tests.bench.routing.figures import Figure, Part
from tests.bench.routing.noise import noise
from tests.bench.routing.reading import rows
from tests.bench.routing.world import body_of, classified

# The written standard that "Norwegian" stands for.
SAME: Final = {"nb": "no"}
SHOWN: Final = 6


def measure(folder: Path) -> Part:
    sentences = [
        (SAME.get(row["lang"], row["lang"]), row["text"])
        for row in rows(folder, "langid_lingua_75")
        if row["kind"] == "sentences" and SAME.get(row["lang"], row["lang"]) in LANGUAGES
    ]
    prompts = rows(folder, "multilingual_prompts")
    told = [(lang, classified(body_of(text)).language) for lang, text in sentences]
    asked = [(row, classified(body_of(row["turns"][0]))) for row in prompts]
    others = [(row["out_lang"], ask.answer_language) for row, ask in asked if row["out_lang"] != row["lang"]]
    junk = [(sort, classified(body_of(text)).language) for sort, text in noise()]
    strange = [(sort, lang) for sort, lang in junk if lang not in ("en", UNDETERMINED)]
    figures = (
        Figure(
            name=f"sentences in {len({lang for lang, _ in sentences})} languages",
            value=_share(told),
            first=98.0,
            aim=99.0,
            anchor="Lingua 96.0 (of 75 languages), ELD 98.8 (of 60)",
        ),
        Figure(
            name="chat prompts", value=_share([(row["lang"], ask.language) for row, ask in asked]), first=99.0, aim=99.8
        ),
        Figure(
            name=f"answers wanted in another language ({len(others)})",
            value=_share(others),
            first=round(100 * 28 / 31, 1),
            aim=100.0,
            anchor="the prompt's own language 0",
        ),
        Figure(
            name=f"code, keys, addresses, numbers ({len(junk)}) taken for a language",
            value=float(len(strange)),
            unit="",
            first=0.0,
            aim=0.0,
            less_is_better=True,
        ),
    )
    missed = Counter(f"{lang} as {found}" for lang, found in told if lang != found)
    notes = (
        [f"sentences missed most: {', '.join(f'{what} {n}' for what, n in missed.most_common(SHOWN))}"]
        if missed
        else []
    )
    notes += [f"{sort} taken for {lang}" for sort, lang in strange[:SHOWN]]
    return Part(title="Language", figures=figures, notes=tuple(notes))


def _share(pairs: list[tuple[str, str]]) -> float | None:
    return 100 * fmean(wanted == found for wanted, found in pairs) if pairs else None
