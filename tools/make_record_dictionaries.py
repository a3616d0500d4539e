"""Make router/data/records/: what rows and details of records are packed with (router/store/packing.py).

    python tools/make_record_dictionaries.py

Requests of many kinds and languages are planned by the shipped config, and records are made of them; a dictionary is
the few of these that shorten all of them most. One that is in use is never made anew, since stores hold what was packed
with it: raise VERSION in packing.py first, and keep the files of the older versions.
"""

import itertools
import json
import pathlib
import sys
import zlib
from collections.abc import Sequence

import msgspec

from router.commands.desk import Desk
from router.core.asked import Wishes, understand
from router.core.attempts import Outcome
from router.core.charges import settled
from router.core.explain import Attempt, cost_nano, explain, saved_nano
from router.core.plan import make_plan
from router.core.record import RequestRecord, request_id
from router.store import packing
from router.store.rows import row_bytes
from router.wire.usage import Usage

ROOT = pathlib.Path(__file__).parents[1]
TEXTS = (
    "What is the capital of Portugal?",
    "Quelle est la capitale du Portugal, et combien de personnes y vivent aujourd'hui ?",
    "Translate to Czech: the meeting has moved to Thursday afternoon.",
    "Write a Python function that merges two sorted lists, with type hints.",
    "Extract the names from: Anna met Bert in Rome.",
    "Classify this review as positive or negative: the food was cold and the waiter rude.",
    "Schreibe ein kurzes Gedicht über den Herbst in Köln.",
    "Prove that the square root of two is irrational, step by step.",
    "Fasse zusammen: " + "Der Fluss fließt durch das Tal, und die Leute fischen dort seit Jahren. " * 30,
    "Escribe una carta formal de reclamación a una compañía eléctrica.",
)
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
ASKED = ({}, {"model": "auto:economy"}, {"model": "auto:quality"}, {"tools": [WEATHER]}, {"max_tokens": 50})
PICKED = {"row": 40, "details": 5}


def records() -> list[RequestRecord]:
    desk = Desk(ROOT / "config", ROOT / "policies")
    policy, made = desk.rules.policy_of("default"), []
    for number, (text, asked) in enumerate(itertools.product(TEXTS, ASKED)):
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": 300, **asked}
        request, ask = desk.read(json.dumps(body).encode())
        wanted = understand(request.model, desk.rules, policy, Wishes())
        plan = make_plan(ask, wanted, rules=desk.rules, policy=policy, wishes=Wishes(), sites=desk.sites, resting={})
        verdict = plan.order[0]
        used = Usage(input_tokens=ask.input_tokens, cached_tokens=0, output_tokens=100 + number)
        answer = Attempt(
            model=verdict.card.name,
            outcome=Outcome.OK,
            wait_ms=0,
            nano_usd=settled(verdict.card, used, verdict.site.factor).nano,
            duration_ms=700 + number,
            usage=used,
        )
        failed = Attempt(model=plan.order[-1].card.name, outcome=Outcome.RATE_LIMITED, wait_ms=0, nano_usd=0)
        tried = [failed, answer] if number % 7 == 0 else [answer]
        at_ms, name = 1_790_000_000_000 + number, request_id(1_790_000_000_000 + number, bytes(10))
        made.append(
            RequestRecord(
                request_id=name,
                at_ms=at_ms,
                duration_ms=answer.duration_ms + 2,
                team="default",
                key="key_",
                endpoint="chat",
                requested_model=request.model,
                model=verdict.card.name,
                status=200,
                code=None,
                stream=number % 2 == 0,
                kind=ask.kind.value,
                language=ask.language,
                tags=(),
                reason=plan.reason.value,
                input_tokens=used.input_tokens,
                cached_tokens=0,
                output_tokens=used.output_tokens,
                nano_usd=cost_nano(tried),
                saved_nano_usd=saved_nano(plan, tried),
                unconfirmed_nano_usd=0,
                overhead_ms=2.0,
                dropped=(),
                router=explain(name, ask, plan, tried),
                dearest_nano_usd=1_000_000 + number,
                baseline_nano_usd=1_000_000 + number,
                cheapest_nano_usd=1_000 + number,
            )
        )
    return made


def length(kind: packing.Kind, data: bytes, dictionary: bytes) -> int:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, dictionary)
    return len(compressor.compress(data) + compressor.flush())


def dictionary(kind: packing.Kind, samples: Sequence[bytes], room: int) -> bytes:
    """The samples that help most, the best one last, where it is nearest to what will be packed."""
    found = b""
    for _ in range(PICKED[kind]):
        fitting = [one for one in samples if len(one) + len(found) <= room]
        if not fitting:
            break
        found = min(
            (one + found for one in fitting), key=lambda tried: sum(length(kind, one, tried) for one in samples)
        )
    return found


def main() -> None:
    made = records()
    samples: dict[packing.Kind, list[bytes]] = {
        "row": [row_bytes(one) for one in made],
        "details": [msgspec.json.encode(one.router) for one in made],
    }
    for kind, texts in samples.items():
        path = packing.path_of(kind, packing.VERSION)
        if path.exists():
            sys.exit(f"{path} is in use: raise VERSION in router/store/packing.py first")
        # Deflate looks back a little less far than its window is long.
        best = dictionary(kind, texts, packing.window(kind) - 300)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(best)
        plain, packed = (
            sum(map(len, made)) / len(texts) for made in (texts, [packing.pack(kind, one) for one in texts])
        )
        print(f"{path}: {len(best):,} bytes; {plain:,.0f} bytes become {packed:,.0f}")


if __name__ == "__main__":
    main()
