"""Requests planned again under a policy, without asking anyone: the models they would go to, the cost, the refusals.

Each request is planned by `make_plan` with what was known when it came, then priced with the tokens that it really had.
Nothing here knows what another model would have answered: an answer counts as equally long on each, and no model rests,
fails or keeps a conversation in its cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from router.core.asked import Wishes, understand
from router.core.charges import Owner, accounts_of, real_cost
from router.core.classify import Classification
from router.core.judging import Verdict
from router.core.plan import make_plan
from router.core.policy import Policy
from router.core.purses import Purses
from router.core.rules import Rules
from router.core.sites import BATCH_DIVISOR, Site
from router.errors import RouterError
from router.wire.usage import Usage

UNSUITABLE: Final = "no_suitable_model"
EXHAUSTED: Final = "budget_exceeded"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A request to plan again. `at_ms` is epoch ms, None when no budget shall be counted. Without an answer `usage` is
    None, and the expected length is priced."""

    ask: Classification
    model: str
    team: str
    wishes: Wishes = Wishes()
    key: str = ""
    at_ms: int | None = None
    usage: Usage | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`refusal` is an error code; `model` is None then, and nothing is paid. `score` is the model's in the quality
    table for this work, None where the table has none. `batch_nano_usd` is the cost if it had waited in a batch, where
    the model's upstream takes batches."""

    model: str | None = None
    nano_usd: int = 0
    batch_nano_usd: int = 0
    score: float | None = None
    refusal: str | None = None


class Share(msgspec.Struct, kw_only=True):
    requests: int = 0
    nano_usd: int = 0


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions added up: `models` by requests, most first; scores of the models chosen."""

    requests: int
    served: int
    nano_usd: int
    batch_nano_usd: int
    models: dict[str, Share]
    refusals: dict[str, int]
    lowest_score: float | None
    mean_score: float | None


def replay(
    cases: Iterable[Case], policy_of: Callable[[str], Policy], *, rules: Rules, sites: Sequence[Site]
) -> list[Decision]:
    """A decision for each case, which come in the order of their time; `policy_of` gives a team's policy. Money budgets
    fill from empty, and each request ends before the next begins."""
    purses = Purses()
    return [_decide(case, policy_of(case.team), purses, rules, sites) for case in cases]


def _decide(case: Case, policy: Policy, purses: Purses, rules: Rules, sites: Sequence[Site]) -> Decision:
    try:
        asked = understand(case.model, rules, policy, case.wishes)
    except RouterError as error:
        return Decision(refusal=error.code)
    plan = make_plan(case.ask, asked, rules=rules, policy=policy, wishes=case.wishes, sites=sites, resting={})
    chosen = plan.chosen
    if chosen is None:
        return Decision(refusal=UNSUITABLE)
    nano = _cost(chosen, case.usage)
    if case.at_ms is not None:
        owner = Owner(team=case.team, key=case.key, model=chosen.card.name, tags=case.ask.tags)
        held = chosen.most.nano if chosen.most is not None else 0
        if not purses.pay(accounts_of(policy, owner, case.at_ms), case.team, case.at_ms, held=held, nano=nano):
            return Decision(refusal=EXHAUSTED)
    batch = -(-nano // BATCH_DIVISOR) if chosen.card.batch and chosen.site.batches else nano
    return Decision(model=chosen.label, nano_usd=nano, batch_nano_usd=batch, score=chosen.score.value)


def _cost(verdict: Verdict, usage: Usage | None) -> int:
    return (verdict.expected_nano or 0) if usage is None else real_cost(verdict.card, usage, verdict.site.factor)


def tally(decisions: Sequence[Decision]) -> Tally:
    models: dict[str, Share] = {}
    refusals: dict[str, int] = {}
    for decision in decisions:
        if decision.model is not None:
            share = models.setdefault(decision.model, Share())
            share.requests += 1
            share.nano_usd += decision.nano_usd
        elif decision.refusal is not None:
            refusals[decision.refusal] = refusals.get(decision.refusal, 0) + 1
    scores = [decision.score for decision in decisions if decision.score is not None]
    return Tally(
        requests=len(decisions),
        served=sum(share.requests for share in models.values()),
        nano_usd=sum(share.nano_usd for share in models.values()),
        batch_nano_usd=sum(decision.batch_nano_usd for decision in decisions),
        models=dict(sorted(models.items(), key=lambda pair: (-pair[1].requests, pair[0]))),
        refusals=dict(sorted(refusals.items())),
        lowest_score=min(scores, default=None),
        mean_score=round(sum(scores) / len(scores), 2) if scores else None,
    )


def moved(before: Sequence[Decision], after: Sequence[Decision]) -> int:
    """How many requests would be decided otherwise: another model, refused, or no longer refused."""
    return sum((old.model, old.refusal) != (new.model, new.refusal) for old, new in zip(before, after, strict=True))
