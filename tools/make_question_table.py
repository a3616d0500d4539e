"""Make router/core/question_table.py, the weights by which a test's question is told from one for a fact.

    PYTHONPATH=. .venv/bin/python tools/make_question_table.py DATA [--only 0|1]

DATA is a folder laid out like that of `make bench-routing`. Learned is from the prompts that no rule has claimed:
questions of tests (ARC, OpenBookQA, CommonsenseQA) against questions for facts (Natural Questions, TriviaQA) and of
experts (MMLU), lists of words (CommonGen), and what people write to an assistant (BFCL, MT-Bench). Of a prompt nothing
is kept but how often its words occur on either side. Logistic regression by gradient descent, always in the same order,
so that the same data makes the same file. `--only` learns from one half of the prompts and prints how many of the other
half are told right; nothing is written then.

Sources: ulab-uiuc/LLMRouter (MIT), ShishirPatil/gorilla (Apache-2.0), Modalities/MT-Bench-X (Apache-2.0).
"""

from __future__ import annotations

import argparse
import math
import textwrap
from collections import Counter
from pathlib import Path

from router.core import kind, questions
from router.core.kinds import Kind
from router.core.words import split_words
from tests.bench.routing.reading import half_of, rows

TARGET = Path(__file__).parents[1] / "router" / "core" / "question_table.py"
TESTS = {"arc_challenge", "openbook_qa", "commonsense_qa"}
FACTS = {"natural_qa", "trivia_qa", "commongen", "mmlu"}
WRITTEN = {"chatable", "live_irrelevance", "live_simple", "live_multiple"}
SEEN_MIN = 5  # prompts
KEPT = 300  # weights
STEP = 5  # to a whole number
ROUNDS = 400
DECAY = 1e-3
HEADER = '''"""How much each word and mark speaks for a test's question; router/core/questions.py tells what marks mean.

Made by tools/make_question_table.py, not by hand.
"""

from __future__ import annotations

from typing import Final

BIAS: Final = {bias}
# A weight, and all that have it.
WEIGHTS: Final = """\\
{weights}
"""
'''

Example = tuple[frozenset[str], bool, int]


def examples(folder: Path) -> list[Example]:
    """Marks of each prompt, whether it is a test's question, and its half."""
    found = [(row["prompt"], True) for row in rows(folder, "llmrouter_9models") if row["task"] in TESTS]
    found += [(row["prompt"], False) for row in rows(folder, "llmrouter_9models") if row["task"] in FACTS]
    for row in rows(folder, "bfcl_v4_prompts"):
        if row["category"] in WRITTEN:
            found.append((row["messages"][-1]["content"], False))
    for row in rows(folder, "multilingual_prompts"):
        if row["lang"] == row["out_lang"] == "en":
            found += [(turn, False) for turn in row["turns"]]
    return [
        (frozenset(questions.marks_of(text, split_words(text))), test, half_of(text, "learning"))
        for text, test in found
        if text.isascii() and _reaches(text)
    ]


def _reaches(text: str) -> bool:
    asked_about = (Kind.SHORT_QA, Kind.CHAT, Kind.MULTIPLE_CHOICE)
    return len(text) <= kind.SHORT and kind.kind_of(text, tools=0, wants_json=False) in asked_about


def learn(given: list[Example]) -> tuple[int, dict[str, int]]:
    """Bias and weights in whole numbers, the heaviest KEPT of them."""
    seen = Counter(mark for marks, _, _ in given for mark in marks)
    known = [(sorted(mark for mark in marks if seen[mark] >= SEEN_MIN), test) for marks, test, _ in given]
    weights = dict.fromkeys(sorted(mark for mark, count in seen.items() if count >= SEEN_MIN), 0.0)
    squares = dict.fromkeys(weights, 1e-6)
    bias, bias_square = 0.0, 1e-6
    for _ in range(ROUNDS):
        slopes = {mark: DECAY * weight for mark, weight in weights.items()}
        bias_slope = 0.0
        for marks, test in known:
            score = bias + sum(weights[mark] for mark in marks)
            error = (1 / (1 + math.exp(-max(-30.0, min(30.0, score)))) - test) / len(known)
            bias_slope += error
            for mark in marks:
                slopes[mark] += error
        # Steps shrink with what a weight has moved so far (AdaGrad), so rare words catch up with frequent ones.
        for mark, slope in slopes.items():
            squares[mark] += slope * slope
            weights[mark] -= 0.3 * slope / math.sqrt(squares[mark])
        bias_square += bias_slope * bias_slope
        bias -= 0.3 * bias_slope / math.sqrt(bias_square)
    heaviest = sorted(weights, key=lambda mark: (-abs(weights[mark]), mark))[:KEPT]
    whole = {mark: round(weights[mark] * STEP) for mark in heaviest}
    return round(bias * STEP), {mark: weight for mark, weight in whole.items() if weight}


def written(bias: int, weights: dict[str, int]) -> str:
    lines = []
    for weight in sorted(set(weights.values()), reverse=True):
        marks = " ".join(sorted(mark for mark, own in weights.items() if own == weight))
        lines += [f"{weight:+} {part}" for part in textwrap.wrap(marks, 112, break_on_hyphens=False)]
    return HEADER.format(bias=bias, weights="\n".join(lines))


def right(given: list[Example], bias: int, weights: dict[str, int]) -> float:
    hits = sum((bias + sum(weights.get(mark, 0) for mark in marks) > 0) == test for marks, test, _ in given)
    return hits / len(given)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", type=int, choices=(0, 1))
    asked = parser.parse_args()
    given = examples(asked.data)
    if asked.only is None:
        bias, weights = learn(given)
        TARGET.write_text(written(bias, weights))
        print(
            f"{TARGET}: {len(weights)} weights from {len(given)} prompts, {right(given, bias, weights):.1%} told right"
        )
        return
    bias, weights = learn([one for one in given if one[2] == asked.only])
    others = [one for one in given if one[2] != asked.only]
    print(f"learned from half {asked.only}: {right(others, bias, weights):.1%} of the other {len(others)} told right")


if __name__ == "__main__":
    main()
