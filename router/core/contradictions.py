"""Rules of a policy that cannot be meant together: out of order, never reached, or hidden behind another. Each is told
with its place in the file, so that nobody relies on a rule that does nothing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Final

from router.core.asked import AUTO
from router.core.budget_lines import Alarm, Step
from router.core.catalog import Shelf
from router.core.pacing import STEPS
from router.core.policy import Budget, Limit, Mode, Models, OnExhausted, Policy, Scope, rolling_ms, whose

# Calendar windows that hold the whole of another; a week may begin in one month and end in the next.
_LONGER: Final = {
    "hour": ("hour", "day", "week", "month", "total"),
    "day": ("day", "week", "month", "total"),
    "week": ("week", "total"),
    "month": ("month", "total"),
    "total": ("total",),
}
_RATES: Final = ("requests_per_minute", "tokens_per_minute", "concurrency")


def check_rules(policy: Policy, shelf: Shelf) -> None:
    """Raises ValueError with the place and the mistake."""
    for index, budget in enumerate(policy.budgets):
        _check_thresholds(budget, f"budget[{index}]")
        _check_pace(budget, f"budget[{index}]")
    for index, alarm in enumerate(policy.alarms):
        _check_alarm(alarm, f"alarm[{index}]", policy)
    _check_models(policy, shelf)
    _check_ends(policy)
    _check_reach(policy)


def _check_thresholds(budget: Budget, place: str) -> None:
    for share in budget.warn_at:
        if not 0 < share <= 1:
            raise ValueError(f"{place}.warn_at: holds shares of the budget, above 0 and at most 1, not {share}")
    _check_order(budget.warn_at, f"{place}.warn_at")
    if (budget.warn_at or budget.pace) and budget.mode is Mode.SHADOW:
        raise ValueError(f"{place}.mode: a shadow budget only counts, so it has neither warn_at nor pace")


def _check_order(shares: tuple[float, ...], place: str) -> None:
    for before, after in pairwise(shares):
        if after <= before:
            raise ValueError(f"{place}: {after} stands behind {before}: thresholds ascend")


def _check_alarm(alarm: Alarm, place: str, policy: Policy) -> None:
    if not alarm.at:
        raise ValueError(f"{place}.at: names no share of the budget")
    for share in alarm.at:
        if not 0 < share < float("inf"):
            raise ValueError(f"{place}.at: holds shares of the budget above 0, not {share}")
    _check_order(alarm.at, f"{place}.at")
    names = [f"{whose(budget)}.{budget.window}" for budget in policy.budgets]
    if alarm.budget not in names:
        known = ", ".join(names) or "none"
        raise ValueError(f"{place}.budget: {alarm.budget!r} is no budget of this file (there is {known})")


def _check_pace(budget: Budget, place: str) -> None:
    if budget.pace and (budget.window == "total" or rolling_ms(budget.window) is not None):
        raise ValueError(
            f"{place}.pace: a window of {budget.window} has no end to foretell; use hour, day, week or month"
        )
    for index, rung in enumerate(budget.pace):
        if not 0 < rung.above < float("inf"):
            raise ValueError(f"{place}.pace[{index}].above: is a share of the budget above 0, not {rung.above}")
        if rung.step is Step.DENY and not _refuses(budget):
            raise ValueError(f"{place}.pace[{index}].step: this budget refuses nothing, so its pace does not either")
    for index, (before, after) in enumerate(pairwise(budget.pace), 1):
        if after.above <= before.above:
            raise ValueError(f"{place}.pace[{index}].above: {after.above} stands behind {before.above}: steps ascend")
        if STEPS.index(after.step) <= STEPS.index(before.step):
            raise ValueError(
                f"{place}.pace[{index}].step: {after.step.value} is not stricter than {before.step.value} before it"
            )


def _check_models(policy: Policy, shelf: Shelf) -> None:
    allowed = policy.models.allow
    # The product's own globs may be wider than a catalogue that somebody has cut short.
    for index, pattern in enumerate(allowed if allowed != Models().allow else ()):
        if not any(fnmatchcase(card, pattern) for card in shelf.cards):
            raise ValueError(f"models.allow[{index}]: {pattern!r} matches no model of the catalogue")
    globs: list[str] = []
    for name, target in policy.models.map.items():
        resolved = shelf.resolve(target) if target not in AUTO else None
        if resolved is not None and not policy.allows(resolved.card.name):
            raise ValueError(
                f"models.map.{name!r}: {resolved.card.name!r} is not among models.allow, so nothing serves it"
            )
        if not set(name) & set("*?["):
            continue  # an exact name goes before every glob
        hider = next((glob for glob in globs if _covers(glob, name)), None)
        if hider is not None:
            raise ValueError(
                f"models.map.{name!r}: is never reached, because {hider!r} above takes all that it matches"
            )
        globs.append(name)
    for index, rule in enumerate(policy.budgets):
        _check_allowed(rule, f"budget[{index}]", policy)
    for index, limit in enumerate(policy.limits):
        _check_allowed(limit, f"limit[{index}]", policy)


def _covers(glob: str, other: str) -> bool:
    """Whether `glob` surely matches whatever `other` does: a star of the other can only stand under a star."""
    return not set(glob) & set("?[") and fnmatchcase(other, glob)


def _check_allowed(rule: Budget | Limit, place: str, policy: Policy) -> None:
    if rule.scope is Scope.MODEL and not policy.allows(str(rule.id)):
        raise ValueError(f"{place}.id: {rule.id!r} is not among models.allow, so the rule counts nothing")


def _check_ends(policy: Policy) -> None:
    """A rule that refuses all of the team's requests leaves nothing for the others."""
    rules: list[tuple[str, Budget | Limit]] = []
    rules += [(f"budget[{index}]", budget) for index, budget in enumerate(policy.budgets)]
    rules += [(f"limit[{index}]", limit) for index, limit in enumerate(policy.limits)]
    for place, rule in rules:
        if rule.scope in (Scope.TEAM, Scope.ORGANISATION) and _refuses(rule) and _nothing(rule) and len(rules) > 1:
            raise ValueError(
                f"{place}: refuses every request, so no other rule is ever reached; keep it alone, or raise it"
            )


