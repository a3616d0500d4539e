"""Attempts counted against each model's windows, and bulk that leaves room for those who wait."""

from __future__ import annotations

import collections
from fractions import Fraction

import msgspec
import pytest

from router.core.attempts import Outcome
from router.core.policy import Priority
from router.core.quotas import BULK_PERCENT, Share
from router.sim.windows import Limits
from router.sim.windows import Window as Vendor
from router.upstream.quotas import Draw, Quotas
from router.wire.usage import Usage
from tests.core.making import ask, plan
from tests.core.test_quotas import NOW, told

# --- Counting attempts ------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW

    def __call__(self) -> float:
        return self.now_s


def left(quotas: Quotas) -> dict[str, int]:
    return {view.measure: view.remaining for view in quotas.snapshot()}


def drawn(quotas: Quotas) -> Draw:
    """An attempt of 1,000 tokens in and 200 out on the model that leads."""
    chosen = plan(ask()).chosen
    assert chosen is not None
    return quotas.draw(chosen)


WIDE = told(requests=(100, 100), tokens=(100_000, 100_000))


def test_an_attempt_counts_with_what_is_expected_and_then_with_what_came() -> None:
    quotas = Quotas(Clock())
    first = drawn(quotas)
    quotas.end(first, Outcome.OK, Usage(input_tokens=0, output_tokens=0), WIDE)
    second = drawn(quotas)
    assert left(quotas) == {"requests": 98, "tokens": 100_000 - 1_200}
    quotas.end(second, Outcome.OK, Usage(input_tokens=1_000, output_tokens=700, cached_tokens=900))
    assert left(quotas) == {"requests": 98, "tokens": 100_000 - 800}, "cached tokens are not debited"
    quotas.give_back(drawn(quotas))
    assert left(quotas) == {"requests": 98, "tokens": 100_000 - 800}


def test_an_attempt_that_goes_to_another_model_is_counted_there() -> None:
    quotas = Quotas(Clock())
    first, second, *_ = plan(ask()).order
    draw = quotas.draw(first)
    assert quotas.moved(draw, first) is draw
    moved = quotas.moved(draw, second)
    for verdict in (first, second):
        quotas.end(quotas.draw(verdict), Outcome.CONNECT_FAILED, None, WIDE)
    remaining = {view.quota: view.remaining for view in quotas.snapshot() if view.measure == "requests"}
    assert remaining == {first.quota: 100, second.quota: 99}
    assert moved.quota == second.quota


@pytest.mark.parametrize(
    ("outcome", "requests", "tokens"),
    [
        (Outcome.RATE_LIMITED, 0, 0),
        (Outcome.CONNECT_FAILED, 0, 0),
        (Outcome.SERVER_ERROR, 1, 0),
        (Outcome.REFUSED, 1, 0),
        (Outcome.TIMED_OUT, 1, 1_200),
        (Outcome.APP_LEFT, 1, 1_200),
    ],
)
def test_an_attempt_without_usage_counts_as_far_as_the_vendor_may_have_counted(
    outcome: Outcome, requests: int, tokens: int
) -> None:
    quotas = Quotas(Clock())
    quotas.end(drawn(quotas), Outcome.CONNECT_FAILED, None, WIDE)
    quotas.end(drawn(quotas), outcome, None)
    assert left(quotas) == {"requests": 100 - requests, "tokens": 100_000 - tokens}


def test_every_key_has_windows_of_its_own() -> None:
    quotas = Quotas(Clock())
    house = plan(ask()).chosen
    assert house is not None
    own = msgspec.structs.replace(house, site=house.site.under("TEAM"))
    quotas.end(quotas.draw(own), Outcome.RATE_LIMITED, None, told(requests=(5, 0)))
    opens_in = quotas.opening(Priority.INTERACTIVE)
    assert opens_in(own.quota, 1) > 0
    assert opens_in(house.quota, 1) == 0
    assert [(view.quota, view.limit) for view in quotas.snapshot()] == [("large#TEAM", 5)]
    assert quotas.told("mistral") == {}
    assert set(quotas.told("mistral#TEAM")) == {"large#TEAM"}


# --- Two teams --------------------------------------------------------------------------------------------------------

LIMITS = Limits(requests=120, tokens=60_000)
ANSWER_S = 2.0


def simulated(*, bulk: bool, processes: int) -> collections.Counter[str]:
    """Five virtual minutes at the vendor's own windows: an interactive team asks every two seconds, a quarter of the
    window, a bulk team as often as it is let. Processes hear each other once a second; each answer takes two."""
    clock, vendor, seen = Clock(), Vendor(LIMITS), collections.Counter[str]()
    routers = [Quotas(clock) for _ in range(processes)]
    chosen = plan(ask()).chosen
    assert chosen is not None
    account, answers = chosen.site.account, collections.deque[tuple[float, Quotas, Draw]]()
    usage, kept = Usage(input_tokens=100, output_tokens=150), list[Share]()

    def send(quotas: Quotas, team: str) -> None:
        draw = quotas.draw(chosen)
        if vendor.enter(clock.now_s) is None:
            answers.append((clock.now_s + ANSWER_S, quotas, draw))
            seen[f"{team} served"] += 1
        else:
            seen[f"{team} refused"] += 1
            quotas.end(draw, Outcome.RATE_LIMITED, None, told(requests=(LIMITS.requests, 0)))

    for tick in range(3_000):
        clock.now_s = NOW + tick / 10
        while answers and answers[0][0] <= clock.now_s:
            _, quotas, draw = answers.popleft()
            vendor.debit(usage.input_tokens + usage.output_tokens, clock.now_s)
            rest = vendor.remaining(clock.now_s)
            rates = told((LIMITS.requests, rest.requests), (LIMITS.tokens, rest.tokens))
            quotas.end(draw, Outcome.OK, usage, rates)
        if tick % 10 == 0:
            exchange(routers, account, kept)
        for quotas in routers if bulk else ():
            for _ in range(3):
                if quotas.opening(Priority.BULK)(chosen.quota, chosen.minute_tokens) == 0:
                    send(quotas, "bulk")
        if tick % 20 == 0:
            quotas = routers[tick // 20 % processes]
            opens = quotas.opening(Priority.INTERACTIVE)(chosen.quota, chosen.minute_tokens)
            seen["interactive left out"] += opens > 0
            send(quotas, "interactive")
    return seen


def exchange(routers: list[Quotas], account: str, kept: list[Share]) -> None:
    """What the store does: everything that was ever told, for everyone."""
    told_now = [quotas.told(account) for quotas in routers]
    kept += [share for shares in told_now for share in shares.values()]
    whole = Share(
        used=tuple(used for share in kept for used in share.used),
        learned=tuple(word for share in kept for word in share.learned),
    )
    for quotas, shares in zip(routers, told_now, strict=True):
        quotas.hear(account, shares, {"large": whole}, len(routers))


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_a_batch_without_end_takes_nothing_from_a_team_that_waits_for_answers(processes: int) -> None:
    alone, beside = simulated(bulk=False, processes=processes), simulated(bulk=True, processes=processes)
    assert alone["interactive served"] == beside["interactive served"] == 150
    assert beside["interactive refused"] == 0
    assert beside["interactive left out"] == 0, "its model is always the one that it has alone"
    assert beside["bulk refused"] == 0
    share = Fraction(BULK_PERCENT, 100)
    # 30 interactive requests a minute leave 54 of the 84 that bulk may fill.
    assert beside["bulk served"] >= 0.8 * 5 * (LIMITS.requests * share - 30)
