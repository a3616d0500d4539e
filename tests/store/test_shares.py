"""Slices of budgets: reserved beforehand, spent while the store is away, and never both charged and given back."""

from __future__ import annotations

from typing import Any

from router.core.charges import Account
from router.core.shares import NANO_MAX, holds_at, leaves_enough, slice_nano
from router.store.journal import Journal
from router.store.leases import Leases
from router.store.settler import Settler
from router.store.shares import IDLE_S, SLICES_MAX, Shares
from tests.store.conftest import Run
from tests.store.making import DAY, MIDNIGHT, Till, amounts, calendar, gauge, ring

BUDGET = calendar(20_000)  # a slice of it has 100


class Desk:
    """A till's shares, with clocks that one sets."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.idle_s = 0.0
        self.leases = Leases(till.ledger)
        self.settler = Settler(lambda _: None, lambda: None)
        self.shares = Shares(
            till.ledger,
            self.leases,
            self.settler,
            Journal(None),
            lambda: (till.now_ms + 0.5) / 1000,
            lambda: self.idle_s,
        )

    def want(self, *accounts: Account) -> None:
        self.shares.want(self.till.team, lambda _: accounts)

    def draw(self, name: str, nano: int, *accounts: Account) -> bool:
        return self.shares.draw(name, self.till.team, lambda _: accounts, nano)


def test_the_size_of_a_slice() -> None:
    assert slice_nano([calendar(20_000)]) == 100
    assert slice_nano([calendar(20_000), calendar(200)]) == 1
    assert slice_nano([calendar(199)]) == 0
    assert slice_nano([calendar(10**15)]) == NANO_MAX


def test_a_calendar_window_that_has_passed_ends_its_slice() -> None:
    assert holds_at([BUDGET, ring(5), gauge(5)], MIDNIGHT)
    assert not holds_at([BUDGET], MIDNIGHT + DAY)


def test_a_slice_is_reserved_for_what_was_asked_for(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = Desk(till := Till(client, team))
        assert not desk.draw("a#1", 10, BUDGET)
        desk.want(BUDGET, gauge(3))
        assert not desk.draw("a#1", 10, BUDGET), "nothing is reserved yet"
        await desk.shares.look()
        assert await till.stands(BUDGET) == (0, 100)
        assert await till.stands(gauge(3)) == (0, 0), "only money is reserved"
        assert desk.draw("a#1", 60, BUDGET)
        assert not desk.draw("b#1", 60, BUDGET), "the slice has no more"
        assert not desk.draw("b#1", 1, calendar(20_000, name="another"))
        await desk.shares.look()
        assert await till.stands(BUDGET) == (0, 100)

    run(main)


def test_what_was_spent_is_charged_before_the_slice_is_given_back(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = Desk(till := Till(client, team))
        desk.want(BUDGET)
        await desk.shares.look()
        assert desk.draw("a#1", 60, BUDGET)
        unheld = till.ledger.unheld("a#1", team, (BUDGET,), amounts(60))
        desk.shares.end("a#1", 45)
        assert desk.draw("b#1", 55, BUDGET), "what was not used may be drawn again"
        desk.shares.end("b#1", 0)
        await desk.shares.look()
        assert await till.stands(BUDGET) == (0, 100), "until the charges are booked the slice stands for them"
        await till.settle(unheld, amounts(45))
        desk.shares.charged("a#1")
        desk.shares.charged("b#1")
        await desk.shares.look()
        assert await till.stands(BUDGET) == (45, 100), "a new slice, beside what was charged"

    run(main)


def test_a_slice_whose_lease_ran_out_is_given_back_all_the_same(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = Desk(till := Till(client, team))
        desk.want(BUDGET)
        await desk.shares.look()
        assert desk.draw("a#1", 60, BUDGET)
        till.now_ms += 3_600_000  # an hour without the store
        await till.hold("other#1", amounts(1), BUDGET)
        assert await till.stands(BUDGET) == (100, 1), "what nobody renewed counts as spent"
        desk.shares.end("a#1", 60)
        desk.shares.charged("a#1")
        await desk.shares.look()
        assert await till.stands(BUDGET) == (0, 101)

    run(main)


def test_near_the_end_of_a_budget_no_slice_is_kept(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = Desk(till := Till(client, team))
        await till.settle(await till.hold("much#1", amounts(19_100), BUDGET), amounts(19_100))
        desk.want(BUDGET)
        await desk.shares.look()
        assert await till.stands(BUDGET) == (19_100, 0)
        assert not desk.draw("a#1", 1, BUDGET)

    run(main)


def test_a_slice_does_not_outlive_its_window_nor_its_use(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = Desk(till := Till(client, team))
        today, tomorrow = BUDGET, calendar(20_000, begin=MIDNIGHT + DAY)
        desk.shares.want(team, lambda now_ms: (today if now_ms < MIDNIGHT + DAY else tomorrow,))
        await desk.shares.look()
        till.now_ms += DAY
        assert not desk.draw("a#1", 1, tomorrow), "yesterday's money does not pay today's request"
        await desk.shares.look()
        assert await till.stands(tomorrow) == (0, 100)
        assert desk.draw("a#1", 1, tomorrow)
        desk.shares.end("a#1", 1)
        desk.shares.charged("a#1")
        desk.idle_s += IDLE_S + 1
        await desk.shares.look()
        assert await till.stands(tomorrow) == (0, 0)

    run(main)


def test_so_many_slices_a_team_and_all_go_back_at_the_end(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        desk = Desk(till := Till(client, team))
        budgets = [calendar(20_000, name=f"budget{number}") for number in range(SLICES_MAX + 1)]
        for budget in budgets:
            desk.want(budget)
        await desk.shares.look()
        assert [await till.stands(budget) for budget in budgets] == [(0, 100)] * SLICES_MAX + [(0, 0)]
        desk.shares.give_back()
        assert await desk.settler.drain(30.0)
        assert [await till.stands(budget) for budget in budgets] == [(0, 0)] * (SLICES_MAX + 1)

    run(main)


def test_enough_is_a_twentieth_of_every_budget(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        till = Till(client, team)
        await till.hold("a#1", amounts(19_000), BUDGET)
        assert leaves_enough(await till.ledger.peek(team, [BUDGET]))
        await till.hold("b#1", amounts(1), BUDGET)
        assert not leaves_enough(await till.ledger.peek(team, [BUDGET]))

    run(main)
