"""A key's own budget and limits, given when it is made: rules of its team's policy that name this key."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from router.core.budgets import budgets_of
from router.core.charges import Account
from router.core.grants import Grant
from router.core.policy import Budget, Limit, Policy, Scope
from router.core.policy_checks import check_policy

RATES = ("requests_per_minute", "tokens_per_minute", "concurrency")


class KeyRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`usd` and `window` as in a policy's budget, the rest as in its limits; None where the key has no rule of its
    own."""

    usd: str | None = None
    window: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None

    @property
    def rates(self) -> bool:
        return any(getattr(self, name) is not None for name in RATES)


def with_key(policy: Policy, key: str, own: KeyRules | None) -> Policy:
    """The policy with the key's own rules. Where the policy has a rule for every key, the key's own stands in its
    place; a rule of the policy that names the key goes before both."""
    if own is None:
        return policy
    budgets, limits = policy.budgets, policy.limits
    if own.usd is not None and own.window is not None:
        budgets = (Budget(scope=Scope.KEY, id=key, usd=own.usd, window=own.window), *budgets)
    if own.rates:
        rates = {name: getattr(own, name) for name in RATES}
        limits = (Limit(scope=Scope.KEY, id=key, **rates), *limits)
    return replace(policy, budgets=budgets, limits=limits)


def all_budgets(
    policy: Policy, keys: Mapping[str, KeyRules | None], now_ms: int, grants: tuple[Grant, ...]
) -> list[Account]:
    """The money accounts of the team and of these keys by their ids, each key by the rules that it is held to."""
    plain = [key for key, own in keys.items() if own is None]
    found = {account.name: account for account in budgets_of(policy, plain, now_ms, grants)}
    for key, own in keys.items():
        if own is not None:
            found |= {
                account.name: account for account in budgets_of(with_key(policy, key, own), [key], now_ms, grants)
            }
    return list(found.values())


def check_key_rules(own: KeyRules) -> None:
    """Raises ValueError with the field and the mistake."""
    if (own.usd is None) is not (own.window is None):
        raise ValueError("window: goes together with budget_usd: give both, or neither")
    rules = with_key(Policy(), "key", own)
    try:
        check_policy(replace(Policy(), budgets=rules.budgets, limits=rules.limits))
    except ValueError as error:
        field = str(error).partition(".")[2] or str(error)
        raise ValueError(f"budget_{field}" if field.startswith("usd") else field) from None
