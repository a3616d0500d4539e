"""The `router` object: one account of a decision, in money. Everything that explains a choice is built here.

It stands in `/v1/route`, in answers to `x-router-explain: enabled`, in records and in `mistral-router explain`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from router.core.attempts import Outcome
from router.core.charges import estimate, real_cost
from router.core.classify import Classification
from router.core.judging import Verdict, needs_under
from router.core.money import usd
from router.core.plan import Plan
from router.core.reasons import Reason
from router.core.remembered import Basis, basis_of
from router.core.savings import baseline_nano
from router.core.sites import MAIN, labelled
from router.wire.usage import Usage


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try, at one upstream: `nano_usd` is what it was charged; `unconfirmed` marks its whole hold, kept because no
    usage came."""

    model: str
    outcome: Outcome
    wait_ms: int
    nano_usd: int
    upstream: str = MAIN
    duration_ms: int = 0
    unconfirmed: bool = False
    usage: Usage | None = None

    @property
    def label(self) -> str:
        """The model, told from the same model at another upstream."""
        return labelled(self.model, self.upstream)


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate, with all that its expected cost is made of: (input − cached) × price.input + cached × price.cached +
    output × price.output, per million tokens, times the factor, rounded up to a nano-USD once."""

    model: str
    upstream: str
    eligible: bool
    objection: str | None
    score: float | None
    score_source: str | None
    price: dict[str, str] | None
    price_factor: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    expected_nano_usd: int | None
    max_nano_usd: int | None


class RouterObject(msgspec.Struct, frozen=True, kw_only=True):
    """INTERFACE of the explanation; prices are USD per million tokens, as strings."""

    request_id: str
    classification: dict[str, object]
    policy: dict[str, object]
    threshold: float | None
    models: list[ModelView]
    order: list[str]
    chosen: str | None
    reason: str
    baseline: dict[str, object] | None
    attempts: list[Attempt]
    rules: str
    requested_model: str
    cost_nano_usd: int
    saved_nano_usd: int
    observed: str | None = None
    observed_saved_nano_usd: int | None = None
    basis: Basis | None = None


def explain(request_id: str, ask: Classification, plan: Plan, attempts: Sequence[Attempt] = ()) -> RouterObject:
    """The object for a plan, before or after its attempts."""
    answered = answered_by(attempts)
    first = plan.chosen.card.name if plan.chosen else None
    return RouterObject(
        request_id=request_id,
        classification=_classification(ask, plan),
        policy={"team": plan.policy.team, "quality": plan.asked.quality},
        threshold=round(plan.threshold, 4) if plan.threshold is not None else None,
        models=[_view(verdict) for verdict in plan.verdicts],
        order=[verdict.label for verdict in plan.order],
        chosen=answered or first,
        reason=reason_of(plan, answered).value,
        baseline=_baseline(ask, plan),
        attempts=list(attempts),
        rules=plan.rules,
        requested_model=plan.asked.name,
        cost_nano_usd=cost_nano(attempts),
        saved_nano_usd=saved_nano(plan, attempts),
        observed=plan.observed.card.name if plan.observed else None,
        observed_saved_nano_usd=_observed_saved(plan, attempts),
        basis=basis_of(ask, plan.wishes),
    )


def reason_of(plan: Plan, answered: str | None) -> Reason:
    """Why the answering model served: the plan's reason for its first choice, else that it was escalated to."""
    first = plan.chosen.card.name if plan.chosen else None
    return plan.reason if answered in (None, first) else Reason.ESCALATED


def answered_by(attempts: Sequence[Attempt]) -> str | None:
    return next((attempt.model for attempt in reversed(attempts) if attempt.outcome is Outcome.OK), None)


def answer_usage(attempts: Sequence[Attempt]) -> Usage | None:
    """The tokens of the answer; None when there was no answer, or it did not tell."""
    return next((attempt.usage for attempt in reversed(attempts) if attempt.outcome is Outcome.OK), None)


def cost_nano(attempts: Sequence[Attempt]) -> int:
    """What the request is charged in all, with what is held unconfirmed."""
    return sum(attempt.nano_usd for attempt in attempts)


def saved_nano(plan: Plan, attempts: Sequence[Attempt]) -> int:
    """What the policy's baseline model would have cost for the answer's tokens, minus the real cost of all attempts;
    negative when routing cost more, and zero when the app got the model it had pinned, or no answer."""
    usage = answer_usage(attempts)
    own_pin = plan.asked.pin is not None and not plan.asked.rewritten
    baseline = baseline_nano(plan, usage) if usage is not None else None
    return 0 if own_pin or baseline is None else baseline - cost_nano(attempts)


def _observed_saved(plan: Plan, attempts: Sequence[Attempt]) -> int | None:
    """What the answer would have cost less, had routing done more than observe: negative when it had cost more, None
    without an answer."""
    usage, other = answer_usage(attempts), plan.observed
    if usage is None or other is None or other.card.price is None:
        return None
    return cost_nano(attempts) - real_cost(other.card, usage, other.site.factor)


def _classification(ask: Classification, plan: Plan) -> dict[str, object]:
    chosen = plan.chosen
    return {
        "input_tokens": chosen.input_tokens if chosen else ask.input_tokens,
        "input_tokens_method": ask.input_tokens_method,
        "output_tokens_max": chosen.max_tokens if chosen else ask.output_tokens_max,
        "output_tokens_expected": ask.output_tokens_expected,
        "language": ask.language,
        "answer_language": ask.answer_language,
        "kind": ask.kind.value,
        "needs": sorted(need.value for need in needs_under(ask, plan.policy)),
    }


def _baseline(ask: Classification, plan: Plan) -> dict[str, object] | None:
    card = plan.baseline
    if card is None or card.price is None:
        return None
    expected = ask.output_tokens_expected * ask.answers
    input_tokens = ask.size.on(card.template)
    nano = estimate(card, input_tokens=input_tokens, output_tokens=expected, factor=plan.baseline_factor)
    return {"model": card.name, "nano_usd": nano}


def _view(verdict: Verdict) -> ModelView:
    price = verdict.card.price
    prices = {"input": price.input, "cached": price.cached, "output": price.output} if price else None
    return ModelView(
        model=verdict.card.name,
        upstream=verdict.site.name,
        eligible=verdict.objection is None,
        objection=verdict.objection.value if verdict.objection else None,
        score=round(verdict.score.value, 4) if verdict.score.value is not None else None,
        score_source=verdict.score.source,
        price={name: usd(nano) for name, nano in prices.items()} if prices else None,
        price_factor=str(verdict.site.factor),
        input_tokens=verdict.input_tokens,
        cached_tokens=verdict.cached_tokens,
        output_tokens=verdict.output_tokens,
        expected_nano_usd=verdict.expected_nano,
        max_nano_usd=verdict.most.nano if verdict.most else None,
    )
