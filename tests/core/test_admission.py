"""What an attempt holds when money is short: never more than there is, never less than a useful answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.admission import clamped, could_be_cheaper, exhausted_economy, floor_tokens, likely, may_wait, smaller
from router.core.charges import Account, Denial, Owner, Standing, accounts_of
from router.core.judging import OUTPUT_MIN, Verdict
from router.core.policy import Policy
from tests.core.making import ask, plan


def first(model: str = "medium", **fields: Any) -> Verdict:
    return plan(ask(**fields), model).order[0]


def money(verdict: Verdict) -> int:
    assert verdict.most is not None
    return verdict.most.nano


def account(**budget: Any) -> list[Account]:
    given_ = {"scope": "team", "usd": "1.00", "window": "day", **budget}
    policy = msgspec.convert({"team": "apps", "budget": [given_]}, Policy)
    return list(accounts_of(policy, Owner(team="apps", key="k", model="medium"), 0))


def standing(of: Account, spent: int, held: int) -> Standing:
    return Standing(account=of, remaining=of.limit - spent - held, reset_ms=1, spent=spent, held=held)


def denial(of: Account, spent: int, held: int) -> Denial:
    return Denial(standing=standing(of, spent, held), asked=1, retry_after_ms=None, now_ms=0)


def test_a_bound_of_the_apps_own_is_not_ours_to_lower() -> None:
    assert floor_tokens(ask(output_tokens_max=5_000)) is None
    assert clamped(first(output_tokens_max=5_000), ask(output_tokens_max=5_000), 1 << 50) is None


@pytest.mark.parametrize("need", ["tools", "parallel_tools", "json"])
def test_an_answer_that_is_worthless_when_cut_is_not_cut(need: str) -> None:
    assert floor_tokens(ask(needs=[need])) is None


def test_the_shortest_answer_is_the_kinds_usual_one_and_never_below_the_least() -> None:
    assert floor_tokens(ask(output_tokens_expected=10)) == OUTPUT_MIN
    assert floor_tokens(ask(output_tokens_expected=700)) == 700


@given(st.integers(0, 40_000_000), st.integers(1, 3), st.integers(1, 2_000))
def test_a_clamped_bound_fits_what_is_left_and_is_the_longest_that_does(left: int, answers: int, usual: int) -> None:
    asked = ask(answers=answers, output_tokens_expected=usual)
    verdict = plan(asked, "medium").order[0]
    floor = floor_tokens(asked)
    assert floor is not None
    shorter = clamped(verdict, asked, left)
    if shorter is None:
        # Not even the shortest useful answer is paid for.
        assert clamped(verdict, asked, 1 << 50) is not None or floor >= verdict.max_tokens
        return
    assert floor <= shorter.max_tokens <= verdict.max_tokens
    assert shorter.clamped
    assert money(shorter) <= left
    if shorter.max_tokens < verdict.max_tokens:
        longer = clamped(verdict, asked, money(shorter) * 4)
        assert longer is not None
        assert longer.max_tokens >= shorter.max_tokens


def test_near_the_end_one_request_leaves_something_to_those_beside_it() -> None:
    asked, verdict = ask(), first()
    left = money(verdict) // 2
    shorter = clamped(verdict, asked, left)
    assert shorter is not None
    assert money(shorter) <= left // 4
    assert clamped(verdict, asked, 100) is None


def test_a_usual_answer_is_held_only_where_every_budget_says_by_how_much_it_may_be_exceeded() -> None:
    asked, verdict = ask(), first()
    lax, strict = account(overshoot_usd="0.10"), account(window="month")
    usual = likely(verdict, asked, lax, 300)
    assert usual.most is not None
    assert verdict.most is not None
    assert usual.most.nano < verdict.most.nano
    assert usual.most.nano + usual.most.exposure == verdict.most.nano
    assert usual.max_tokens == verdict.max_tokens, "the answer may be as long as ever"
    assert likely(verdict, asked, [*lax, *strict], 300) is verdict
    assert likely(verdict, asked, lax, None) is verdict
    assert likely(verdict, asked, lax, verdict.max_tokens) is verdict
    assert likely(verdict, asked, [], 300) is verdict


def test_waiting_helps_only_while_money_is_held_and_not_spent() -> None:
    asked, verdict = ask(), first()
    [budget] = account()
    assert may_wait(denial(budget, 0, budget.limit), verdict, asked, others=False)
    assert not may_wait(denial(budget, budget.limit, 0), verdict, asked, others=True)
    assert not may_wait(denial(budget, budget.limit, 5), verdict, asked, others=True)
    own = ask(output_tokens_max=500)
    assert not may_wait(denial(budget, 0, budget.limit), verdict, own, others=True)


def test_a_rolling_budget_waits_for_others_of_its_team() -> None:
    [budget] = account(window="24h")
    assert may_wait(denial(budget, budget.limit, 0), first(), ask(), others=True)
    assert not may_wait(denial(budget, budget.limit, 0), first(), ask(), others=False)


def test_a_rate_is_not_waited_for() -> None:
    policy = msgspec.convert({"team": "apps", "limit": [{"scope": "team", "concurrency": 1}]}, Policy)
    [limit] = accounts_of(policy, Owner(team="apps", key="k", model="medium"), 0)
    assert not may_wait(denial(limit, 0, 1), first(), ask(), others=True)


def test_a_budget_that_turns_to_economy_does_so_when_it_is_used_up() -> None:
    [economy] = account(on_exhausted="economy")
    assert not economy.enforced
    assert exhausted_economy([standing(economy, economy.limit, 0)])
    assert not exhausted_economy([standing(economy, economy.limit - 1, 0)])
    [warn] = account(on_exhausted="warn")
    assert not exhausted_economy([standing(warn, warn.limit, 0)])
    [shadow] = account(on_exhausted="economy", mode="shadow")
    assert not exhausted_economy([standing(shadow, shadow.limit, 0)])


def test_a_model_that_the_app_names_stays() -> None:
    assert could_be_cheaper(plan(ask(), "auto:quality"))
    assert not could_be_cheaper(plan(ask(), "auto:economy"))
    assert not could_be_cheaper(plan(ask(), "medium"))


def test_smaller_answers_are_twice_the_usual_length_where_the_bound_is_ours() -> None:
    asked = ask(output_tokens_expected=700)
    shorter = smaller(plan(asked, "medium").order[0], asked)
    assert (shorter.max_tokens, shorter.clamped) == (1_400, True)
    own = ask(output_tokens_max=5_000)
    verdict = plan(own, "medium").order[0]
    assert smaller(verdict, own) is verdict
    long = ask(output_tokens_expected=8_000)
    verdict = plan(long, "medium").order[0]
    assert smaller(verdict, long) is verdict
