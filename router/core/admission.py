"""How much an attempt has to hold, and how long its answer may be, when money is short. Pure decisions.

Only the router's own bound is ever touched: an app that gave a bound of its own, or asked for tools or JSON, whose
answers are worth nothing when they are cut, is served whole or refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from router.core.catalog import Ability
from router.core.charges import Account, Denial, Kind, Measure, Standing, bound
from router.core.classify import Classification
from router.core.judging import OUTPUT_MIN, Verdict
from router.core.plan import Plan
from router.core.policy import MODES, OnExhausted

# Near the end one request takes at most this part of what is left, so that those beside it find something too.
SHARE_OF_LEFT: Final = 4
_CUT_IS_WORTHLESS: Final = frozenset({Ability.TOOLS, Ability.PARALLEL_TOOLS, Ability.JSON})


def floor_tokens(ask: Classification) -> int | None:
    """The fewest output tokens that the request may be bounded at; None when its bound is not ours to lower."""
    if ask.output_tokens_max is not None or ask.needs & _CUT_IS_WORTHLESS:
        return None
    return max(OUTPUT_MIN, ask.output_tokens_expected)


def shortened(verdict: Verdict, ask: Classification, tokens: int) -> Verdict:
    """The verdict with an output bound of `tokens`, and what is held for it."""
    assert verdict.most is not None, "only a priced model is in the order"
    input_tokens = verdict.most.tokens - verdict.max_tokens * ask.answers
    most = bound(
        verdict.card,
        input_tokens=input_tokens,
        output_tokens=tokens,
        answers=ask.answers,
        factor=verdict.site.factor,
    )
    return replace(verdict, max_tokens=tokens, most=most, clamped=True)


def clamped(verdict: Verdict, ask: Classification, left_nano: int) -> Verdict | None:
    """The verdict with the longest answer that `left_nano` pays for, a part of it if that is enough; None when even the
    shortest useful one is dearer, or the bound is not ours to lower."""
    floor = floor_tokens(ask)
    if floor is None or floor >= verdict.max_tokens:
        return None
    for most_nano in (left_nano // SHARE_OF_LEFT, left_nano):
        shortest = shortened(verdict, ask, floor)
        if _nano(shortest) > most_nano:
            continue
        low, high = floor, verdict.max_tokens
        while low < high:  # the cost rises with the bound, and is rounded: the last one that fits is looked for
            middle = (low + high + 1) // 2
            if _nano(shortened(verdict, ask, middle)) <= most_nano:
                low = middle
            else:
                high = middle - 1
        return shortened(verdict, ask, low)
    return None


def smaller(verdict: Verdict, ask: Classification) -> Verdict:
    """The verdict with an answer of at most twice the kind's usual length, where the bound is ours to lower."""
    floor = floor_tokens(ask)
    if floor is None or 2 * floor >= verdict.max_tokens:
        return verdict
    return shortened(verdict, ask, 2 * floor)


def likely(verdict: Verdict, ask: Classification, accounts: Iterable[Account], usual_tokens: int | None) -> Verdict:
    """The verdict holding the money of a usual answer in place of the longest, when every budget that could refuse
    states by how much it may be exceeded; what is not held then counts against that."""
    money = [account for account in accounts if account.measure is Measure.USD and account.enforced]
    if usual_tokens is None or usual_tokens >= verdict.max_tokens or not money:
        return verdict
    if not all(account.overshoot for account in money):
        return verdict
    assert verdict.most is not None, "only a priced model is in the order"
    usual = _nano(shortened(verdict, ask, usual_tokens))
    return replace(verdict, most=replace(verdict.most, nano=usual, exposure=verdict.most.nano - usual))


def may_wait(denial: Denial, verdict: Verdict, ask: Classification, *, others: bool) -> bool:
    """Whether the budget is only held, not spent: what is under way would leave enough, and the bound that stands in
    the way is the router's own. `others` says that more of the team is under way."""
    account, standing = denial.standing.account, denial.standing
    if account.measure is not Measure.USD or ask.output_tokens_max is not None:
        return False
    if account.kind is Kind.RING:  # it does not tell what is held from what is spent
        return others
    floor = floor_tokens(ask)
    least = verdict if floor is None or floor >= verdict.max_tokens else shortened(verdict, ask, floor)
    return standing.held > 0 and standing.spent + _nano(least) <= account.limit


def exhausted_economy(standings: Iterable[Standing]) -> bool:
    """Whether a budget is used up beyond which a policy wants its team served cheaply."""
    return any(s.remaining <= 0 and s.account.on_exhausted is OnExhausted.ECONOMY for s in standings)


def could_be_cheaper(plan: Plan) -> bool:
    """Whether routing by the cheapest mode can choose another model: a model that the app names stays."""
    return plan.pin is None and plan.asked.quality > MODES["economy"]


def _nano(verdict: Verdict) -> int:
    assert verdict.most is not None, "only a priced model is in the order"
    return verdict.most.nano
