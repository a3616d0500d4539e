"""One model judged for one request: what keeps it from serving, how long its answer may be, and what it would cost."""

from __future__ import annotations

from typing import Final

import msgspec

from router.core.asked import Wishes, in_scope
from router.core.catalog import Ability, ModelCard
from router.core.charges import Amounts, bound, estimate
from router.core.classify import Classification
from router.core.policy import ParallelTools, Policy
from router.core.quality import Score, own_score
from router.core.reasons import LACKS, PURPOSES, Why
from router.core.rules import Rules
from router.core.sites import Site
from router.core.warmth import Warm

# An answer that must stop after fewer tokens than this would be worth nothing, so the window counts as too small.
OUTPUT_MIN: Final = 256


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One model judged, at one upstream. `max_tokens` is what would be sent. Costs are nano-USD, None without a price:
    `expected_nano` for `input_tokens`, of which `cached_tokens` are likely to be cached, and `output_tokens`;
    `cold_nano` the same with nothing cached; `most` the upper bound that is held. `serial` says that it would be asked
    for one tool call a turn, because the policy does without several; `clamped` that its answer is kept shorter than
    the policy's default, because a budget is near its end."""

    card: ModelCard
    site: Site
    objection: Why | None
    score: Score
    max_tokens: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    expected_nano: int | None
    cold_nano: int | None
    most: Amounts | None
    serial: bool = False
    clamped: bool = False

    @property
    def label(self) -> str:
        return self.site.label(self.card.name)

    @property
    def quota(self) -> str:
        return self.site.quota(self.card.name)

    @property
    def minute_tokens(self) -> int:
        """What the attempt is expected to take of the vendor's tokens per minute, which cached ones are not part of."""
        return self.input_tokens - self.cached_tokens + self.output_tokens


class Judge:
    """Holds what is the same for every model of one request."""

    def __init__(self, ask: Classification, rules: Rules, policy: Policy, wishes: Wishes, warm: Warm | None) -> None:
        self.ask, self.rules, self.policy, self.wishes, self.warm = ask, rules, policy, wishes, warm
        self.needs = needs_under(ask, policy)

    def verdict(self, card: ModelCard, site: Site) -> Verdict:
        ask = self.ask
        serialises = self.policy.parallel_tools is ParallelTools.SERIALISE
        serial = serialises and Ability.PARALLEL_TOOLS not in card.abilities
        thinks, profile = Ability.REASONING in card.abilities, card.schema_profile
        input_tokens = ask.size.on(card.template, thinks=thinks, profile=profile, serial=serial)
        max_tokens = self.max_tokens(card, input_tokens)
        kind, language = ask.kind, ask.answer_language
        own = own_score(self.policy.scores, card.name, kind, language) if self.policy.scores else None
        score = own or self.rules.quality.score(card.name, kind, language)
        output = min(ask.output_tokens_expected, max_tokens) * ask.answers
        cached = self.warm.cached_tokens(card.name, site, input_tokens) if self.warm is not None else 0
        expected = cold = most = None
        if card.price is not None:
            sizes = {"input_tokens": input_tokens, "output_tokens": output}
            expected = estimate(card, **sizes, cached_tokens=cached, factor=site.factor)
            cold = estimate(card, **sizes, factor=site.factor) if cached else expected
            held = ask.size.most_on(card.template, thinks=thinks, profile=profile, serial=serial)
            most = bound(card, input_tokens=held, output_tokens=max_tokens, answers=ask.answers, factor=site.factor)
        return Verdict(
            card=card,
            site=site,
            objection=self.objection(card, site, input_tokens, max_tokens),
            score=score,
            max_tokens=max_tokens,
            input_tokens=input_tokens,
            output_tokens=output,
            cached_tokens=cached,
            expected_nano=expected,
            cold_nano=cold,
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

    def objection(self, card: ModelCard, site: Site, input_tokens: int, max_tokens: int) -> Why | None:
        ask = self.ask
        if not self.policy.allows(card.name):
            return Why.NOT_ALLOWED
        if not in_scope(card, self.wishes.key_models):
            return Why.OUTSIDE_KEY
        missing = self.needs - card.abilities
        for purpose, why in PURPOSES.items():
            if purpose in missing:
                return why
        if card.price is None:
            return Why.NO_PRICE
        if self.policy.region.value not in ("any", site.region):
            return Why.WRONG_REGION
        if missing:
            return next(why for need, why in LACKS.items() if need in missing)
        if card.schema_profile in ask.misfits:
            return Why.UNFIT_SCHEMA
        wanted = max_tokens if ask.output_tokens_max is not None else min(OUTPUT_MIN, card.output_tokens_max)
        in_window = input_tokens if ask.window_tokens is None else ask.window_tokens
        if in_window + wanted >= card.context_tokens:
            return Why.CONTEXT_TOO_SMALL
        if wanted > card.output_tokens_max:
            return Why.OUTPUT_TOO_SMALL
        return None


def needs_under(ask: Classification, policy: Policy) -> frozenset[Ability]:
    """What a model must be able to do: several tool calls in a turn only when the policy will not do without."""
    serialises = policy.parallel_tools is ParallelTools.SERIALISE
    return ask.needs - {Ability.PARALLEL_TOOLS} if serialises else ask.needs
