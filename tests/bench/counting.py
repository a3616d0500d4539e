"""How long counting a prompt takes: against estimating and decoding it, on hostile texts, and for the event loop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from statistics import median
from typing import Final

import msgspec

from router.core.tokens import prompt_size, rough_size
from router.vocabulary import load_tokenizer
from router.wire.chat import parse_chat
from router.wire.reading import Bounds
from tests.bench.text import prompt_of

TIMES: Final = 20
# Texts of which each letter costs more than one of prose.
HOSTILE: Final = {
    "one letter": "a",
    "digits": "7",
    "spaces": " ",
    "line breaks": "\n",
    "letters at random": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "Han at random": "".join(map(chr, range(0x4E00, 0x9FA0))),
}
HOSTILE_BYTES: Final = 200_000
STALL_BYTES: Final = 1_000_000
TICK_S: Final = 0.001
TRIALS: Final = 4


def counting() -> list[str]:
    """The figures in words."""
    return [*(_size_line(size) for size in (2_000, 100_000)), _hostile_line(), _stall_line()]


def _size_line(size: int) -> str:
    bodies = [_body(prompt_of(number, size)) for number in range(TIMES)]
    requests = [parse_chat(body, Bounds()) for body in bodies]
    tokenizer = load_tokenizer()
    decoded = _us([lambda body=body: msgspec.json.decode(body) for body in bodies])
    rough = _us([lambda request=request: rough_size(request, tokenizer) for request in requests])
    whole = _us([lambda request=request: prompt_size(request, tokenizer) for request in requests])
    again = _us([lambda request=request: prompt_size(request, tokenizer) for request in requests])
    return (
        f"count a prompt of {size:,} characters whole: {whole:,.0f} µs, {whole / decoded:,.0f} × decoding its JSON; "
        f"estimated {rough / whole:.2f} of that, remembered {again / whole:.2f}"
    )


def _hostile_line() -> str:
    tokenizer = load_tokenizer()
    prose = _us([lambda number=number: tokenizer.count(prompt_of(number, HOSTILE_BYTES)) for number in range(3)])
    ratios = {}
    for title, letters in HOSTILE.items():
        text = _text(letters, HOSTILE_BYTES)
        ratios[title] = _us([lambda text=text, tail=tail: tokenizer.count(f"{text}{tail}") for tail in "xyz"]) / prose
    told = ", ".join(f"{title} {ratio:.1f}" for title, ratio in ratios.items())
    return f"count {HOSTILE_BYTES:,} bytes, prose = 1: {told}"


def _stall_line() -> str:
    tokenizer = load_tokenizer()
    idle = _least_stalled_ms([lambda: time.sleep(0.1)] * TRIALS)
    texts = [prompt_of(0, STALL_BYTES), *(_text(letters, STALL_BYTES) for letters in HOSTILE.values())]
    worst = 0.0
    for text in texts:
        bodies = [_body(f"{text}{trial}") for trial in range(TRIALS)]  # the same text twice would only be remembered
        counts = [lambda body=body: prompt_size(parse_chat(body, Bounds()), tokenizer) for body in bodies]
        worst = max(worst, _least_stalled_ms(counts))
    return (
        f"the event loop's longest wait while a thread reads and counts {STALL_BYTES:,} bytes: {worst:.1f} ms "
        f"({idle:.1f} idle), over {len(texts)} texts"
    )


def _least_stalled_ms(trials: list[Callable[[], object]]) -> float:
    """The best of several trials: what the machine's other work delays is not always there, what we do is."""
    return min(asyncio.run(_stalled_ms(trial)) for trial in trials)


async def _stalled_ms(work: Callable[[], object]) -> float:
    """The longest that a timer of a millisecond was late while `work` ran in a thread."""
    late = [0.0]
    working = asyncio.create_task(asyncio.to_thread(work))
    while not working.done():
        began = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late.append(time.perf_counter() - began - TICK_S)
    await working
    return max(late) * 1e3


def _us(calls: list[Callable[[], object]]) -> float:
    took = []
    for call in calls:
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return median(took) * 1e6


def _text(letters: str, size: int) -> str:
    """About `size` bytes of these letters, always the same."""
    number = size // len(letters[0].encode())
    return "".join(random.Random(0).choices(letters, k=number))


def _body(text: str) -> bytes:
    return msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": text}]})
