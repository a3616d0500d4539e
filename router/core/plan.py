"""Which model serves a request: every model judged, the cheapest that is good enough first, and the reasons.

Four steps, in this order and no other, so that an outage never lowers the bar:
1. lasting needs: policy, key, life cycle, price, region, abilities, window. Each exclusion is a named `Why`;
2. the bar: `quality` times the best score among those that passed;
3. passing needs: models that are resting or switched off are left out only now;
4. the lowest expected cost leads, ties by name; the rest above the bar are the ladder to escalate on.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec

from router.core.asked import Asked, Wishes, in_scope
from router.core.catalog import Ability, ModelCard, Resolved, Stage
from router.core.charges import Amounts, bound, estimate
from router.core.classify import Classification
from router.core.policy import ParallelTools, Policy, Routing
from router.core.quality import Score
from router.core.rules import Rules

# An answer that must stop after fewer tokens than this would be worth nothing, so the window counts as too small.
OUTPUT_MIN: Final = 256


class Why(enum.Enum):
    """Why a model may not serve this request; the first that applies is the one told."""

    NOT_ALLOWED = "not_allowed"  # the policy does not list it
    OUTSIDE_KEY = "outside_key"  # the key's scope does not list it
    NOT_CHAT = "not_chat"
    NO_PRICE = "no_price"
    WRONG_REGION = "wrong_region"
    NO_TOOLS = "no_tools"
    NO_PARALLEL_TOOLS = "no_parallel_tools"
    NO_JSON = "no_json"
    NO_VISION = "no_vision"
    NO_AUDIO = "no_audio"
    NO_DOCUMENTS = "no_documents"
    NO_REASONING = "no_reasoning"
    NO_PREFIX = "no_prefix"
    NO_PREDICTION = "no_prediction"
    UNFIT_SCHEMA = "unfit_schema"  # its profile cannot take a schema of the request
    CONTEXT_TOO_SMALL = "context_too_small"
    OUTPUT_TOO_SMALL = "output_too_small"
    NO_SCORE = "no_score"
    NOT_ASKED_FOR = "not_asked_for"  # the app pinned another model
    BELOW_THRESHOLD = "below_threshold"
    OVER_MAX_COST = "over_max_cost"  # the request's own x-router-max-cost-usd
    OVER_ESCALATION_COST = "over_escalation_cost"  # dearer than the policy lets an escalation be
    RESTING = "resting"  # it failed or was rate-limited a moment ago


class Reason(enum.Enum):
    """Why the model that was chosen leads."""

    CHEAPEST_SUITABLE = "cheapest_suitable"
    ONLY_SUITABLE = "only_suitable"
    PINNED = "pinned"
    REPLACED_RETIRED = "replaced_retired"
    OBSERVED = "observed"
    ESCALATED = "escalated"
    NONE_SUITABLE = "none_suitable"


_LACKS: Final = {
    Ability.TOOLS: Why.NO_TOOLS,
    Ability.PARALLEL_TOOLS: Why.NO_PARALLEL_TOOLS,
    Ability.JSON: Why.NO_JSON,
    Ability.VISION: Why.NO_VISION,
    Ability.AUDIO: Why.NO_AUDIO,
    Ability.DOCUMENTS: Why.NO_DOCUMENTS,
    Ability.REASONING: Why.NO_REASONING,
    Ability.PREFIX: Why.NO_PREFIX,
    Ability.PREDICTION: Why.NO_PREDICTION,
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One model judged. `max_tokens` is what would be sent; costs are nano-USD, None without a price. `serial` says
    that it would be asked for one tool call a turn, because the policy does without several."""

    card: ModelCard
    objection: Why | None
    score: Score
    max_tokens: int
    input_tokens: int
    expected_nano: int | None
    most: Amounts | None
    serial: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`order` is the chosen model and then the ladder. `observed` is what routing would have chosen, when a policy
    only observes."""

    asked: Asked
    policy: Policy
    threshold: float | None
    verdicts: tuple[Verdict, ...]
    order: tuple[Verdict, ...]
    reason: Reason
    max_tokens_default: bool
    baseline: ModelCard | None
    factor: Fraction
    rules: str
    observed: Verdict | None = None

    @property
    def chosen(self) -> Verdict | None:
        return self.order[0] if self.order else None


def make_plan(
    ask: Classification,
    asked: Asked,
    *,
    rules: Rules,
    policy: Policy,
    wishes: Wishes,
    factor: Fraction,
    region: str,
    resting: Mapping[str, Why],
) -> Plan:
    """The plan for `ask`. Same arguments, same plan. `order` is empty when no model can serve it.

    `factor` multiplies every price (region, tier), `region` is where the upstream computes, `resting` says which
    models are left out for the moment, and why.
    """
    judge = _Judge(ask, rules, policy, wishes, factor, region)
    verdicts = [judge.verdict(card) for card in rules.shelf.cards.values() if card.stage is not Stage.RETIRED]
    routed, threshold = _rank(verdicts, asked.quality, wishes, policy, resting)
    if asked.pin is None:
        order = tuple(verdict for verdict in _by_cost(routed) if verdict.objection is None)
        reason = _reason(order)
        shown, observed = routed, None
    else:
        shown, order = _pinned(asked.pin, verdicts, wishes)
        observe = policy.routing is Routing.OBSERVE
        observed = (
            next((verdict for verdict in _by_cost(routed) if verdict.objection is None), None) if observe else None
        )
        threshold = None
        reason = _pin_reason(asked.pin, order, observe)
    baseline = rules.shelf.resolve(policy.baseline_model)
    return Plan(
        asked=asked,
        policy=policy,
        threshold=threshold,
        verdicts=tuple(shown),
        order=order,
        reason=reason,
        max_tokens_default=ask.output_tokens_max is None,
        baseline=baseline.card if baseline else None,
        factor=factor,
        rules=rules.version,
        observed=observed,
    )


class _Judge:
    """Holds what is the same for every model of one request."""

    def __init__(
        self, ask: Classification, rules: Rules, policy: Policy, wishes: Wishes, factor: Fraction, region: str
    ) -> None:
        self.ask, self.rules, self.policy, self.wishes = ask, rules, policy, wishes
        self.factor, self.region = factor, region
        self.needs = needs_under(ask, policy)

    def verdict(self, card: ModelCard) -> Verdict:
        ask = self.ask
        serialises = self.policy.parallel_tools is ParallelTools.SERIALISE
        serial = serialises and Ability.PARALLEL_TOOLS not in card.abilities
        input_tokens = ask.input_tokens_on(
            card.template,
            thinks=Ability.REASONING in card.abilities,
            profile=card.schema_profile,
            serial=serial,
        )
        max_tokens = self.max_tokens(card, input_tokens)
        score = self.rules.quality.score(card.name, ask.kind, ask.answer_language)
        expected = most = None
        if card.price is not None:
            output = min(ask.output_tokens_expected, max_tokens) * ask.answers
            expected = estimate(card, input_tokens=input_tokens, output_tokens=output, factor=self.factor)
            most = bound(
                card, input_tokens=input_tokens, output_tokens=max_tokens, answers=ask.answers, factor=self.factor
            )
        return Verdict(
            card=card,
            objection=self.objection(card, input_tokens, max_tokens),
            score=score,
            max_tokens=max_tokens,
            input_tokens=input_tokens,
            expected_nano=expected,
            most=most,
            serial=serial,
        )

    def max_tokens(self, card: ModelCard, input_tokens: int) -> int:
        """What is sent upstream: the app's own number, or the policy's default where it fits."""
        if self.ask.output_tokens_max is not None:
            return self.ask.output_tokens_max
        reasons = Ability.REASONING in self.ask.needs
        default = self.policy.default_max_tokens_reasoning if reasons else self.policy.default_max_tokens
        # One token is kept free: the vendor refuses a sum equal to the window (seen 2026-04).
        return max(0, min(default, card.output_tokens_max, card.context_tokens - input_tokens - 1))

    def objection(self, card: ModelCard, input_tokens: int, max_tokens: int) -> Why | None:
        ask = self.ask
        if not self.policy.allows(card.name):
            return Why.NOT_ALLOWED
        if not in_scope(card, self.wishes.key_models):
            return Why.OUTSIDE_KEY
        if Ability.CHAT not in card.abilities:
            return Why.NOT_CHAT
        if card.price is None:
            return Why.NO_PRICE
        if self.policy.region.value not in ("any", self.region):
            return Why.WRONG_REGION
        if missing := self.needs - card.abilities:
            return next(why for need, why in _LACKS.items() if need in missing)
        if card.schema_profile in ask.misfits:
            return Why.UNFIT_SCHEMA
        wanted = max_tokens if ask.output_tokens_max is not None else min(OUTPUT_MIN, card.output_tokens_max)
        if input_tokens + wanted >= card.context_tokens:
            return Why.CONTEXT_TOO_SMALL
        if wanted > card.output_tokens_max:
            return Why.OUTPUT_TOO_SMALL
        return None


def needs_under(ask: Classification, policy: Policy) -> frozenset[Ability]:
    """What a model must be able to do: several tool calls in a turn only when the policy will not do without."""
    serialises = policy.parallel_tools is ParallelTools.SERIALISE
    return ask.needs - {Ability.PARALLEL_TOOLS} if serialises else ask.needs


def _rank(
    verdicts: list[Verdict], quality: float, wishes: Wishes, policy: Policy, resting: Mapping[str, Why]
) -> tuple[list[Verdict], float | None]:
    """The verdicts with the bar and the passing needs applied, and the bar."""
    passed = [verdict for verdict in verdicts if verdict.objection is None]
    scores = [verdict.score.value for verdict in passed if verdict.score.value is not None]
    bar = max(scores) * quality if scores else None
    after_bar = [_object(verdict, _below(verdict, bar)) for verdict in verdicts]
    rested = [_object(verdict, resting.get(verdict.card.name)) for verdict in after_bar]
    if not any(verdict.objection is None for verdict in rested):
        rested = after_bar  # never an empty list because of rest alone: then those that rest are tried all the same
    paid = [_object(verdict, _over(verdict, wishes)) for verdict in rested]
    first = min((v.expected_nano for v in paid if v.objection is None and v.expected_nano is not None), default=0)
    return [_object(verdict, _dear(verdict, first * policy.escalation_cost_max)) for verdict in paid], bar


def _below(verdict: Verdict, bar: float | None) -> Why | None:
    if verdict.score.value is None:
        return Why.NO_SCORE
    return Why.BELOW_THRESHOLD if bar is not None and verdict.score.value < bar else None


def _over(verdict: Verdict, wishes: Wishes) -> Why | None:
    most = verdict.most.nano if verdict.most is not None else 0
    return Why.OVER_MAX_COST if wishes.cost_max_nano is not None and most > wishes.cost_max_nano else None


def _dear(verdict: Verdict, limit: float) -> Why | None:
    dear = verdict.expected_nano is not None and verdict.expected_nano > limit
    return Why.OVER_ESCALATION_COST if dear else None


def _object(verdict: Verdict, why: Why | None) -> Verdict:
    """`verdict` with this objection, unless it already has one or there is none."""
    if why is None or verdict.objection is not None:
        return verdict
    return msgspec.structs.replace(verdict, objection=why)


def _by_cost(verdicts: list[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: (verdict.expected_nano or 0, verdict.card.name))


def _pinned(pin: Resolved, verdicts: list[Verdict], wishes: Wishes) -> tuple[list[Verdict], tuple[Verdict, ...]]:
    """A pin is served by that model or by none; scores and rest don't count against it, the app's own ceiling does."""
    name = pin.card.name
    shown = [_object(v, _over(v, wishes) if v.card.name == name else Why.NOT_ASKED_FOR) for v in verdicts]
    return shown, tuple(verdict for verdict in shown if verdict.objection is None)


def _reason(order: tuple[Verdict, ...]) -> Reason:
    if not order:
        return Reason.NONE_SUITABLE
    return Reason.ONLY_SUITABLE if len(order) == 1 else Reason.CHEAPEST_SUITABLE


def _pin_reason(pin: Resolved, order: tuple[Verdict, ...], observe: bool) -> Reason:
    if not order:
        return Reason.NONE_SUITABLE
    if pin.replaced is not None:
        return Reason.REPLACED_RETIRED
    return Reason.OBSERVED if observe else Reason.PINNED
