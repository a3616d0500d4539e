"""A made-up folder in the layout of recorded outcomes: a few rows a source, so that the bench runs in a second."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.bench.routing import cheapest, tools

# What the best and the cheapest are good at: everything that the small one cannot do is done by the large.
LARGE, SMALL = "llama-3.1-nemotron-51b-instruct", "gemma-2-9b-it"
QUESTIONS = [f"Who painted the picture number {number} in the old town hall?" for number in range(30)]
PROGRAMS = [f"Write a Python function that adds {number} to its argument." for number in range(30)]
SENTENCES = {
    "en": "Could you tell me when the next train to the coast leaves?",
    "fr": "Pourriez-vous me dire à quelle heure part le prochain train pour la côte ?",
    "nb": "Kan du si meg når neste tog til kysten går i morgen tidlig?",
}


def write(folder: Path, **changed: list[dict[str, Any]]) -> Path:
    """The folder, with the rows of some sources changed."""
    for name, rows in {**sources(), **changed}.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(row)}\n" for row in rows)
    return folder


def sources() -> dict[str, list[dict[str, Any]]]:
    return {
        "llmrouter_9models": [_outcome("facts", prompt, SMALL, LARGE) for prompt in QUESTIONS]
        + [_outcome("code", prompt, "qwen2.5-7b-instruct", LARGE) for prompt in PROGRAMS],
        "bfcl_v1_mistral": [
            _calls("simple", "What is the weather in Rome?", ["get_weather"], {"mistral-small-2402"}),
            _calls("parallel", "The weather in Rome and in Oslo?", ["get.weather"], {"open-mistral-nemo-2407"}),
            _calls("java", "Make a Widget.", ["Widget.make"], set()),
        ],
        "bfcl_v4_prompts": [
            _prompt("live_parallel", "The weather in Rome and in Oslo?", parallel=True),
            _prompt("live_simple", "The weather in Rome?", parallel=False),
        ],
        "langid_lingua_75": [
            *({"lang": lang, "kind": "sentences", "text": text} for lang, text in SENTENCES.items()),
            {"lang": "en", "kind": "single-words", "text": "train"},
            {"lang": "xx", "kind": "sentences", "text": "a language that is not among ours"},
        ],
        "multilingual_prompts": [
            {"lang": "en", "out_lang": "en", "turns": [SENTENCES["en"]]},
            {"lang": "en", "out_lang": "cs", "turns": ["Translate this sentence to Czech: the bridge is closed."]},
        ],
    }


def _outcome(task: str, prompt: str, *good: str) -> dict[str, Any]:
    return {"task": task, "prompt": prompt, "scores": {model: float(model in good) for model in cheapest.PRICES}}


def _calls(category: str, prompt: str, functions: list[str], good: set[str]) -> dict[str, Any]:
    runs = {model: tools.RUN.format(model=model) for model in tools.PRICES}
    return {
        "category": category,
        "prompt": prompt,
        "functions": functions,
        "valid": {run: int(model in good) for model, run in runs.items()},
        "in_tok": dict.fromkeys(runs.values(), 100),
        "out_tok": dict.fromkeys(runs.values(), 20),
    }


def _prompt(category: str, text: str, *, parallel: bool) -> dict[str, Any]:
    return {
        "category": category,
        "live": True,
        "parallel": parallel,
        "messages": [{"role": "user", "content": text}],
    }
