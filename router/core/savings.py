"""What the same tokens would have cost elsewhere: the measure of what routing saves.

A saving is only as honest as what it is counted against, so three prices are kept of each answer: the dearest and the
cheapest model that could have given it, and the one that the policy names.
"""

from __future__ import annotations

import msgspec

from router.core.charges import real_cost
from router.core.plan import Plan
from router.wire.usage import Usage


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-USD of one answer's tokens; None where there is no such model with a price."""

    dearest_nano: int | None = None
    baseline_nano: int | None = None
    cheapest_nano: int | None = None


def elsewhere(plan: Plan, usage: Usage) -> Elsewhere:
    """`usage` at the prices of the plan's eligible models and of its baseline. A cached token counts as cached on each,
    and an answer as long on each."""
    eligible = [real_cost(verdict.card, usage, verdict.site.factor) for verdict in plan.order]
    return Elsewhere(
        dearest_nano=max(eligible, default=None),
        baseline_nano=baseline_nano(plan, usage),
        cheapest_nano=min(eligible, default=None),
    )


def baseline_nano(plan: Plan, usage: Usage) -> int | None:
    """`usage` at the price of the policy's baseline model; None when it is not made for the work, or has no price."""
    card = plan.baseline
    return real_cost(card, usage, plan.baseline_factor) if card is not None and card.price is not None else None
