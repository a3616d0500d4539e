"""How long it takes to tell what a request is."""

from __future__ import annotations

import time
from statistics import median

import msgspec

from router.core.classify import classify
from router.core.language import best_detector
from router.core.tokenizer import Tokenizer
from router.vocabulary import VOCABULARY
from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.bench.text import prompt_of

TIMES = 60


def classify_us(size: int) -> float:
    """Median of prompts that were never seen before, so that nothing is remembered. Their exact count is not in it."""
    tokenizer, detector, took = Tokenizer(VOCABULARY.read_bytes()), best_detector(), []
    for number in range(TIMES):
        body = {"model": "auto", "messages": [{"role": "user", "content": prompt_of(number, size)}]}
        request = parse_chat(msgspec.json.encode(body), Bounds())
        began = time.perf_counter()
        classify(request, tokenizer, detector)
        took.append(time.perf_counter() - began)
    return median(took) * 1e6
