"""What a served request tells its app about itself: the `router` object, whole or in short, and usage with its cost."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from router.core.explain import RouterObject, cost_nano, explain, saved_nano
from router.core.journey import Journey
from router.core.money import usd


def explained(journey: Journey, *, refused: bool = False) -> RouterObject | None:
    """The `router` object of a request, as far as it came; None before there was a plan. Where a request was `refused`
    before anybody was asked, `order` still says who would have been, but nobody was chosen."""
    if journey.ask is None or journey.plan is None:
        return None
    told = explain(journey.request_id, journey.ask, journey.plan, journey.attempts)
    return replace(told, chosen=None) if refused and not journey.attempts else told


def summary(journey: Journey) -> dict[str, Any]:
    """The part of the `router` object that every stream tells at its end."""
    whole, plan = explained(journey), journey.plan
    assert whole is not None and plan is not None, "a stream has a plan"
    return {
        "request_id": whole.request_id,
        "chosen": whole.chosen,
        "reason": whole.reason,
        "attempts": whole.attempts,
        "cost_usd": usd(cost_nano(journey.attempts)),
        "saved_usd": usd(saved_nano(plan, journey.attempts)),
    }


def priced(usage: dict[str, Any], journey: Journey) -> dict[str, Any]:
    """The usage with what the request cost in USD, all attempts together."""
    return {**usage, "cost": cost_nano(journey.attempts) / 1e9}
