"""Sums read back from a real store: usage and rollup agree with one another and with the records."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from router.core.attempts import Outcome
from router.core.record import RequestRecord, name_hold
from router.store import names
from router.store.connect import Client
from router.store.ledger import Ending, Reservation
from router.store.reconciling import Reconciler
from router.store.records import GROUPS, written
from router.store.totals import DAY_MS, HOUR_MS, Note
from tests.store.conftest import Run
from tests.store.desk import NOW, Desk, attempt, record, unsure
from tests.store.making import DAY, amounts, calendar, sums_at

FIELDS = ("nano_usd", "saved_nano_usd", "requests", "input_tokens", "cached_tokens", "output_tokens")


def some_record(team: str, dice: random.Random, number: int) -> RequestRecord:
    tried = [attempt(dice.choice(["small", "large"]), dice.randrange(10**9), tuple(dice.choices(range(1, 999), k=3)))]
    if dice.random() < 0.2:
        tried.insert(0, msgspec.structs.replace(attempt("tiny", 0), outcome=Outcome.RATE_LIMITED))
    return record(
        team,
        NOW - dice.randrange(40 * 24) * HOUR_MS,
        number,
        attempts=tuple(tried),
        model=tried[-1].model,
        key=f"k{dice.randrange(3)}",
        tags=tuple(dice.sample(["web", "night", "été"], dice.randrange(3))),
        kind=dice.choice(["code", "chat"]),
        duration_ms=dice.randrange(30_000),
        saved_nano_usd=dice.randrange(-(10**6), 10**6),
        first_chunk_ms=dice.choice([None, 12.5, 480.0]),
    )


async def filled(client: Client, team: str) -> tuple[Desk, list[RequestRecord]]:
    desk, dice = await Desk(client, team, f"{team}-2").open(), random.Random(team)
    ones = [some_record(desk.teams[number % 2], dice, number) for number in range(300)]
    for one in ones:
        await desk.put(one)
    note = Note(key="k1", model="large", kind="code", language="en", tags=("web",), nano_usd=900, request_id="r")
    await unsure(desk, team, note)
    return desk, ones


@pytest.mark.parametrize("days", [1, 2, 5, 35, 60])
@pytest.mark.parametrize("off_ms", [0, 7 * HOUR_MS])
def test_usage_and_rollup_agree_with_the_records(run: Run, team: str, days: int, off_ms: int) -> None:
    async def main(client: Client) -> None:
        desk, ones = await filled(client, team)
        since_ms, until_ms = NOW // DAY_MS * DAY_MS - days * DAY_MS + off_ms, NOW + HOUR_MS
        wanted = [one for one in ones if since_ms <= (one.at_ms + one.duration_ms) // HOUR_MS * HOUR_MS < until_ms]
        rolled = await desk.records.rollup(desk.teams, since_ms, until_ms)
        for group in GROUPS:
            total, groups = await desk.records.usage(since_ms=since_ms, until_ms=until_ms, group_by=group)
            assert total == rolled.total
            if group != "day":
                assert groups == rolled.by[group]
        assert total.nano_usd == sum(one.nano_usd for one in wanted) + 900
        assert total.saved_nano_usd == sum(one.saved_nano_usd for one in wanted) + 5
        assert total.requests == len(wanted) + 1
        assert sum(rolled.statuses.values()) == len(wanted) + 1
        assert rolled.latency_all.total == len(wanted) + 1
        assert rolled.first_chunk_all.total == sum(one.first_chunk_ms is not None for one in wanted)
        assert sum(point.total.nano_usd for point in rolled.points) == total.nano_usd - 900
        assert rolled.escalations.keys() <= {("tiny", "small"), ("tiny", "large")}
        assert rolled.step_ms == (HOUR_MS if until_ms - since_ms <= 3 * DAY_MS else DAY_MS)

    run(main)


def test_a_name_stands_where_its_first_letter_says(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        one = record(team, NOW, 1, attempts=(attempt("small", 7, (3, 2, 1)),), tags=("web",))
        for number in range(3):
            await desk.ledger.record(team, f"q{number}", written(one, counted=True))
        hour, day = (await sums_at(client, team, hour=NOW // HOUR_MS), await sums_at(client, team, day=NOW // DAY_MS))
        row, counters = [21, 15, 3, 9, 6, 3], ("S200 ", "Rcheapest_eligible", "Asmall ok")
        counted = {**{name: [3] for name in counters}, "D": [0, 0, 3], "Lsmall": [0, 0, 0, 0, 0, 0, 0, 3]}
        assert hour == {'["k1","small","code","en","web"]': row, **counted}
        assert day == {**dict.fromkeys(("t", "kk1", "msmall", "icode", "len", "gweb"), row), **counted}

    run(main)


def test_a_refusal_is_counted_and_charged_to_nobody(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        refusal = record(team, NOW, 1, status=429, code="rate_limit_exceeded", model=None, reason="", router=None)
        await desk.put(refusal, counted=False)
        rolled = await desk.records.rollup([team], NOW, NOW + 1)
        assert (rolled.statuses, rolled.refusals) == ({429: 1}, {"rate_limit_exceeded": 1})
        assert (rolled.total.requests, rolled.by["team"]) == (0, {})

    run(main)


def test_sums_end_when_they_have_been_kept_and_their_names_outlive_them(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = await Desk(client, team).open()
        write = msgspec.structs.replace(written(record(team), counted=True), sums_ms=DAY)
        await desk.ledger.record(team, "q", write)
        hour, day, summed = [await client.pttl(name) for name in names.sums(team, write.hour)]
        assert 0 < hour <= DAY
        assert 0 < day <= DAY
        assert summed > 832 * DAY, "the longest that sums are kept, and the 32 days that names are shared"

    run(main)


def test_more_names_than_one_call_can_ask_for_are_all_read(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        for number in range(0, 2_400, 8):
            tags = tuple(f"tag-{number + one}" for one in range(8))
            await desk.put(record(team, NOW - DAY_MS, number, attempts=(attempt("small", 1, (1, 0, 1)),), tags=tags))
        since_ms = NOW // DAY_MS * DAY_MS - DAY_MS
        _, tags_found = await desk.records.usage(since_ms=since_ms, until_ms=since_ms + DAY_MS, group_by="tag")
        assert len(tags_found) == 2_400
        assert {sums.nano_usd for sums in tags_found.values()} == {1}

    run(main)


def test_ledger_usage_rollup_and_records_agree_to_the_nano(run: Run, team: str) -> None:
    """Also when usage never came, and when an operator has said what it was."""

    async def main(client: Client) -> None:
        desk, dice, account = await Desk(client, team).open(), random.Random(team), calendar(10**15)
        unsure_ids = []
        for number in range(60):
            nano, held_nano = dice.randrange(10**9), dice.randrange(10**9, 2 * 10**9)
            lost = dice.random() < 0.3
            tried = attempt("small", held_nano if lost else nano, None if lost else (5, 1, 3), unconfirmed=lost)
            one = record(
                team, NOW, number, attempts=(tried,), saved_nano_usd=0, unconfirmed_nano_usd=held_nano if lost else 0
            )
            note = Note(
                key=one.key, model="small", kind=one.kind, language="en", tags=(), nano_usd=held_nano,
                request_id=one.request_id,
            )  # fmt: skip
            hold = name_hold(one.request_id, 1)
            held = await desk.ledger.reserve(
                hold,
                team,
                lambda _: (account,),
                amounts(held_nano),
                lease_ms=DAY,
                note=msgspec.json.encode(note).decode(),
            )
            assert isinstance(held, Reservation)
            actual = held.held if lost else amounts(nano)
            ending = Ending.UNCONFIRMED if lost else Ending.SETTLED
            await desk.ledger.close(held, ending, actual, written(one, counted=True))
            if lost:
                unsure_ids.append(hold)
        for hold in unsure_ids[::2]:
            await Reconciler(desk.ledger).end(team, hold, dice.choice([None, dice.randrange(10**9)]))
        [standing] = await desk.ledger.peek(team, [account])
        total, _ = await desk.records.usage(since_ms=0, until_ms=1 << 52, group_by="team")
        rolled = await desk.records.rollup([team], NOW - DAY, NOW + DAY)
        found, _ = await desk.records.query(team=team)
        assert len(found) == 60
        sums = [sum(getattr(one, field) for one in found) for field in ("nano_usd", "unconfirmed_nano_usd")]
        assert sums == [total.nano_usd, total.unconfirmed_nano_usd]
        assert standing.spent == total.nano_usd == rolled.total.nano_usd > 0
        assert rolled.total == total
        # What an operator settled is laid over a record also when its details are gone.
        await desk.client.delete(names.details(team))
        bare, _ = await desk.records.query(team=team)
        assert [(one.nano_usd, one.unconfirmed_nano_usd, one.router) for one in bare] == [
            (one.nano_usd, one.unconfirmed_nano_usd, None) for one in found
        ]

    run(main)
