"""Reserve: hold an upper bound on every account, all or nothing, and say honestly why not."""

from __future__ import annotations

import pytest

from router.core.charges import Account, Amounts, Denial, Kind, Measure, Owner, Standing, accounts_of, calendar_window
from router.core.policy import Budget, Limit, Policy, Scope
from router.errors import StoreUnavailable
from router.store.connect import Client, Door
from router.store.ledger import Ledger, Reservation
from tests.store.conftest import Run
from tests.store.making import DAY, HOUR, MIDNIGHT, MINUTE, Till, amounts, calendar, gauge, ring

TOKENS = Measure.TOKENS


def test_a_reservation_holds_its_amount_on_every_account(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), ring(900, name="tokens", measure=TOKENS), gauge(2))
        held = await till.hold("q#1", amounts(40, tokens=500), *accounts)
        assert [(s.spent, s.held, s.remaining, s.reset_ms) for s in held.standings] == [
            (0, 0, 60, 14 * HOUR),
            (0, 0, 4, MINUTE + 5_000),
            (0, 0, 400, MINUTE + 5_000),
            (0, 0, 1, 0),
        ]
        assert [await till.stands(account) for account in accounts] == [(0, 40), (1, 0), (500, 0), (0, 1)]

    run(main)


def test_a_repeated_reservation_returns_the_granted_view_and_charges_nothing(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(1), gauge(1))
        first = await till.hold("q#1", amounts(90), *accounts, digest="d")
        state = await till.state()
        till.now_ms += 6_000  # in a later bucket: what is held stays in its own
        again = await till.hold("q#1", amounts(90), *accounts, digest="d")
        assert again.entries == first.entries
        assert [(s.remaining, s.held) for s in again.standings] == [(10, 90), (0, 0), (0, 1)]
        assert await till.state() == state

    run(main)


