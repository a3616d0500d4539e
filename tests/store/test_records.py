"""Records and sums: every request once, found by what one asks for, and added up by every group."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any

import msgspec
import pytest

from router.core.filters import Filters
from router.core.record import Sums, began_ms, request_id
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import Client, connect
from router.store.ledger import Ending
from router.store.records import GROUPS, written
from router.store.totals import HOUR_MS, LOOK_BACK_DAYS, Note
from tests.store.conftest import Run
from tests.store.desk import NOW, Desk, asked, attempt, record, unsure
from tests.store.making import DAY, amounts, calendar, sums_at


def test_a_request_id_sorts_by_its_time_and_tells_it() -> None:
    dice = random.Random(1)
    times = sorted(dice.randrange(1 << 48) for _ in range(200))
    ids = [request_id(at_ms, dice.randbytes(10)) for at_ms in times]
    assert ids == sorted(ids)
    assert [began_ms(name) for name in ids] == times
    assert {len(name) for name in ids} == {30}
    assert request_id(NOW, b"\0" * 10) != request_id(NOW, b"\0" * 9 + b"\1")


@pytest.mark.parametrize("name", ["", "req_", "req_" + "u" * 26, "req_" + "0" * 25, "chatcmpl-1", "req_" + "0" * 27])
def test_an_id_that_is_not_ours_tells_no_time(name: str) -> None:
    assert began_ms(name) is None


def test_records_are_filtered_and_newest_come_first(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team, f"{team}-2").open()
        for index in range(12):
            one = record(
                team if index % 4 else f"{team}-2",
                NOW,
                index,
                key=f"k{index % 2}",
                model=("large", "small")[index % 3 > 0],
            )
            await desk.put(one, f"{NOW + index}-0")
        every, _ = await desk.records.query()
        assert [began_ms(one.request_id) for one in every] == [NOW] * 12
        ids = [one.request_id for one in every]
        assert ids == sorted(ids, reverse=True)

        async def found(**filters: Any) -> list[int]:
            return [ids.index(one.request_id) for one in (await desk.records.query(**asked(filters)))[0]]

        assert await found(team=f"{team}-2") == [3, 7, 11]
        assert await found(key="k0") == [1, 3, 5, 7, 9, 11]
        assert await found(model="large") == [2, 5, 8, 11]
        assert await found(key="k0", model="large", team=team) == [5]
        assert await found(since_ms=NOW + 9) == [0, 1, 2]
        assert await found(until_ms=NOW + 2) == [10, 11]
        assert await found(since_ms=NOW + 3, until_ms=NOW + 5) == [7, 8]
        assert await found(until_ms=0) == await found(team="nobody") == []
        assert len(await found(since_ms=-1)) == 12

    run(main)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_over_several_teams_lose_nothing_and_repeat_nothing(run: Run, team: str, limit: int) -> None:
    """Streams of several teams may hold the same instant."""

    async def main(client: Client) -> None:
        teams = [f"{team}-{index}" for index in range(4)]
        desk, dice = await Desk(client, *teams).open(), random.Random(limit)
        written_ids = []
        for name in teams:
            places = sorted(dice.sample([(ms, number) for ms in range(8) for number in range(3)], 15))
            for index, (ms, number) in enumerate(places):
                one = record(name, NOW, index, key=f"k{index % 2}")
                await desk.put(one, f"{NOW + ms}-{number}")
                written_ids.append(f"{name} {one.request_id}")
        pages = await desk.pages(limit)
        assert sorted(one for page in pages for one in page) == sorted(written_ids)
        assert all(len(page) <= max(limit, len(teams)) for page in pages)
        if limit >= len(teams):
            assert all(len(page) <= limit for page in pages)
        assert sum(map(len, await desk.pages(limit, key="k0"))) == 8 * 4

    run(main)


MIXED: dict[str, list[Any]] = {
    "key": ["k1", "k2"], "model": ["small", "large", None], "kind": ["code", "chat"], "language": ["en", "fr"],
    "tags": [(), ("a",), ("a", "b")], "status": [200, 402, 429, 503],
    "code": [None, "budget_exceeded", "rate_limit_exceeded", "upstream_unavailable"],
}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_what_is_asked_for_is_found_wherever_it_is_and_nothing_else(run: Run, team: str, seed: int) -> None:
    """Over many days: the sums of most say that there is nothing to find, of some nothing is known any more."""

    async def main(client: Any) -> None:
        teams, dice = [f"{team}-{index}" for index in range(3)], random.Random(seed)
        desk = await Desk(client, *teams).open()
        every = []
        for index, age in enumerate(sorted((dice.randrange(30 * 24) for _ in range(80)), reverse=True)):
            fields = {name: dice.choice(values) for name, values in MIXED.items()}
            one = record(dice.choice(teams), NOW - age * HOUR_MS, index, **fields)
            write = written(one, counted=one.status == 200)
            await desk.ledger.record(one.team, one.request_id, write)
            late_ms = dice.randrange(1_200_000)
            every.append((one.at_ms + late_ms, index, one))
        for name in teams:
            await client.delete(names.records(name), names.details(name))
        for ms, index, one in sorted(every, key=lambda entry: entry[:2]):
            await desk.put(one, f"{ms}-{index}")
        for day in dice.sample(range(2, 30), 5):  # no sums end before the day after
            await client.delete(names.day_sums(teams[0], NOW // DAY - day))
        for _ in range(25):
            names_ = dice.sample(list(MIXED), dice.randrange(1, 4))
            wanted = {"tag" if name == "tags" else name: dice.choice(MIXED[name]) for name in names_}
            wanted = {name: value or None for name, value in wanted.items()}
            wanted["tag"] = dice.choice(["a", "b", None]) if "tag" in wanted else None
            wanted["statuses"] = dice.choice([None, None, 2, 4])
            filters = Filters(**wanted)
            expected = {f"{one.team} {one.request_id}" for _, _, one in every if filters.match(one)}
            pages = await desk.pages(dice.choice([1, 3, 100]), **wanted)
            assert sorted(one for page in pages for one in page) == sorted(expected), wanted

    run(main)


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("until_days", [0, 6, LOOK_BACK_DAYS + 50])
def test_what_is_older_than_any_sums_is_looked_through(run: Run, team: str, limit: int, until_days: int) -> None:
    async def main(client: Any) -> None:
        teams = [f"{team}-{index}" for index in range(3)]
        desk = await Desk(client, *teams).open()
        ages = [LOOK_BACK_DAYS + 100, LOOK_BACK_DAYS + 1, LOOK_BACK_DAYS, LOOK_BACK_DAYS - 1, 30, 9, 8, 7, 1, 0]
        expected = []
        for index, age in enumerate(ages):
            one = record(teams[index % 3], NOW - age * DAY, index, key=f"k{index % 2}")
            await desk.put(one, f"{one.at_ms}-{index}")
            if age >= LOOK_BACK_DAYS - 1:
                await client.delete(names.day_sums(one.team, one.at_ms // DAY))
            if one.key == "k1" and age > until_days:
                expected.append(f"{one.team} {one.request_id}")
        pages = await desk.pages(limit, key="k1", until_ms=NOW - until_days * DAY)
        assert [one for page in pages for one in page] == expected[::-1]

    run(main)


def test_a_record_is_found_by_its_id_with_the_apps_verdict(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team, f"{team}-2").open()
        seconds, _ = await desk.client.time()
        ones = [record(team, seconds * 1000 - 100, index) for index in range(250)]
        for one in ones:
            await desk.put(one)
        wanted = ones[-1]
        await desk.records.note_feedback(team, wanted.request_id, {"good": 1.0})
        for where in (team, None):
            found = await desk.records.find(wanted.request_id, where)
            assert found is not None
            assert (found.request_id, found.feedback) == (wanted.request_id, {"good": 1.0})
        assert (await desk.records.query(team=team, limit=1))[0][0].feedback == {"good": 1.0}
        assert await desk.records.find(wanted.request_id, f"{team}-2") is None
        assert await desk.records.find(request_id(0, b"\0" * 10)) is None
        assert await desk.records.find("not one of ours") is None

    run(main)


@pytest.mark.parametrize("late_ms", [-50_000, 0, 1_200_000])
def test_a_record_is_found_though_clocks_differ_and_ends_come_late(run: Run, team: str, late_ms: int) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        one = record(team)
        await desk.put(one, f"{NOW + late_ms}-0")
        assert await desk.records.find(one.request_id) == one

    run(main)


EXPECTED: dict[str, dict[str, tuple[int, int, int, int]]] = {
    # group: (requests, nano_usd, input tokens, unconfirmed nano_usd)
    "team": {"T": (3, 1_228, 40, 900), "T-2": (1, 8, 5, 0)},
    "key": {"k1": (2, 1_000, 10, 900), "k2": (1, 228, 30, 0), "k9": (1, 8, 5, 0)},
    "model": {"small": (2, 206, 25, 0), "large": (2, 1_030, 20, 900)},
    "tag": {"web": (2, 1_128, 30, 900), "batch": (1, 228, 30, 0)},
    "kind": {"code": (2, 1_000, 10, 900), "chat": (2, 236, 35, 0)},
    "language": {"en": (3, 1_008, 15, 900), "fr": (1, 228, 30, 0)},
    "day": {"2026-10-24": (3, 1_008, 15, 900), "2026-10-23": (1, 228, 30, 0)},
}


@pytest.mark.parametrize("group_by", GROUPS)
def test_usage_adds_up_by_every_group(run: Run, team: str, group_by: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team, f"{team}-2").open()
        await desk.put(record(team, NOW, 1, attempts=(attempt("small", 100, (10, 0, 3)),)))
        # The second model answered; the first one's tokens were charged, and stand under its own name.
        two = (attempt("small", 98, (10, 2, 1)), attempt("large", 130, (20, 4, 5)))
        await desk.put(
            record(
                team,
                NOW - DAY,
                2,
                attempts=two,
                key="k2",
                kind="chat",
                language="fr",
                tags=("web", "batch"),
                model="large",
            )
        )
        await desk.put(record(f"{team}-2", NOW, 3, attempts=(attempt("small", 8, (5, 0, 1)),), key="k9", kind="chat"))
        # One whose usage never came: its request counts, its money stands in the ledger until it is known.
        note = Note(key="k1", model="large", kind="code", language="en", tags=("web",), nano_usd=900, request_id="r")
        await unsure(desk, team, note)
        # A refusal held nothing.
        await desk.put(record(team, NOW, 9, status=402), counted=False)
        total, groups = await desk.records.usage(since_ms=0, until_ms=1 << 52, group_by=group_by)
        expected = {
            key.replace("T", team) if group_by == "team" else key: row for key, row in EXPECTED[group_by].items()
        }
        assert {key: _row(sums) for key, sums in groups.items()} == expected
        assert _row(total) == (4, 1_236, 45, 900)
        assert (total.cached_tokens, total.output_tokens, total.saved_nano_usd) == (6, 10, 20)

    run(main)


def _row(sums: Sums) -> tuple[int, int, int, int]:
    return sums.requests, sums.nano_usd, sums.input_tokens, sums.unconfirmed_nano_usd


def test_usage_is_read_for_one_team_and_between_two_hours(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team, f"{team}-2").open()
        for hour in range(5):
            for name in desk.teams:
                one = record(name, NOW - hour * HOUR_MS, hour, attempts=(attempt("small", 10**hour, (1, 0, 0)),))
                await desk.put(one)

        async def nano(since_ms: int, until_ms: int, **more: Any) -> int:
            return (await desk.records.usage(since_ms=since_ms, until_ms=until_ms, group_by="team", **more))[0].nano_usd

        assert await nano(0, 1 << 52) == 2 * 11_111
        assert await nano(0, 1 << 52, team=team) == 11_111
        assert await nano(NOW - 2 * HOUR_MS, NOW, team=team) == 110
        assert await nano(NOW - 2 * HOUR_MS + 1, NOW + 1, team=team) == 111  # the hours that it touches
        assert await nano(NOW, NOW, team=team) == 0

    run(main)


def test_a_hold_that_tells_nothing_of_itself_does_not_stop_the_sums(run: Run, team: str) -> None:
    """The store lost it, or was away when the request was admitted."""

    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        held = desk.ledger.unheld("u#1", team, (calendar(10_000),), amounts(900))
        assert await desk.ledger.close(held, Ending.UNCONFIRMED, held.held)
        total, _ = await desk.records.usage(since_ms=0, until_ms=1 << 52, group_by="team")
        assert total.nano_usd == 0

    run(main)


def test_a_team_keeps_its_newest_records(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = await Desk(client, team).open()
        ledger = desk.ledger
        for index in range(400):
            tried = (attempt("small", 9, (1, 0, 1)),)
            one = written(record(team, NOW, index, attempts=tried), counted=True)
            bounded = msgspec.structs.replace(one, hour=1, sums={"r": (1,)}, kept=100, details_kept=20)
            await ledger.record(team, f"q{index}", bounded)
        kept = await client.xlen(names.records(team))
        assert 100 <= kept < 250
        assert await sums_at(client, team) == {"r": [400]}
        assert 20 <= await client.xlen(names.details(team)) < 100
        page, _ = await desk.records.query(team=team, limit=1_000)
        assert [one.router is not None for one in page] == sorted(
            (one.router is not None for one in page), reverse=True
        )
        assert (page[0].router, page[-1].router) == (record(team, attempts=tried).router, None)
        assert {one.nano_usd for one in page} == {9}

    run(main)


def test_a_store_that_is_away_is_told_as_such() -> None:
    async def main() -> None:
        client = connect(f"unix:///nowhere-{uuid.uuid4().hex}.sock")
        desk = Desk(client, "team")
        for question in (
            desk.records.query(team="team"),
            desk.records.find(request_id(NOW, b"0123456789"), "team"),
            desk.records.usage(since_ms=NOW - 1, until_ms=NOW, group_by="team", team="team"),
            desk.records.note_feedback("team", request_id(NOW, b"0123456789"), {}),
        ):
            with pytest.raises(StoreUnavailable):
                await question
        await client.aclose()

    asyncio.run(main())
