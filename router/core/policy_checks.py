"""What a policy's values must be so that they can be meant, each by itself. What rules say of one another:
core/contradictions.py."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from router.core.kinds import SCORE_MAX
from router.core.money import parse_usd
from router.core.policy import (
    DEFAULT_TEAM,
    NAME,
    USAGE_KEPT_DAYS_MAX,
    Budget,
    Limit,
    Mode,
    OnExhausted,
    Policy,
    Scope,
    quality_number,
    rolling_ms,
)

VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}\Z")
RECORDS_KEPT_MAX: Final = 1_000_000
# The store's scripts count in doubles, exact to 2**53; this leaves room for sums.
RATE_MAX: Final = 10**15
_CALENDAR: Final = ("hour", "day", "week", "month", "total")


def check_policy(policy: Policy) -> None:
    """Raises ValueError with the place and the mistake when the file's values cannot be meant."""
    if not NAME.match(policy.team):
        raise ValueError("team: 1 to 64 letters, digits, points, hyphens and underscores")
    try:
        quality_number(policy.quality)
    except ValueError as error:
        raise ValueError(f"quality: {error}") from None
    for field in ("default_max_tokens", "default_max_tokens_reasoning"):
        if getattr(policy, field) < 1:
            raise ValueError(f"{field}: must be at least 1")
    if not 0.5 <= policy.hold_quantile < 1:
        raise ValueError("hold_quantile: must be at least 0.5 and below 1")
    for field, least, most in (
        ("records_kept", 1, RECORDS_KEPT_MAX),
        ("details_kept", 0, policy.records_kept),
        ("usage_kept_days", 1, USAGE_KEPT_DAYS_MAX),
    ):
        if not least <= getattr(policy, field) <= most:
            raise ValueError(f"{field}: must be from {least} to {most}")
    if not policy.escalation_cost_max >= 1:
        raise ValueError("escalation_cost_max: must be at least 1, the first choice's own cost")
    if policy.upstream_key is not None and not VARIABLE.match(policy.upstream_key):
        # What stands there may be a key itself, so it is not repeated.
        raise ValueError("upstream_key: names an environment variable, in capitals; the key itself never stands here")
    if not policy.models.allow:
        raise ValueError("models.allow: allows no model, so no request could be served")
    for place, scope in policy.scopes():
        if scope is Scope.ORGANISATION and policy.team != DEFAULT_TEAM:
            raise ValueError(f"{place}.scope: organisation counts all teams together: write it into default.toml")
    seen: set[tuple[object, ...]] = set()
    for index, own in enumerate(policy.scores):
        if not 0 <= own.score <= SCORE_MAX:
            raise ValueError(f"score[{index}].score: is from 0 to {SCORE_MAX}, not {own.score}")
        _once(seen, (own.model, own.kind, own.language), f"score[{index}]", "the same model, kind and language")
    for index, budget in enumerate(policy.budgets):
        _check_budget(budget, f"budget[{index}]")
        _once(seen, (budget.scope, budget.id, "usd", budget.window), f"budget[{index}]")
    for index, limit in enumerate(policy.limits):
        _check_limit(limit, f"limit[{index}]", seen)


def _check_budget(budget: Budget, place: str) -> None:
    _check_id(budget.scope, budget.id, place)
    try:
        parse_usd(budget.usd)
    except ValueError as error:
        raise ValueError(f"{place}.usd: {error}") from None
    _check_overshoot(budget, place)
    if budget.window not in _CALENDAR and rolling_ms(budget.window) is None:
        raise ValueError(f"{place}.window: {budget.window!r} is not one of {', '.join(_CALENDAR)}, or like 24h or 7d")
    try:
        ZoneInfo(budget.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{place}.zone: {budget.zone!r} is not an IANA time zone such as Europe/Paris") from None


def _check_overshoot(budget: Budget, place: str) -> None:
    if budget.overshoot_usd is None:
        return
    try:
        overshoot = parse_usd(budget.overshoot_usd)
    except ValueError as error:
        raise ValueError(f"{place}.overshoot_usd: {error}") from None
    if overshoot > budget.nano:
        raise ValueError(f"{place}.overshoot_usd: is more than the budget itself, {budget.usd} USD")
    if budget.mode is not Mode.HARD or budget.on_exhausted is not OnExhausted.DENY:
        raise ValueError(f"{place}.overshoot_usd: this budget refuses nothing, so there is nothing to exceed")


def _check_limit(limit: Limit, place: str, seen: set[tuple[object, ...]]) -> None:
    _check_id(limit.scope, limit.id, place)
    kinds = ("requests_per_minute", "tokens_per_minute", "concurrency")
    if all(getattr(limit, kind) is None for kind in kinds):
        raise ValueError(f"{place}: names none of {', '.join(kinds)}")
    for kind in kinds:
        value = getattr(limit, kind)
        if value is None:
            continue
        if value < 0:
            raise ValueError(f"{place}.{kind}: must not be negative")
        if value > RATE_MAX:
            raise ValueError(f"{place}.{kind}: must be at most {RATE_MAX:,}; leave it out for no limit")
        _once(seen, (limit.scope, limit.id, kind), f"{place}.{kind}")


def _check_id(scope: Scope, name: str | None, place: str) -> None:
    if name is not None and not NAME.match(name):
        raise ValueError(f"{place}.id: 1 to 64 letters, digits, points, hyphens and underscores")
    if scope in (Scope.MODEL, Scope.TAG) and name is None:
        raise ValueError(f"{place}.id: a rule of scope {scope.value} names which one")
    if scope is Scope.TEAM and name is not None:
        raise ValueError(f"{place}.id: a rule of scope team has none: it counts this file's team")
    if scope is Scope.ORGANISATION and name is not None:
        raise ValueError(f"{place}.id: a rule of scope organisation has none: it counts all teams together")


def _once(
    seen: set[tuple[object, ...]],
    rule: tuple[object, ...],
    place: str,
    what: str = "the same scope, id, kind and window",
) -> None:
    if rule in seen:
        raise ValueError(f"{place}: a rule of {what} stands above")
    seen.add(rule)
