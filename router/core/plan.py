"""Which model serves a request: every model judged, the cheapest that is good enough first, and the reasons.

Four steps, in this order and no other, so that an outage never lowers the bar:
1. lasting needs: policy, key, life cycle, price, region, abilities, window. Each exclusion is a named `Why`;
2. the bar: `quality` times the best score among those that passed;
3. passing needs: models that are switched off, resting, or whose upstream window is full are left out only now;
4. the lowest expected cost leads, of equal ones the better, then by name; the rest above the bar are the ladder to
   escalate on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from router.core.asked import Asked, Wishes
from router.core.catalog import Ability, ModelCard, Resolved, Stage
from router.core.classify import Classification
from router.core.judging import Judge, Verdict
from router.core.kinds import Kind
from router.core.policy import Pins, Policy, Routing
from router.core.quotas import Opening, always_open
from router.core.reasons import PURPOSES, Reason, Why
from router.core.rules import Rules
from router.core.sites import MAIN, Site
from router.core.switches import NONE_SWITCHED, Switches
from router.core.warmth import Warm


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`order` is the chosen model and then the ladder. `pin` is the model that alone may serve, by the app's wish or
    the operator's; `observed` what routing would have chosen, when a policy only observes; `opens_in_s` how long until
    the first choice's quota has room, 0 when it has."""

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
    wishes: Wishes
    switches: Switches = NONE_SWITCHED
    pin: Resolved | None = None
    observed: Verdict | None = None
    opens_in_s: float = 0.0

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
    opens_in: Opening = always_open,
    switches: Switches = NONE_SWITCHED,
    warm: Warm | None = None,
) -> Plan:
    """The plan for `ask`. Same arguments, same plan. `order` is empty when no model can serve it.

    `sites` are the upstreams that can be reached; `resting` says which quotas and payers are left out for the moment,
    and why, `opens_in` when a quota has room, `switches` what an operator has decided for now, `warm` where the
    conversation was answered last.
    """
    judge = Judge(ask, rules, policy, wishes, warm)
    cards = [card for card in rules.shelf.cards.values() if card.stage is not Stage.RETIRED]
    verdicts = [judge.verdict(card, site) for card in cards for site in sites if site.offers(card.upstream)]
    routed, threshold, opens_in_s = _rank(
        verdicts, ask.kind, asked.quality, wishes, policy, resting, opens_in, switches
    )
    pin = asked.pin or _pin_of_all(ask, rules, switches)
    if pin is None:
        order = tuple(verdict for verdict in _by_cost(routed) if verdict.objection is None)
        reason = _reason(order)
        shown, observed = routed, None
    else:
        escalates = asked.pin is not None and policy.pins is Pins.ESCALATE
        followers, open_now = routed if escalates else [], opens_in_s == 0
        shown, order, opens_in_s = _pinned(pin, verdicts, followers, wishes, policy, opens_in, switches)
        if opens_in_s > 0 and open_now and order[-1].card.name != pin.card.name:
            # A full window is a failure foreseen, so those that would follow go first.
            order, opens_in_s = tuple(sorted(order, key=lambda verdict: verdict.card.name == pin.card.name)), 0.0
        observe = asked.pin is not None and policy.routing is Routing.OBSERVE
        observed = (
            next((verdict for verdict in _by_cost(routed) if verdict.objection is None), None) if observe else None
        )
        threshold = None
        reason = _pin_reason(pin, order, observe, by_operator=asked.pin is None)
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
        wishes=wishes,
        switches=switches,
        pin=pin,
        observed=observed,
        opens_in_s=opens_in_s,
    )


def _baseline(ask: Classification, rules: Rules, policy: Policy) -> ModelCard | None:
    """The model that savings are counted against; none for work that it is not made for."""
    resolved = rules.shelf.resolve(policy.baseline_model)
    purpose = ask.needs & PURPOSES.keys()
    return resolved.card if resolved is not None and purpose <= resolved.card.abilities else None


def _rank(
    verdicts: list[Verdict],
    kind: Kind,
    quality: float,
    wishes: Wishes,
    policy: Policy,
    resting: Mapping[str, Why],
    opens_in: Opening,
    switches: Switches,
) -> tuple[list[Verdict], float | None, float]:
    """The verdicts with the bar and the passing needs applied, the bar, and how long until a quota has room."""
    passed = [verdict for verdict in verdicts if verdict.objection is None]
    scores = [verdict.score.value for verdict in passed if verdict.score.value is not None]
    bar = max(scores) * quality if scores else None
    after_bar = [_object(verdict, _below(verdict, kind, bar)) for verdict in verdicts]
    switched = [_object(verdict, _disabled(verdict, switches)) for verdict in after_bar]
    # What the app would not pay for is out before rest is looked at, which must never be all that empties the list.
    paid = [_object(verdict, _over(verdict, wishes)) for verdict in switched]
    solvent = _unless_all(paid, [_object(verdict, resting.get(verdict.site.payer)) for verdict in paid])
    rested = _unless_all(solvent, [_object(verdict, resting.get(verdict.quota)) for verdict in solvent])
    roomy, opens_in_s = _with_room(rested, opens_in)
    first = min((v.expected_nano for v in roomy if v.objection is None and v.expected_nano is not None), default=0)
    return [_object(verdict, _dear(verdict, first * policy.escalation_cost_max)) for verdict in roomy], bar, opens_in_s


