"""A past for a store: records of many teams over many days, as routers would have written them, and budgets partly
spent. The same seed makes the same past."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from router.core.attempts import Outcome
from router.core.charges import Account, Amounts
from router.core.explain import Attempt, RouterObject
from router.core.record import RequestRecord, request_id
from router.store import names
from router.store.connect import Client, Door
from router.store.ledger import Ending, Ledger, Reservation
from router.store.records import written
from router.wire.usage import Usage

HOUR_MS: Final = 3_600_000
# Records are written so many at a time.
TOGETHER: Final = 500
# What a model costs, nano-USD a token of input and of output.
MODELS: Final = {
    "ministral-8b-2512": (150, 150),
    "mistral-small-2603": (150, 600),
    "mistral-large-2512": (500, 1_500),
    "codestral-2508": (300, 900),
}
KINDS: Final = ("short_qa", "summarize", "code", "extract")
FAILURES: Final = (Outcome.RATE_LIMITED, Outcome.TIMED_OUT, Outcome.SERVER_ERROR)


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """`share` is its part of all requests; `slope` above 1 makes it grow from the first day to the last."""

    name: str
    keys: Sequence[str]
    share: float = 1.0
    slope: float = 1.0


def past(teams: Sequence[Team], *, records: int, days: float, now_ms: int, seed: int = 1) -> list[RequestRecord]:
    """So many records of these teams, oldest first; more by day than at night."""
    dice = random.Random(seed)
    at = sorted(_moments(dice, records, days, now_ms))
    shares = [team.share for team in teams]
    made = []
    for at_ms in at:
        age = (now_ms - at_ms) / (days * 24 * HOUR_MS)
        weights = [share * team.slope ** (1 - age) for share, team in zip(shares, teams, strict=True)]
        team = dice.choices(teams, weights)[0]
        made.append(_record(dice, team, at_ms))
    return made


def _moments(dice: random.Random, records: int, days: float, now_ms: int) -> Iterator[int]:
    left = records
    while left:
        at_ms = now_ms - 10_000 - int(dice.random() * days * 24 * HOUR_MS)
        busy = 0.55 + 0.45 * math.sin((at_ms / HOUR_MS % 24 - 8) / 24 * 2 * math.pi)
        if dice.random() < busy:
            left -= 1
            yield at_ms


def _record(dice: random.Random, team: Team, at_ms: int) -> RequestRecord:
    name = request_id(at_ms, dice.randbytes(10))
    models = list(MODELS)
    first = dice.choices(models, (40, 35, 10, 15))[0]
    attempts = []
    if dice.random() < 0.03:
        attempts.append(_failed(dice, first))
        first = models[(models.index(first) + 1) % len(models)]
    refused = dice.random() < 0.01
    if not refused:
        attempts.append(_answered(dice, first))
    took = sum(attempt.duration_ms for attempt in attempts)
    cost = sum(attempt.nano_usd for attempt in attempts)
    usage = attempts[-1].usage if attempts else None
    baseline = usage.input_tokens * 1_500 + usage.output_tokens * 7_500 if usage else 0
    streamed = dice.random() < 0.5
    return RequestRecord(
        request_id=name,
        at_ms=at_ms,
        duration_ms=took + 4,
        team=team.name,
        key=dice.choice(team.keys),
        endpoint="chat",
        requested_model="auto",
        model=None if refused else first,
        status=402 if refused else 200,
        code="budget_exceeded" if refused else None,
        stream=streamed,
        kind=dice.choice(KINDS),
        language=dice.choice(("en", "en", "fr", "de")),
        tags=(),
        reason="" if refused else "escalated" if len(attempts) > 1 else "cheapest_suitable",
        input_tokens=usage.input_tokens if usage else 0,
        cached_tokens=usage.cached_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
        nano_usd=cost,
        saved_nano_usd=baseline - cost if usage else 0,
        unconfirmed_nano_usd=0,
        overhead_ms=round(dice.uniform(1.5, 6.0), 3),
        dropped=(),
        router=_explained(name, team.name, attempts, cost, baseline),
        first_chunk_ms=round(took * dice.uniform(0.2, 0.5), 1) if streamed and usage else None,
        baseline_nano_usd=baseline or None,
    )


def _failed(dice: random.Random, model: str) -> Attempt:
    took = dice.randrange(20, 400)
    return Attempt(model=model, outcome=dice.choice(FAILURES), wait_ms=0, nano_usd=0, duration_ms=took)


def _answered(dice: random.Random, model: str) -> Attempt:
    tokens, output = int(dice.lognormvariate(8.5, 1.0)), int(dice.lognormvariate(6.0, 0.8))
    cached = tokens // 2 if dice.random() < 0.3 else 0
    price, price_out = MODELS[model]
    nano = (tokens - cached) * price + cached * price // 10 + output * price_out
    took = int(200 + output * dice.uniform(3, 8))
    used = Usage(input_tokens=tokens, output_tokens=output, cached_tokens=cached)
    return Attempt(model=model, outcome=Outcome.OK, wait_ms=0, nano_usd=nano, duration_ms=took, usage=used)


def _explained(name: str, team: str, attempts: list[Attempt], cost: int, baseline: int) -> RouterObject:
    return RouterObject(
        request_id=name,
        classification={},
        policy={"team": team, "quality": 0.9},
        threshold=84.6,
        models=[],
        order=[],
        chosen=attempts[-1].model if attempts else None,
        reason="",
        baseline={"model": "mistral-medium-3-5", "nano_usd": baseline},
        attempts=attempts,
        rules="",
        requested_model="auto",
        cost_nano_usd=cost,
        saved_nano_usd=baseline - cost,
    )


async def write(client: Client, records: Sequence[RequestRecord]) -> None:
    """Put the records where routers would have put them, each at its own time."""
    store: Any = client
    ledger = Ledger(Door(client, deadline_s=120.0))
    await store.sadd(names.TEAMS, *{record.team for record in records})
    ended = sorted(records, key=lambda record: record.at_ms + record.duration_ms)  # as a stream stands
    for start in range(0, len(ended), TOGETHER):
        some = [(one, written(one, counted=one.status == 200)) for one in ended[start : start + TOGETHER]]
        pipe = store.pipeline(transaction=False)
        for number, (record, writing) in enumerate(some):
            place = f"{record.at_ms + record.duration_ms}-{number}"
            pipe.xadd(names.records(record.team), {"r": writing.record}, id=place, maxlen=writing.kept)
            if writing.details:
                pipe.xadd(names.details(record.team), {"d": writing.details}, id=place, maxlen=writing.details_kept)
        await pipe.execute()
        # The script dates what it adds to a stream by its own clock, so it is given the sums alone.
        sums = [(one, msgspec.structs.replace(writing, record=b"", details=b"")) for one, writing in some]
        await asyncio.gather(*(ledger.record(one.team, one.request_id, writing) for one, writing in sums))


async def spend(client: Client, team: str, account: Account, nano: int, name: str) -> None:
    """Charge `nano` on one account."""
    ledger = Ledger(Door(client, deadline_s=120.0))
    amounts = Amounts(nano=nano, tokens=0, requests=1)
    held = await ledger.reserve(name, team, lambda _: (account,), amounts, lease_ms=60_000)
    assert isinstance(held, Reservation), held
    await ledger.close(held, Ending.SETTLED, amounts)
