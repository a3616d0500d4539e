"""A team's money budgets as an operator sees them: every account of its policy, not only those of one request."""

from __future__ import annotations

from collections.abc import Sequence

from router.core.charges import Account, Measure, Owner, accounts_of
from router.core.grants import Grant
from router.core.policy import Policy, Scope


def named_keys(policy: Policy) -> list[str]:
    """The keys that the policy has a budget for by name."""
    return sorted({rule.id for rule in policy.budgets if rule.scope is Scope.KEY and rule.id})


def budgets_of(policy: Policy, keys: Sequence[str], now_ms: int, grants: tuple[Grant, ...]) -> tuple[Account, ...]:
    """The money accounts of the team and its `keys`, in the policy's order, for the windows that hold `now_ms`."""
    tags = tuple(dict.fromkeys(rule.id for rule in policy.budgets if rule.scope is Scope.TAG and rule.id))
    models = dict.fromkeys(rule.id for rule in policy.budgets if rule.scope is Scope.MODEL and rule.id)
    found: dict[str, Account] = {}
    for key in keys or ("",):
        for model in models or ("",):
            owner = Owner(team=policy.team, key=key, model=model, tags=tags)
            for account in accounts_of(policy, owner, now_ms, grants):
                if account.measure is Measure.USD and account.id:
                    found.setdefault(account.name, account)
    return tuple(found.values())
