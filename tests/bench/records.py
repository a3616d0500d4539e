"""A store with many records, and how long it takes to read them: `python -m tests.bench.records [--teams N --each N]`.

Records are made from a few hundred planned requests, spread over thirty days, and written by the script that writes
them in service, without the hold that ends there. What is printed: bytes a record, and p50 and p95 of what dashboards,
`usage` and the records' pages ask.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from router import children
from router.commands.desk import Desk
from router.core.asked import Wishes, understand
from router.core.attempts import Outcome
from router.core.charges import settled
from router.core.explain import Attempt, cost_nano, explain, saved_nano
from router.core.filters import Filters
from router.core.plan import make_plan
from router.core.record import RequestRecord, request_id
from router.store import embedded, names
from router.store.connect import Client, Door, connect
from router.store.ledger import Ledger, Write
from router.store.records import Records, written
from router.store.scripts import load
from router.store.totals import DAY_MS
from router.wire.usage import Usage

ROOT: Final = Path(__file__).parents[2]
DAYS: Final = 30
TEXTS: Final = (
    "What is the capital of Portugal?",
    "Traduis en anglais : le chat dort sur la chaise.",
    "Write a Python function that adds two numbers, and prove that it terminates.",
    "Summarise this: " + "The river runs through the valley, and the people fish. " * 40,
    "Extract the names from: Anna met Bert in Rome.",
    "Schreibe ein Gedicht über den Herbst in Köln.",
    "Prove that the square root of two is irrational, step by step.",
)
# Records of one planned request; the rest of a record is drawn for each.
PLANNED: Final = 300
BATCH: Final = 500
ROUNDS: Final = 20


def planned(dice: random.Random) -> list[RequestRecord]:
    """Records of requests that were really planned, by today's rules."""
    desk = Desk(ROOT / "config", ROOT / "policies")
    policy, found = desk.rules.policy_of("default"), []
    for _ in range(PLANNED):
        body: dict[str, Any] = {
            "model": dice.choice(["auto", "auto:economy", "auto:quality"]),
            "messages": [{"role": "user", "content": f"{dice.choice(TEXTS)} {dice.random()}"}],
            "max_tokens": dice.choice([50, 200, 1_000]),
        }
        request, ask = desk.read(json.dumps(body).encode())
        asked = understand(request.model, desk.rules, policy, Wishes())
        plan = make_plan(ask, asked, rules=desk.rules, policy=policy, wishes=Wishes(), sites=desk.sites, resting={})
        verdict = plan.order[0]
        used = Usage(input_tokens=ask.input_tokens, cached_tokens=0, output_tokens=dice.randrange(10, 400))
        tried = [
            Attempt(
                model=verdict.card.name,
                outcome=Outcome.OK,
                wait_ms=0,
                nano_usd=settled(verdict.card, used, verdict.site.factor).nano,
                duration_ms=dice.randrange(200, 3_000),
                usage=used,
            )
        ]
        if dice.random() < 0.05:
            failed = Attempt(model="ministral-8b-2512", outcome=Outcome.RATE_LIMITED, wait_ms=0, nano_usd=0)
            tried.insert(0, failed)
        name = request_id(0, bytes(10))
        found.append(
            RequestRecord(
                request_id=name,
                at_ms=0,
                duration_ms=tried[-1].duration_ms + 5,
                team="",
                key="",
                endpoint="chat",
                requested_model=request.model,
                model=verdict.card.name,
                status=200,
                code=None,
                stream=dice.random() < 0.5,
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
                overhead_ms=round(dice.expovariate(0.5), 3),
                dropped=(),
                router=explain(name, ask, plan, tried),
                dearest_nano_usd=dice.randrange(10**7),
                baseline_nano_usd=dice.randrange(10**7),
                cheapest_nano_usd=dice.randrange(10**4),
                first_chunk_ms=dice.choice([None, round(dice.expovariate(0.005), 1)]),
            )
        )
    return found


def drawn(dice: random.Random, base: RequestRecord, team: str, at_ms: int) -> RequestRecord:
    """A record of that team and time: a few keys a team, tags for some, one in thirty refused."""
    fields: dict[str, Any] = {
        "request_id": request_id(at_ms, dice.randbytes(10)),
        "at_ms": at_ms,
        "team": team,
        "key": f"key_{team[5:]}{dice.choice('aaaabbc')}",
        "tags": tuple(dice.sample(["web", "nightly", "batch"], dice.choice([0, 0, 1, 1, 2]))),
    }
    if dice.random() < 0.03:
        refused = {"status": 402, "code": "budget_exceeded", "model": None, "nano_usd": 0, "saved_nano_usd": 0}
        fields |= {**refused, "router": msgspec.structs.replace(base.router, attempts=[]) if base.router else None}
    return msgspec.structs.replace(base, **fields)


def writer() -> str:
    """The script that writes a record, without the hold that it ends."""
    source = load("record").source
    whole = source.replace("if hold_load(id) then return 0 end\n", "")
    whole = whole.replace("'*', 'r'", "ARGV[4], 'r'")  # at the time of the request, not of the bench
    kept = [line for line in whole.splitlines() if not line.startswith(("hold_save(id, { 'S'", "reap(REAPED_MAX)"))]
    assert len(kept) == len(whole.splitlines()) - 2, "record.lua holds and reaps in another way than is left out here"
    return "\n".join(kept)