def _unless_all(before: list[Verdict], after: list[Verdict]) -> list[Verdict]:
    """`after`, unless nobody would be left: then those that rest are tried all the same."""
    return after if any(verdict.objection is None for verdict in after) else before


def _with_room(verdicts: list[Verdict], opens_in: Opening) -> tuple[list[Verdict], float]:
    """Without the models whose quota has no room for the request. When none has, the one that opens first stays, and
    its waiting time is told."""
    waits = {v.label: opens_in(v.quota, v.minute_tokens) for v in verdicts if v.objection is None}
    if not any(waits.values()):
        return verdicts, 0.0
    soonest_s = min(waits.values())
    stay = {label for label, wait_s in waits.items() if wait_s == soonest_s}
    if soonest_s > 0:
        stay = {next(v.label for v in _by_cost(verdicts) if v.label in stay)}
    return [v if v.label in stay else _object(v, Why.QUOTA_FULL) for v in verdicts], soonest_s


def _below(verdict: Verdict, kind: Kind, bar: float | None) -> Why | None:
    if kind is Kind.EMBEDDING:  # a cheaper model's vectors would not fit those that the app has stored
        return Why.NOT_INTERCHANGEABLE
    if kind is Kind.MODERATION:  # no table compares the models that judge
        return None
    if verdict.score.value is None:
        return Why.NO_SCORE
    return Why.BELOW_THRESHOLD if bar is not None and verdict.score.value < bar else None


def _disabled(verdict: Verdict, switches: Switches) -> Why | None:
    return Why.DISABLED if verdict.card.name in switches.disabled else None


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
    return sorted(verdicts, key=lambda verdict: (verdict.expected_nano or 0, *_among_equals(verdict)))


def _among_equals(verdict: Verdict) -> tuple[float, str, str]:
    return -(verdict.score.value or 0), verdict.card.name, verdict.site.name


def _pin_of_all(ask: Classification, rules: Rules, switches: Switches) -> Resolved | None:
    """The model that an operator has every chat request served by. One that has left the catalogue pins nothing."""
    if switches.pin_all is None or Ability.CHAT not in ask.needs:
        return None
    return rules.shelf.resolve(switches.pin_all.model)


def _pinned(
    pin: Resolved,
    verdicts: list[Verdict],
    followers: list[Verdict],
    wishes: Wishes,
    policy: Policy,
    opens_in: Opening,
    switches: Switches,
) -> tuple[list[Verdict], tuple[Verdict, ...], float]:
    """A pin is served by that model, wherever it can be reached and has room; scores and rest don't count against it,
    an operator's switch and the app's own ceiling do. `followers` come after it, and only when the pin can be tried at
    all."""
    name = pin.card.name
    shown = [
        _object(v, (_disabled(v, switches) or _over(v, wishes)) if v.card.name == name else Why.NOT_ASKED_FOR)
        for v in verdicts
    ]
    shown, opens_in_s = _with_room(shown, opens_in)
    own = _by_cost([verdict for verdict in shown if verdict.objection is None])
    if not own:
        return shown, (), 0.0
    limit = (own[0].expected_nano or 0) * policy.escalation_cost_max
    others = [_object(v, _dear(v, limit)) for v in followers if v.card.name != name]
    ladder = _by_cost([verdict for verdict in others if verdict.objection is None])
    judged = {verdict.label: verdict for verdict in others}
    return [judged.get(verdict.label, verdict) for verdict in shown], (*own, *ladder), opens_in_s


def _reason(order: tuple[Verdict, ...]) -> Reason:
    if not order:
        return Reason.NONE_SUITABLE
    if len(order) == 1:
        return Reason.ONLY_SUITABLE
    cold = min(order, key=lambda verdict: (verdict.cold_nano or 0, *_among_equals(verdict)))
    return Reason.CHEAPEST_SUITABLE if cold is order[0] else Reason.STAYED_WARM


def _pin_reason(pin: Resolved, order: tuple[Verdict, ...], observe: bool, *, by_operator: bool) -> Reason:
    if not order:
        return Reason.NONE_SUITABLE
    if by_operator:
        return Reason.PINNED_BY_OPERATOR
    if order[0].card.name != pin.card.name:
        return Reason.ESCALATED
    if pin.replaced is not None:
        return Reason.REPLACED_RETIRED
    return Reason.OBSERVED if observe else Reason.PINNED
