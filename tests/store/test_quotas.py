"""Windows shared through a real store: every process hears what the others used and learned, and nothing piles up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from router.core.quotas import WINDOW_S, Learned, Share, Shares, Used, step_end
from router.errors import StoreUnavailable
from router.store import names
from router.store.connect import Client, connect
from router.store.quotas import SharedQuotas
from router.wire.rates import Rate
from tests.store.conftest import Run

ACCOUNT = "mistral#TEAM"
QUOTA = "mistral-small-2603@twin#TEAM"  # with every sign that a name can have


class Knows:
    """A process: what it has to tell, and what it heard last. Its clock began when it did."""

    def __init__(self, client: Client, now_s: float) -> None:
        self.now_s = now_s
        self.tells: Shares = {}
        self.heard: Shares = {}
        self.sharers = 0
        self.shared = SharedQuotas(client, lambda: self.now_s, deadline_s=30.0)

    def told(self, account: str) -> Shares:
        return self.tells

    def hear(self, account: str, told: Shares, heard: Shares, sharers: int) -> None:
        assert told is self.tells
        self.heard, self.sharers = heard, sharers

    async def exchange(self, *used: Used, learned: tuple[Learned, ...] = ()) -> None:
        self.tells = {QUOTA: Share(used=used, learned=learned)}
        await self.shared.exchange(ACCOUNT, self)

    def use(self, amount: int, rate: Rate = Rate.TOKENS, *, ago_s: float = 0.0) -> Used:
        return Used(rate=rate, end_s=step_end(self.now_s - ago_s), amount=amount)

    @property
    def sums(self) -> Mapping[Rate, int]:
        used = self.heard[QUOTA].used
        return {rate: sum(one.amount for one in used if one.rate is rate) for rate in Rate}


def test_every_process_hears_what_all_of_them_used(run: Run) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.quotas(ACCOUNT))
        one, other = Knows(client, 50.0), Knows(client, 9_000.0)
        await one.exchange(one.use(100), one.use(1, Rate.REQUESTS))
        await other.exchange(other.use(40), other.use(-10), other.use(5, ago_s=30))
        await one.exchange()
        for process in (one, other):
            assert process.sums == {Rate.TOKENS: 135, Rate.REQUESTS: 1}
            assert all(abs(used.end_s - process.now_s) <= 33 for used in process.heard[QUOTA].used), "by its own clock"
        assert one.sharers == 2
        await client.delete(names.quotas(ACCOUNT))

    run(main)


def test_the_newest_word_of_the_vendor_holds_for_all(run: Run) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.quotas(ACCOUNT))
        one, other = Knows(client, 50.0), Knows(client, 9_000.0)
        newer = Learned(rate=Rate.REQUESTS, limit=60, unknown=7, at_s=8_999.0)
        await other.exchange(learned=(newer,))
        older = Learned(rate=Rate.REQUESTS, limit=4, unknown=0, at_s=40.0)
        await one.exchange(learned=(older, Learned(rate=Rate.TOKENS, limit=9, unknown=0, at_s=50.0)))
        for process in (one, other):
            await process.exchange()
            words = {word.rate: word for word in process.heard[QUOTA].learned}
            assert (words[Rate.REQUESTS].limit, words[Rate.REQUESTS].unknown) == (60, 7)
            assert process.now_s - 30 <= words[Rate.REQUESTS].at_s <= process.now_s - 0.9
            assert words[Rate.TOKENS].limit == 9
        await client.delete(names.quotas(ACCOUNT))

    run(main)


def test_what_no_longer_counts_is_dropped_and_the_rest_ends_with_the_traffic(run: Run) -> None:
    async def main(client: Client) -> None:
        key = names.quotas(ACCOUNT)
        await client.delete(key)
        process = Knows(client, 500.0)
        await process.exchange(*(process.use(1, ago_s=second) for second in range(200)))
        counted = process.sums[Rate.TOKENS]
        assert WINDOW_S <= counted <= WINDOW_S + 4
        fields = await client.hlen(key)
        assert fields <= 33
        await client.hset(key, "p:dead", "1")
        await process.exchange()
        assert await client.hlen(key) <= fields, "a process that is gone leaves nothing"
        assert 0 < await client.pttl(key) <= 86_400_000
        await client.delete(key)

    run(main)


def test_without_a_store_it_is_told_again(run: Run) -> None:
    async def main() -> None:
        client = connect("redis://127.0.0.1:9")
        try:
            process = Knows(client, 500.0)
            with pytest.raises(StoreUnavailable):
                await process.exchange(process.use(1))
            assert process.sharers == 0, "nothing counts as delivered"
        finally:
            await client.aclose()

    asyncio.run(main())
