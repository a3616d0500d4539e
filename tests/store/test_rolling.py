"""A limit a minute under pressure: never more in any sixty seconds, and hardly less."""

from __future__ import annotations

import random

import pytest

from router.core.charges import Denial
from router.store.connect import Client
from tests.store.conftest import Run
from tests.store.making import MINUTE, Till, amounts, ring

LIMIT = 20
# The oldest of thirteen five-second buckets counts whole until all of it has passed.
BUCKET = MINUTE // 12


@pytest.mark.parametrize("late_ms", [0, 1, 2_300, 4_999])
def test_under_pressure_no_minute_has_more_and_no_65_seconds_less(run: Run, team: str, late_ms: int) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        till.now_ms += late_ms
        began, admitted = till.now_ms, list[int]()
        while till.now_ms < began + 20 * MINUTE:
            held = await till.ask(f"q{len(admitted)}-{till.now_ms}#1", amounts(1), ring(LIMIT))
            if isinstance(held, Denial):
                assert held.retry_after_ms is not None
                till.now_ms += held.retry_after_ms  # whoever asks all the time is heard at that very moment
            else:
                admitted.append(till.now_ms)
                await till.settle(held, amounts(1))
        for at_ms in admitted:
            assert sum(at_ms - MINUTE < other <= at_ms for other in admitted) <= LIMIT
        for at_ms in range(began, began + 18 * MINUTE, 499):
            assert sum(at_ms <= other <= at_ms + MINUTE + BUCKET for other in admitted) >= LIMIT

    run(main)


def test_a_refusal_names_the_very_millisecond_from_which_it_would_be_granted(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        dice = random.Random(7)
        till, refused = Till(client, team), 0
        account = ring(1_000)
        while refused < 1_000:
            wanted = amounts(requests=dice.choice((1, 5, 40, 300)))
            held = await till.ask(f"q{till.now_ms}-{refused}#1", wanted, account)
            if not isinstance(held, Denial):
                await till.settle(held, wanted)
                till.now_ms += dice.randrange(1, 2_000)
                continue
            refused += 1
            assert held.retry_after_ms is not None
            at_ms, till.now_ms = till.now_ms, till.now_ms + held.retry_after_ms - 1
            await till.refused(f"early{refused}#1", wanted, account)
            till.now_ms += 1
            again = await till.hold(f"then{refused}#1", wanted, account)
            # Given back as if it had not been: another minute may pass before the next refusal.
            await till.settle(again, wanted)
            assert till.now_ms > at_ms

    run(main)
