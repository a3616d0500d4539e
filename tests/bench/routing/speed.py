"""How long a decision takes, beside reading the same body with the standard library on the same machine."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from router.core.answer_language import answer_language
from router.core.classify import classify
from router.core.kind import kind_of
from router.core.language import language_of
from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.bench.routing.figures import Figure, Part
from tests.bench.routing.reading import rows
from tests.bench.routing.world import body_of, detector, tokenizer

PROMPTS: Final = 1_500
WORD: Final = re.compile(r"\w+")


def measure(folder: Path) -> Part:
    prompts = [row["turns"][0] for row in rows(folder, "multilingual_prompts")]
    prompts += [row["prompt"] for row in rows(folder, "llmrouter_9models")]
    took = [_took(prompt) for prompt in prompts[:PROMPTS]]
    base, told, whole = (sorted(column) for column in zip(*took, strict=True))
    figures = []
    for name, column in (("kind and languages", told), ("whole classification", whole)):
        for share in (50, 99):
            ours, theirs = (_quantile(each, share) for each in (column, base))
            figures.append(
                Figure(
                    name=f"{name}, p{share}",
                    value=ours / theirs,
                    unit="times",
                    anchor=f"{ours * 1e6:.0f} µs; decoding with json and finding the words {theirs * 1e6:.0f} µs",
                )
            )
    return Part(title=f"Time of a decision ({len(took)} prompts)", figures=tuple(figures))


def _took(prompt: str) -> tuple[float, float, float]:
    body = body_of(prompt)
    request = parse_chat(body, Bounds())

    def read() -> None:
        text: str = json.loads(body)["messages"][0]["content"]
        WORD.findall(text.lower())

    def tell() -> None:
        kind_of(prompt, tools=0, wants_json=False)
        answer_language(prompt, language_of(prompt, detector()).code)

    return _seconds(read), _seconds(tell), _seconds(lambda: classify(request, tokenizer(), detector()))


def _seconds(do: Callable[[], Any]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _quantile(ordered: list[float], share: int) -> float:
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]