def test_the_same_id_for_something_else_is_refused(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        await till.hold("q#1", amounts(40), calendar(100), digest="one")
        state = await till.state()
        with pytest.raises(StoreUnavailable, match="q#1"):
            await till.ask("q#1", amounts(40), calendar(100), digest="two")
        assert await till.state() == state

    run(main)


@pytest.mark.parametrize("end", ["settle", "void", "lose"])
def test_an_ended_reservation_can_not_be_taken_again(run: Run, team: str, end: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        held = await till.hold("q#1", amounts(40), calendar(100))
        await (till.settle(held, amounts(40)) if end == "settle" else getattr(till, end)(held))
        state = await till.state()
        with pytest.raises(StoreUnavailable, match="q#1"):
            await till.ask("q#1", amounts(40), calendar(100))
        assert await till.state() == state

    run(main)


def test_a_refusal_changes_nothing_on_any_account(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        await till.hold("q#1", amounts(40), calendar(100), ring(5), gauge(1))
        state = await till.state()
        till.now_ms += 7_000
        denial = await till.refused("q#2", amounts(40), calendar(100), ring(5), gauge(1))
        assert denial.standing.account.kind is Kind.GAUGE
        assert await till.state() == state

    run(main)


def test_of_several_refusals_the_longest_wait_is_told(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        hour = calendar(50, name="hour", begin=MIDNIGHT + 10 * HOUR, length=HOUR)
        day = calendar(60, name="day")
        await till.hold("q#1", amounts(50), hour, day, ring(1), gauge(1))
        assert (await till.refused("q#2", amounts(1), gauge(1), ring(1), hour)).retry_after_ms == HOUR
        denial = await till.refused("q#2", amounts(11), gauge(1), ring(1), day, hour)
        assert (denial.standing.account.name, denial.retry_after_ms, denial.asked) == ("day", 14 * HOUR, 11)
        # A wait that never ends is longer than any other.
        denial = await till.refused("q#2", amounts(11), day, calendar(10, name="small"), hour)
        assert (denial.standing.account.name, denial.retry_after_ms) == ("small", None)

    run(main)


@pytest.mark.parametrize("account", [calendar(99), ring(99, measure=Measure.USD), gauge(0)], ids=lambda a: a.kind.name)
def test_what_is_larger_than_the_limit_never_fits(run: Run, team: str, account: Account) -> None:
    async def main(client: Client) -> None:
        assert (await Till(client, team).refused("q#1", amounts(100), account)).retry_after_ms is None

    run(main)


def test_a_total_that_is_spent_never_renews(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        begin, end = calendar_window("total", "UTC", till.now_ms)
        total = calendar(100, begin=begin, length=end - begin)
        held = await till.hold("q#1", amounts(100), total)
        assert held.standings[0].reset_ms == -1
        assert (await till.refused("q#2", amounts(1), total)).retry_after_ms is None

    run(main)


def test_a_ring_frees_its_place_exactly_when_it_said(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team, MIDNIGHT + 4_999)  # the last millisecond of a bucket
        await till.hold("q#1", amounts(), ring(1))
        denial = await till.refused("q#2", amounts(), ring(1))
        assert denial.retry_after_ms == MINUTE + 1
        till.now_ms += MINUTE
        assert (await till.refused("q#2", amounts(), ring(1))).retry_after_ms == 1
        till.now_ms += 1
        await till.hold("q#2", amounts(), ring(1))

    run(main)


def test_a_calendar_window_ends_on_the_millisecond(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team, MIDNIGHT + DAY - 1)
        await till.hold("q#1", amounts(100), calendar(100))
        assert (await till.refused("q#2", amounts(1), calendar(100))).retry_after_ms == 1
        till.now_ms += 1
        await till.hold("q#2", amounts(100), calendar(100, begin=MIDNIGHT + DAY))

    run(main)


@pytest.mark.parametrize("skew_ms", [-DAY, DAY, -11 * HOUR, 15 * HOUR])
def test_a_router_whose_clock_is_off_asks_once_more_for_the_window_of_now(run: Run, team: str, skew_ms: int) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        asked_at: list[int] = []

        def accounts(now_ms: int) -> tuple[Account, ...]:
            router_ms = now_ms + (0 if asked_at else skew_ms)
            asked_at.append(router_ms)
            begin, end = calendar_window("day", "UTC", router_ms)
            return (calendar(100, begin=begin, length=end - begin),)

        held = await till.ledger.reserve("q#1", team, accounts, amounts(40), lease_ms=MINUTE)
        assert isinstance(held, Reservation)
        assert asked_at == [till.now_ms + skew_ms, till.now_ms]
        assert held.accounts[0].begin == MIDNIGHT
        assert await till.stands(calendar(100)) == (0, 40)

    run(main)


def test_a_router_that_keeps_naming_another_window_is_refused(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        with pytest.raises(StoreUnavailable):
            await till.ask("q#1", amounts(1), calendar(100, begin=MIDNIGHT + DAY))
        assert await till.state() == {b"leases": []}

    run(main)


def test_a_clock_that_is_set_back_opens_no_used_up_window(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team, MIDNIGHT + DAY + 1)
        tomorrow = calendar(100, begin=MIDNIGHT + DAY)
        await till.hold("q#1", amounts(100), tomorrow, ring(1))
        till.now_ms -= HOUR  # yesterday again
        assert (await till.refused("q#2", amounts(0), ring(1))).now_ms == MIDNIGHT + DAY + 1
        assert (await till.refused("q#2", amounts(1), tomorrow)).now_ms == MIDNIGHT + DAY + 1
        with pytest.raises(StoreUnavailable):
            await till.ask("q#2", amounts(1), calendar(100))

    run(main)


def test_amounts_beyond_a_double_written_in_decimals_stay_exact(run: Run, team: str) -> None:
    """`tostring` would write 9e+14 for 900000000000001; the largest limit is 4,000,000 USD in nano."""

    async def main(client: Client) -> None:
        till = Till(client, team)
        limit, first = 4_000_000 * 10**9, 3_999_999_999_999_997
        held = await till.hold("q#1", amounts(first), calendar(limit))
        assert held.standings[0].remaining == 3
        assert (await till.refused("q#2", amounts(4), calendar(limit))).standing.held == first
        await till.hold("q#3", amounts(3), calendar(limit))
        await till.settle(held, amounts(first - 1))
        assert await till.stands(calendar(limit)) == (first - 1, 3)
        # What overshoots goes on being counted exactly, up to 2^53.
        late = await till.hold("q#4", amounts(1), calendar(limit))
        await till.settle(late, amounts(2**53 - 1 - first + 1 - 3))
        assert await till.stands(calendar(limit)) == (2**53 - 1 - 3, 3)

    run(main)


@pytest.mark.parametrize("shadow", [False, True])
def test_a_rule_that_is_not_hard_counts_and_never_refuses(run: Run, team: str, shadow: bool) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        mild = {"enforced": False, "shadow": shadow}
        accounts = (calendar(10, **mild), ring(1, **mild), gauge(0, **mild))
        for index in range(3):
            held = await till.hold(f"q{index}#1", amounts(100), *accounts)
        assert [(s.account.limit, s.spent, s.held, s.remaining) for s in held.standings] == [
            (10, 0, 200, -290),
            (1, 2, 0, -2),
            (0, 0, 2, -3),
        ]

    run(main)


def test_a_zone_has_an_account_of_its_own(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        owner = Owner(team=team, key="k", model="m")

        def accounts(zone: str) -> tuple[Account, ...]:
            budget = Budget(scope=Scope.TEAM, usd="0.000000100", window="day", zone=zone)
            return accounts_of(Policy(team=team, budgets=(budget,)), owner, till.now_ms)

        await till.hold("q#1", amounts(100), *accounts("UTC"))
        held = await till.hold("q#2", amounts(60), *accounts("Europe/Paris"))
        assert held.standings[0].held == 0
        assert await till.stands(accounts("UTC")[0]) == (0, 100)

    run(main)


def test_two_rules_about_one_account_count_it_once(run: Run, team: str) -> None:
    """A rule for every key and one for this key name the same account; twice in a vector, it would be charged twice."""

    async def main(client: Client) -> None:
        till = Till(client, team)
        limits = (Limit(scope=Scope.KEY, requests_per_minute=9), Limit(scope=Scope.KEY, id="k", requests_per_minute=2))
        vector = accounts_of(Policy(team=team, limits=limits), Owner(team=team, key="k", model="m"), till.now_ms)
        held = await till.hold("q#1", amounts(), *vector)
        await till.hold("q#2", amounts(), *vector)
        assert (await till.refused("q#3", amounts(), *vector)).standing.account.limit == 2
        await till.settle(held, amounts())
        assert await till.stands(ring(2, name="key:k:requests")) == (2, 0)

    run(main)


def test_a_policy_without_rules_reserves_on_nothing(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        held = await till.hold("q#1", amounts(40))
        assert await till.settle(held, amounts(40))
        assert not await till.settle(held, amounts(40))

    run(main)


def test_teams_do_not_see_each_other(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        one, other = Till(client, team), Till(client, f"{team}-2")
        await one.hold("q#1", amounts(100), calendar(100))
        await other.hold("q#1", amounts(100), calendar(100))
        assert (await other.refused("q#2", amounts(1), calendar(100))).standing.held == 100

    run(main)


def test_the_real_clock_is_the_stores_own(run: Run, team: str) -> None:
    """Without the test build the router's clock only chooses the window."""

    async def main(client: Client) -> None:
        ledger = Ledger(Door(client, deadline_s=60.0), lambda: 0.0)
        seconds, micros = await client.time()
        held = await ledger.reserve("q#1", team, _today, amounts(1), lease_ms=MINUTE)
        assert isinstance(held, Reservation)
        assert held.accounts[0].begin <= seconds * 1000 + micros // 1000 < held.accounts[0].end
        [standing] = await ledger.peek(team, held.accounts)
        assert standing == Standing(account=held.accounts[0], remaining=99, reset_ms=standing.reset_ms, spent=0, held=1)
        assert isinstance(await ledger.reserve("q#2", team, _today, amounts(100), lease_ms=MINUTE), Denial)

    run(main)


def _today(now_ms: int) -> tuple[Account, ...]:
    begin, end = calendar_window("day", "UTC", now_ms)
    return (calendar(100, begin=begin, length=end - begin),)


def test_amounts_fall_on_the_account_that_measures_them() -> None:
    wanted = Amounts(nano=1, tokens=2, requests=3, concurrency=4)
    assert [wanted.on(a) for a in (calendar(0), ring(0, measure=TOKENS), ring(0), gauge(0))] == [1, 2, 3, 4]