def _nothing(rule: Budget | Limit) -> bool:
    if isinstance(rule, Budget):
        return rule.nano == 0
    return any(getattr(rule, name) == 0 for name in _RATES)


def _refuses(rule: Budget | Limit) -> bool:
    if isinstance(rule, Budget) and rule.on_exhausted is not OnExhausted.DENY:
        return False
    return rule.mode is Mode.HARD


def _check_reach(policy: Policy) -> None:
    """A rule that a wider one always comes before: the wider holds all that it counts, and has less room."""
    for index, budget in enumerate(policy.budgets):
        for place, wider in enumerate(policy.budgets):
            if place != index and comes_before(wider, budget):
                raise ValueError(
                    f"budget[{index}].usd: {budget.usd} is never reached: budget[{place}] refuses at {wider.usd} before"
                )
    for index, limit in enumerate(policy.limits):
        for place, other in enumerate(policy.limits):
            for rate in rates_before(other, limit) if place != index else ():
                own, least = getattr(limit, rate), getattr(other, rate)
                raise ValueError(
                    f"limit[{index}].{rate}: {own} is never reached: limit[{place}] refuses at {least} before"
                )


def comes_before(wider: Budget, budget: Budget) -> bool:
    """Whether `wider` always refuses before `budget` does."""
    return budget.nano > wider.nano and _stands_over(wider, budget) and _spans(wider, budget)


def rates_before(wider: Limit, limit: Limit) -> list[str]:
    """The rates at which `wider` always refuses before `limit` does."""
    if not _stands_over(wider, limit):
        return []
    figures = ((rate, getattr(limit, rate), getattr(wider, rate)) for rate in _RATES)
    return [rate for rate, own, least in figures if own is not None and least is not None and own > least]


def _stands_over(wider: Budget | Limit, rule: Budget | Limit) -> bool:
    """Whether `wider` refuses, and counts all that `rule` does. The organisation's rules are not held against the
    teams': most of those stand in other files, and each is lowered by itself."""
    if not _refuses(wider) or rule.mode is Mode.SHADOW:
        return False
    if wider.scope is rule.scope:
        return wider.id == rule.id
    return wider.scope is Scope.TEAM and rule.scope is not Scope.ORGANISATION


def _spans(wider: Budget, budget: Budget) -> bool:
    """Whether every window of `budget` lies within one of `wider`."""
    length, own = rolling_ms(wider.window), rolling_ms(budget.window)
    if length is not None and own is not None:
        return own <= length
    if wider.window == "total":
        return True
    return wider.window in _LONGER.get(budget.window, ()) and wider.zone == budget.zone
