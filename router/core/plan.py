"""Which model serves a request: every model judged, the cheapest that is good enough first, and the reasons.

Four steps, in this order and no other, so that an outage never lowers the bar:
1. lasting needs: policy, key, life cycle, price, region, abilities, window. Each exclusion is a named `Why`;
2. the bar: `quality` times the best score among those that passed;
3. passing needs: models that are resting or switched off are left out only now;
4. the lowest expected cost leads, ties by name; the rest above the bar are the ladder to escalate on.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from router.core.asked import Asked, Wishes, in_scope
from router.core.catalog import Ability, ModelCard, Resolved, Stage
from router.core.charges import Amounts, bound, estimate
from router.core.classify import Classification
from router.core.kind import Kind
from router.core.policy import Policy, Routing
from router.core.quality import Score
from router.core.rules import Rules
from router.core.sites import MAIN, Site

# An answer that must stop after fewer tokens than this would be worth nothing, so the window counts as too small.
OUTPUT_MIN: Final = 256


class Why(enum.Enum):
    """Why a model may not serve this request; the first that applies is the one told."""

    NOT_ALLOWED = "not_allowed"  # the policy does not list it
    OUTSIDE_KEY = "outside_key"  # the key's scope does not list it
    NOT_CHAT = "not_chat"
    NO_FIM = "no_fim"
    NO_EMBEDDINGS = "no_embeddings"
    NO_MODERATION = "no_moderation"
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
    CONTEXT_TOO_SMALL = "context_too_small"
    OUTPUT_TOO_SMALL = "output_too_small"
    NO_SCORE = "no_score"
    NOT_INTERCHANGEABLE = "not_interchangeable"  # another model's vectors cannot be compared with these
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


# What a model is for comes before what it can do beside.
PURPOSES: Final = {
    Ability.CHAT: Why.NOT_CHAT,
    Ability.FIM: Why.NO_FIM,
    Ability.EMBEDDINGS: Why.NO_EMBEDDINGS,
    Ability.MODERATION: Why.NO_MODERATION,
}
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
    """One model judged, at one upstream. `max_tokens` is what would be sent; costs are nano-USD, None without a
    price."""

    card: ModelCard
    site: Site
    objection: Why | None
    score: Score
    max_tokens: int
    input_tokens: int
    expected_nano: int | None
    most: Amounts | None

    @property
    def label(self) -> str:
        return self.site.label(self.card.name)


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
    baseline_factor: Fraction
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
    sites: Sequence[Site],
    resting: Mapping[str, Why],
) -> Plan:
    """The plan for `ask`. Same arguments, same plan. `order` is empty when no model can serve it.

    `sites` are the upstreams that can be reached, `resting` says which models (by label) are left out for the moment,
    and why.
    """
    judge = _Judge(ask, rules, policy, wishes)
    cards = [card for card in rules.shelf.cards.values() if card.stage is not Stage.RETIRED]
    verdicts = [judge.verdict(card, site) for card in cards for site in sites if site.offers(card.upstream)]
    routed, threshold = _rank(verdicts, ask.kind, asked.quality, wishes, policy, resting)
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
    return Plan(
        asked=asked,
        policy=policy,
        threshold=threshold,
        verdicts=tuple(shown),
        order=order,
        reason=reason,
        max_tokens_default=ask.output_tokens_max is None,
        baseline=_baseline(ask, rules, policy),
        baseline_factor=min((site.factor for site in sites if site.offers(MAIN)), default=Fraction(1)),
        rules=rules.version,
        observed=observed,
    )


def _baseline(ask: Classification, rules: Rules, policy: Policy) -> ModelCard | None:
    """The model that savings are counted against; none for work that it is not made for."""
    resolved = rules.shelf.resolve(policy.baseline_model)
    purpose = ask.needs & PURPOSES.keys()
    return resolved.card if resolved is not None and purpose <= resolved.card.abilities else None


class _Judge:
    """Holds what is the same for every model of one request."""

    def __init__(self, ask: Classification, rules: Rules, policy: Policy, wishes: Wishes) -> None:
        self.ask, self.rules, self.policy, self.wishes = ask, rules, policy, wishes

    def verdict(self, card: ModelCard, site: Site) -> Verdict:
        ask = self.ask
        thinks = Ability.REASONING in card.abilities
        input_tokens = ask.input_tokens_on(card.template, thinks=thinks)
        max_tokens = self.max_tokens(card, input_tokens)
        score = self.rules.quality.score(card.name, ask.kind, ask.answer_language)
        expected = most = None
        if card.price is not None:
            output = min(ask.output_tokens_expected, max_tokens) * ask.answers
            expected = estimate(card, input_tokens=input_tokens, output_tokens=output, factor=site.factor)
            held = ask.input_tokens_most_on(card.template, thinks=thinks)
            most = bound(card, input_tokens=held, output_tokens=max_tokens, answers=ask.answers, factor=site.factor)
        return Verdict(
            card=card,
            site=site,
            objection=self.objection(card, site, input_tokens, max_tokens),
            score=score,
            max_tokens=max_tokens,
            input_tokens=input_tokens,
            expected_nano=expected,
            most=most,
        )

    def max_tokens(self, card: ModelCard, input_tokens: int) -> int:
        """What is sent upstream: the app's own number, or the policy's default where it fits."""
        if self.ask.output_tokens_max is not None:
            return self.ask.output_tokens_max
        reasons = Ability.REASONING in self.ask.needs
        default = self.policy.default_max_tokens_reasoning if reasons else self.policy.default_max_tokens
        # One token is kept free: the vendor refuses a sum equal to the window (seen 2026-04).
        return max(0, min(default, card.output_tokens_max, card.context_tokens - input_tokens - 1))

    def objection(self, card: ModelCard, site: Site, input_tokens: int, max_tokens: int) -> Why | None:
        ask = self.ask
        if not self.policy.allows(card.name):
            return Why.NOT_ALLOWED
        if not in_scope(card, self.wishes.key_models):
            return Why.OUTSIDE_KEY
        missing = ask.needs - card.abilities
        for purpose, why in PURPOSES.items():
            if purpose in missing:
                return why
        if card.price is None:
            return Why.NO_PRICE
        if self.policy.region.value not in ("any", site.region):
            return Why.WRONG_REGION
        if missing:
            return next(why for need, why in _LACKS.items() if need in missing)
        wanted = max_tokens if ask.output_tokens_max is not None else min(OUTPUT_MIN, card.output_tokens_max)
        in_window = input_tokens if ask.window_tokens is None else ask.window_tokens
        if in_window + wanted >= card.context_tokens:
            return Why.CONTEXT_TOO_SMALL
        if wanted > card.output_tokens_max:
            return Why.OUTPUT_TOO_SMALL
        return None


def _rank(
    verdicts: list[Verdict],
    kind: Kind,
    quality: float,
    wishes: Wishes,
    policy: Policy,
    resting: Mapping[str, Why],
) -> tuple[list[Verdict], float | None]:
    """The verdicts with the bar and the passing needs applied, and the bar."""
    passed = [verdict for verdict in verdicts if verdict.objection is None]
    scores = [verdict.score.value for verdict in passed if verdict.score.value is not None]
    bar = max(scores) * quality if scores else None
    after_bar = [_object(verdict, _below(verdict, kind, bar)) for verdict in verdicts]
    rested = [_object(verdict, resting.get(verdict.label)) for verdict in after_bar]
    if not any(verdict.objection is None for verdict in rested):
        rested = after_bar  # never an empty list because of rest alone: then those that rest are tried all the same
    paid = [_object(verdict, _over(verdict, wishes)) for verdict in rested]
    first = min((v.expected_nano for v in paid if v.objection is None and v.expected_nano is not None), default=0)
    return [_object(verdict, _dear(verdict, first * policy.escalation_cost_max)) for verdict in paid], bar


def _below(verdict: Verdict, kind: Kind, bar: float | None) -> Why | None:
    if kind is Kind.EMBEDDING:  # a cheaper model's vectors would not fit those that the app has stored
        return Why.NOT_INTERCHANGEABLE
    if kind is Kind.MODERATION:  # no table compares the models that judge
        return None
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
    return sorted(verdicts, key=lambda verdict: (verdict.expected_nano or 0, verdict.card.name, verdict.site.name))


def _pinned(pin: Resolved, verdicts: list[Verdict], wishes: Wishes) -> tuple[list[Verdict], tuple[Verdict, ...]]:
    """A pin is served by that model, wherever it can be reached, or by none; scores and rest don't count against it,
    the app's own ceiling does."""
    name = pin.card.name
    shown = [_object(v, _over(v, wishes) if v.card.name == name else Why.NOT_ASKED_FOR) for v in verdicts]
    return shown, tuple(_by_cost([verdict for verdict in shown if verdict.objection is None]))


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
