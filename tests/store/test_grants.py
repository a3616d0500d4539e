"""Grants in the store: none is lost when operators act at once, what is revoked stays so, nothing is kept for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from router.core.grants import Grant
from router.core.policy import Scope
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import Client, connect
from router.store.grants import GRANTS_MAX, GrantBook, Regranted, TooManyGrants
from tests.store.conftest import Run

NOW = 4_000_000_000.0


def grant(name: str, **fields: Any) -> Grant:
    given = {"id": name, "team": "t", "nano": 5, "scope": Scope.TEAM, "since": NOW, "until": NOW + 60, "reason": "x"}
    return Grant(**{"by": "me", **given, **fields})


@pytest.fixture
def now() -> list[float]:
    return [NOW]


def test_operators_who_act_at_the_same_time_undo_nothing_of_each_other(run: Run, now: list[float]) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.GRANTS)
        books = [GrantBook(client, lambda: now[0]) for _ in range(6)]
        await asyncio.gather(*(book.give(grant(f"g{index}")) for index, book in enumerate(books)))
        assert sorted(one.id for one in await books[0].read()) == [f"g{index}" for index in range(6)]
        await asyncio.gather(books[0].revoke("t", "g1"), books[1].give(grant("g6")), books[2].give(grant("g6")))
        found = {one.id: one for one in await books[3].read()}
        assert len(found) == 7
        assert found["g1"].revoked_at == NOW
        assert books[3].of("t") == tuple(found.values())
        assert books[3].of("other") == ()

    run(main)


def test_a_revoked_grant_stays_revoked_and_one_that_has_ended_is_gone(run: Run, now: list[float]) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.GRANTS)
        book = GrantBook(client, lambda: now[0])
        await book.give(grant("a"))
        await book.give(grant("b", until=NOW + 10))
        assert await client.pexpiretime(names.GRANTS) == (NOW + 120) * 1000, "a minute after the last has ended"
        first = await book.revoke("t", "a")
        now[0] += 1
        assert first == await book.revoke("t", "a"), "a second time changes nothing"
        assert await book.revoke("other", "b") is None
        now[0] += 10
        assert await book.revoke("t", "b") is None
        assert [one.id for one in await book.read()] == ["a"]
        await client.delete(names.GRANTS)

    run(main)


def test_a_backup_brings_back_what_is_missing_and_never_what_was_revoked(run: Run, now: list[float]) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.GRANTS)
        book = GrantBook(client, lambda: now[0])
        assert await book.restore(grant("a")) is Regranted.RESTORED
        assert await book.restore(grant("a")) is Regranted.KEPT
        assert await book.restore(grant("a", revoked_at=NOW)) is Regranted.REVOKED
        assert await book.restore(grant("a")) is Regranted.KEPT
        assert await book.restore(grant("old", until=NOW)) is Regranted.OVER
        assert [(one.id, one.revoked_at) for one in await book.read()] == [("a", NOW)]
        await client.delete(names.GRANTS)

    run(main)


def test_there_is_a_bound_and_without_a_store_nothing_is_granted(run: Run, now: list[float]) -> None:
    async def main(client: Client) -> None:
        many = [msgspec.to_builtins(grant(f"g{index}")) for index in range(GRANTS_MAX)]
        await client.set(names.GRANTS, msgspec.json.encode({"grants": many}))
        book = GrantBook(client, lambda: now[0])
        await book.give(grant("g0"))
        with pytest.raises(TooManyGrants):
            await book.give(grant("one more"))
        await client.delete(names.GRANTS)

    async def away() -> None:
        client = connect("redis://127.0.0.1:9")
        try:
            with pytest.raises(StoreUnavailable):
                await GrantBook(client).give(grant("a"))
        finally:
            await client.aclose()

    run(main)
    asyncio.run(away())
