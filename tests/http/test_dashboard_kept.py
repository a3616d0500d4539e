"""What the dashboard keeps of sums that take long, and what it never keeps."""

from __future__ import annotations

import asyncio

import pytest

from router.api.dashboard.kept import FEW_TEAMS, OLDEST_S, SECONDS_A_TEAM, Kept

MANY = 100
MOMENT_S = MANY * SECONDS_A_TEAM


class Source:
    """Counts how often it is asked; answers once it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self) -> int:
        self.asked += 1
        answer = self.asked
        await self.may.wait()
        return answer


def test_few_teams_are_always_fresh() -> None:
    async def story() -> None:
        kept, source = Kept(lambda: 0.0), Source()
        assert [await kept.answer("q", FEW_TEAMS, source) for _ in range(3)] == [1, 2, 3]

    asyncio.run(story())


def test_many_are_kept_for_a_moment_then_told_once_more_while_they_are_added_up_anew() -> None:
    async def story() -> None:
        now = 0.0
        kept, source = Kept(lambda: now), Source()
        assert [await kept.answer("q", MANY, source) for _ in range(3)] == [1, 1, 1]
        now += MOMENT_S
        source.may.clear()
        assert await kept.answer("q", MANY, source) == 1
        await asyncio.sleep(0)
        assert await kept.answer("q", MANY, source) == 1
        assert source.asked == 2
        source.may.set()
        for _ in range(3):
            await asyncio.sleep(0)
        assert await kept.answer("q", MANY, source) == 2
        now += OLDEST_S
        assert await kept.answer("q", MANY, source) == 3, "too old to be told"
        assert await kept.answer("another", MANY, source) == 4

    asyncio.run(story())


def test_two_who_ask_at_once_wait_for_one_answer_and_a_failure_is_not_kept() -> None:
    async def fail() -> int:
        raise ValueError("away")

    async def story() -> None:
        kept, source = Kept(lambda: 0.0), Source()
        with pytest.raises(ValueError, match="away"):
            await kept.answer("q", MANY, fail)
        await asyncio.sleep(0)
        assert await asyncio.gather(*(kept.answer("q", MANY, source) for _ in range(3))) == [1, 1, 1]

    asyncio.run(story())
