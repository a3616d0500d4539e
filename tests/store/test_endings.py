"""How a hold ends: settled, voided or unconfirmed, once, whatever comes twice, late, or in the wrong order."""

from __future__ import annotations

import pytest

from router.core.charges import Denial
from router.store import names
from router.store.connect import Client
from router.store.ledger import Ending, Reservation
from tests.store.conftest import Run
from tests.store.making import DAY, HOUR, MIDNIGHT, MINUTE, Till, amounts, calendar, gauge, ring, write

TOMBSTONE_MS = 600_000


def test_settling_replaces_the_hold_by_what_really_was(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(2))
        held = await till.hold("q#1", amounts(40), *accounts)
        assert await till.settle(held, amounts(25))
        assert [await till.stands(account) for account in accounts] == [(25, 0), (1, 0), (0, 0)]

    run(main)


def test_more_than_was_held_is_charged_in_full_and_stops_the_next(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        await till.settle(await till.hold("q#1", amounts(40), calendar(100)), amounts(130))
        assert (await till.refused("q#2", amounts(1), calendar(100))).standing.remaining == -30

    run(main)


def test_voiding_gives_everything_back_but_the_place_in_the_minute(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(2))
        held = await till.hold("q#1", amounts(40), *accounts)
        assert await till.ledger.close(held, Ending.VOIDED, amounts(0, requests=1))
        assert [await till.stands(account) for account in accounts] == [(0, 0), (1, 0), (0, 0)]
        held = await till.hold("q#2", amounts(40), *accounts)
        assert await till.void(held)
        assert [await till.stands(account) for account in accounts] == [(0, 0), (1, 0), (0, 0)]

    run(main)


@pytest.mark.parametrize("first", ["settle", "void"])
@pytest.mark.parametrize("second", ["settle", "void", "lose"])
def test_an_end_is_final(run: Run, team: str, first: str, second: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        held = await till.hold("q#1", amounts(40), calendar(100), gauge(1))

        async def end(how: str, nano: int) -> bool:
            return await (till.settle(held, amounts(nano)) if how == "settle" else getattr(till, how)(held))

        assert await end(first, 25)
        state = await till.state()
        assert not await end(second, 39)
        assert await till.state() == state

    run(main)


def test_an_unconfirmed_hold_keeps_its_charge_and_frees_its_place(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(1))
        held = await till.hold("q#1", amounts(40), *accounts, note="whose")
        assert await till.lose(held)
        assert not await till.lose(held)
        assert [await till.stands(account) for account in accounts] == [(40, 0), (1, 0), (0, 0)]
        [(name, found)] = (await till.ledger.unconfirmed(team)).items()
        assert (name, found.note, found.admitted_ms) == ("q#1", "whose", till.now_ms)

    run(main)


@pytest.mark.parametrize(("ending", "nano"), [(Ending.SETTLED, 15), (Ending.SETTLED, 70), (Ending.VOIDED, 0)])
def test_what_arrives_late_replaces_an_unconfirmed_charge(run: Run, team: str, ending: Ending, nano: int) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(1))
        held = await till.hold("q#1", amounts(40), *accounts, lease_ms=1_000)
        till.now_ms += 2 * HOUR
        assert list(await till.ledger.unconfirmed(team)) == ["q#1"]
        assert await till.ledger.close(held, ending, amounts(nano))
        assert [await till.stands(account) for account in accounts] == [(nano, 0), (0, 0), (0, 0)]
        assert await till.ledger.unconfirmed(team) == {}
        assert not await till.ledger.close(held, ending, amounts(nano))

    run(main)


def test_a_lease_ends_on_the_millisecond_and_frees_only_the_place(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        await till.hold("q#1", amounts(40), calendar(100), gauge(1), lease_ms=5_000)
        till.now_ms += 4_999
        assert (await till.refused("q#2", amounts(40), calendar(100), gauge(1))).standing.account.name == "concurrency"
        till.now_ms += 1
        held = await till.hold("q#2", amounts(40), calendar(100), gauge(1))
        assert (held.standings[0].spent, held.standings[0].remaining) == (40, 20)

    run(main)


def test_a_place_is_free_however_much_else_has_ended_before_it(run: Run, team: str) -> None:
    """Each call clears a few things that are due; the one place must not have to wait for its turn."""

    async def main(client: Client) -> None:
        till = Till(client, team)
        for index in range(100):
            await till.void(await till.hold(f"q{index}#1", amounts(1)))
        till.now_ms += 1
        await till.hold("last#1", amounts(1), gauge(1), lease_ms=TOMBSTONE_MS)
        till.now_ms += TOMBSTONE_MS
        await till.hold("next#1", amounts(1), gauge(1))

    run(main)


def test_a_renewed_lease_lives_on_and_an_ended_hold_is_not_revived(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        held = await till.hold("q#1", amounts(40), gauge(1), lease_ms=5_000)
        ended = await till.hold("q#2", amounts(40), calendar(100))
        await till.settle(ended, amounts(1))
        till.now_ms += 4_000
        assert await till.ledger.renew(team, ["q#1", "q#2", "unknown"], 5_000) == 1
        till.now_ms += 4_999
        await till.refused("q#3", amounts(1), gauge(1))
        till.now_ms += 1
        await till.hold("q#3", amounts(1), gauge(1))
        assert await till.settle(held, amounts(7))

    run(main)


def test_a_late_end_goes_to_the_window_of_its_admission(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team, MIDNIGHT + DAY - 1)
        today, tomorrow = calendar(100), calendar(100, begin=MIDNIGHT + DAY)
        settled, lost, old = [await till.hold(f"q{i}#1", amounts(30), today, lease_ms=9 * DAY) for i in range(3)]
        till.now_ms += 1
        await till.hold("new#1", amounts(50), tomorrow)
        await till.settle(settled, amounts(20))
        await till.lose(lost)
        numbers = (await till.state())[b"a:budget"]
        assert numbers == [MIDNIGHT + DAY, 0, 50, 0, MIDNIGHT, 20, 30, 30]
        # Two windows on, it is the record alone that tells of it.
        till.now_ms += DAY
        await till.hold("newer#1", amounts(1), calendar(100, begin=MIDNIGHT + 2 * DAY))
        assert await till.settle(old, amounts(20))
        assert (await till.state())[b"a:budget"] == [MIDNIGHT + 2 * DAY, 0, 1, 0, MIDNIGHT + DAY, 0, 0, 50]

    run(main)


def test_a_late_end_finds_its_bucket_or_nothing(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team, MIDNIGHT)
        tokens = ring(900, name="tokens", measure=ring(0).measure)
        first, second = [await till.hold(f"q{i}#1", amounts(requests=100), tokens) for i in range(2)]
        till.now_ms += MINUTE + 4_999  # the last instant of the window
        await till.settle(first, amounts(requests=30))
        assert await till.stands(tokens) == (130, 0)
        till.now_ms += 1
        await till.hold("q9#1", amounts(requests=7), tokens)
        await till.settle(second, amounts(requests=5))
        assert await till.stands(tokens) == (7, 0)

    run(main)


def test_the_bill_of_a_hold_that_the_store_lost_is_booked(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(1))
        held = await till.hold("q#1", amounts(40), *accounts)
        await client.delete(names.ledger(team), names.leases(team))
        assert await till.settle(held, amounts(25))
        assert not await till.settle(held, amounts(25))
        assert [await till.stands(account) for account in accounts] == [(25, 0), (1, 0), (0, 0)]

    run(main)


def test_what_was_served_while_the_store_was_away_is_booked(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), ring(5), gauge(1))
        held = till.ledger.unheld("q#1", team, accounts, amounts(40), note="whose")
        assert await till.lose(held, write(unsure=1))
        assert [await till.stands(account) for account in accounts] == [(40, 0), (1, 0), (0, 0)]
        assert (await till.ledger.unconfirmed(team))["q#1"].note == "whose"
        assert await till.settle(held, amounts(25))
        assert await till.stands(accounts[0]) == (25, 0)

    run(main)


def test_a_void_that_overtakes_its_reservation_keeps_it_out(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        given_up = till.ledger.unheld("q#1", team, (calendar(100), gauge(1)), amounts(40))
        assert await till.void(given_up)
        with pytest.raises(Exception, match="did not take reservation"):
            await till.ask("q#1", amounts(40), calendar(100), gauge(1))
        assert await till.stands(calendar(100)) == (0, 0)

    run(main)


def test_advancing_ends_one_hold_and_takes_the_freed_place(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        accounts = (calendar(100), gauge(1))
        first = await till.hold("q#1", amounts(90), *accounts)

        async def advance() -> Reservation | Denial:
            return await till.ledger.advance(
                first, Ending.SETTLED, amounts(5), "q#2", lambda _: accounts, amounts(95), lease_ms=MINUTE, note="n"
            )

        second = await advance()
        assert isinstance(second, Reservation)
        state = await till.state()
        assert isinstance(await advance(), Reservation)
        assert await till.state() == state
        assert await till.stands(accounts[0]) == (5, 95)
        assert await till.stands(accounts[1]) == (0, 1)

    run(main)


def test_advancing_ends_the_first_hold_also_when_the_next_is_refused(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        till = Till(client, team)
        first = await till.hold("q#1", amounts(90), calendar(100), gauge(1))
        denial = await till.ledger.advance(
            first, Ending.SETTLED, amounts(5), "q#2", lambda _: (calendar(100),), amounts(96), lease_ms=MINUTE
        )
        assert isinstance(denial, Denial)
        assert await till.stands(calendar(100)) == (5, 0)
        assert await till.stands(gauge(1)) == (0, 0)

    run(main)