async def fill(client: Any, teams: int, each: int, seed: int) -> None:
    """Rows stand at their request's time, as they would have been written then."""
    dice, now_ms = random.Random(seed), int(time.time() * 1000)
    bases, sha = planned(dice), await client.script_load(writer())
    writes: list[tuple[str, str, Write]] = []
    for number in range(teams):
        team = f"team-{number:03}"
        await client.sadd(names.TEAMS, team)
        ages = sorted((dice.randrange(DAYS * DAY_MS) for _ in range(each)), reverse=True)
        for index, age in enumerate(ages):
            one = drawn(dice, dice.choice(bases), team, now_ms - age)
            write = written(one, counted=one.status == 200)
            if each - index > write.details_kept:  # they would be gone at the end
                write = msgspec.structs.replace(write, details=b"")
            writes.append((team, f"{one.at_ms}-{index}", write))
            if len(writes) == BATCH:
                await _write(client, sha, writes)
                writes.clear()
    await _write(client, sha, writes)


async def _write(client: Any, sha: str, writes: list[tuple[str, str, Write]]) -> None:
    pipe = client.pipeline(transaction=False)
    for team, place, write in writes:
        keys = [
            names.ledger(team), names.leases(team), names.unconfirmed(team), names.records(team),
            *names.sums(team, write.hour), names.details(team),
        ]  # fmt: skip
        sums = [item for pair in write.sums.items() for item in pair]
        packed = msgspec.msgpack.encode(("id", (write.kept, write.details_kept), sums, write.sums_ms))
        pipe.execute_command("EVALSHA", sha, len(keys), *keys, packed, write.record, write.details, place)
    await pipe.execute()


async def bytes_kept(client: Any, total: int) -> dict[str, float]:
    """Bytes a record by what they are kept for, as MEMORY USAGE tells; and of the store's whole memory."""
    found: dict[str, float] = {}
    kept: list[bytes] = [key async for key in client.scan_iter(count=5_000)]
    for start in range(0, len(kept), 5_000):
        pipe = client.pipeline(transaction=False)
        for key in kept[start : start + 5_000]:
            pipe.memory_usage(key, samples=0)
        for key, used in zip(kept[start : start + 5_000], await pipe.execute(), strict=True):
            _, _, what = key.decode().partition("}:")
            name = {"sums:h": "hours", "sums:d": "days", "summed": "names"}.get(what[:6], what)
            found[name] = found.get(name, 0) + used / total
    found["whole store"] = (await client.info("memory"))["used_memory"] / total
    return found


async def timed(ask: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """p50 and p95 in ms."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return took[len(took) // 2], took[int(len(took) * 0.95)]


def questions(records: Records, teams: list[str]) -> dict[str, Callable[[], Awaitable[Any]]]:
    now_ms = int(time.time() * 1000)
    month, tomorrow = (now_ms // DAY_MS - DAYS + 1) * DAY_MS, (now_ms // DAY_MS + 1) * DAY_MS

    def usage(group: str, since_ms: int = month, **more: Any) -> Callable[[], Awaitable[Any]]:
        return lambda: records.usage(since_ms=since_ms, until_ms=tomorrow, group_by=group, **more)

    def page(**asked: Any) -> Callable[[], Awaitable[Any]]:
        more = {"team": asked.pop("team")} if "team" in asked else {}
        return lambda: records.query(filters=Filters(**asked), **more)

    return {
        "usage of 30 days by team": usage("team"),
        "usage of 30 days by model": usage("model"),
        "usage of 30 days by key": usage("key"),
        "usage of 30 days by tag": usage("tag"),
        "usage of the last 30 times 24 hours by team": usage("team", now_ms - DAYS * DAY_MS),
        "usage of 30 days of one team by model": usage("model", team=teams[0]),
        "rollup of 24 hours": lambda: records.rollup(teams, now_ms - DAY_MS, now_ms),
        "rollup of 30 days": lambda: records.rollup(teams, month, tomorrow),
        "a page": page(),
        "a page of one team": page(team=teams[0]),
        "a page of one key": page(key="key_007c"),
        "a page of one model": page(model="ministral-3b-2512"),
        "a page of one tag": page(tag="nightly"),
        "a page of one kind and language": page(kind="code", language="en"),
        "a page of one code": page(code="budget_exceeded"),
        "a page of what there is none of": page(tag="nobody's"),
    }


async def measure(url: str, teams: int, each: int, seed: int) -> dict[str, Any]:
    client: Any = connect(url, timeout_s=60.0)
    began = time.perf_counter()
    await fill(client, teams, each, seed)
    filled_s = time.perf_counter() - began
    reading: Client = connect(url, timeout_s=5.0)
    records = Records(reading, Ledger(Door(reading, deadline_s=30.0)))
    some = await records.teams()
    took = {name: await timed(ask) for name, ask in questions(records, some).items()}
    total = {"records": teams * each, "filled_s": round(filled_s, 1)}
    kept = await bytes_kept(client, teams * each)
    await client.aclose()
    await reading.aclose()
    return {**total, "bytes_a_record": kept, "p50_p95_ms": took}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.records", description=__doc__)
    parser.add_argument("--teams", type=int, default=200)
    parser.add_argument("--each", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        path = embedded.socket_path(Path(home))
        child = children.start(embedded.command(Path(home), path))
        try:
            url = embedded.wait_until_up(Path(home), path)
            told = asyncio.run(measure(url, given.teams, given.each, given.seed))
        finally:
            children.stop(child)
    print(f"{told['records']:,} records of {given.teams} teams, written in {told['filled_s']} s")
    for name, size in sorted(told["bytes_a_record"].items(), key=lambda pair: -pair[1]):
        print(f"{size:10.1f} bytes a record: {name}")
    for name, (middle, late) in told["p50_p95_ms"].items():
        print(f"{middle:8.1f} {late:8.1f} ms (p50, p95): {name}")


if __name__ == "__main__":
    main()
