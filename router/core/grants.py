"""Grants: more money for a while. A grant raises the limit of the budgets it is about until it ends, and counts nothing
itself: what was spent stays spent, and what is held when it ends stays held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from router.core.money import NANO, USD_MAX
from router.core.policy import Policy, Scope


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is one key, model or tag; without it every budget of the scope is meant, and without a `window` every
    window. Times are epoch seconds; `by` is the fingerprint of the admin key. A revoked one is kept until its time, so
    that an older backup does not bring it back."""

    id: str
    team: str
    nano: int
    scope: Scope
    since: float
    until: float
    reason: str
    by: str
    target: str | None = None
    window: str | None = None
    revoked_at: float | None = None

    def holds(self, now_ms: int) -> bool:
        return self.revoked_at is None and self.since * 1000 <= now_ms < self.until * 1000

    def raises(self, scope: Scope, target: str, window: str) -> bool:
        """Whether it is about that budget; `target` is the id that the budget's account goes by."""
        return self.scope is scope and self.target in (None, target) and self.window in (None, window)

    def meant_by(self, policy: Policy) -> bool:
        """Whether the policy has a budget that it can raise."""
        return any(
            budget.scope is self.scope
            and self.window in (None, budget.window)
            and (self.target is None or budget.id in (None, self.target))
            for budget in policy.budgets
        )


class Grants(msgspec.Struct, frozen=True, kw_only=True):
    """Every grant whose time has not ended, oldest first."""

    grants: tuple[Grant, ...] = ()

    def at(self, now_s: float) -> Grants:
        return Grants(grants=tuple(grant for grant in self.grants if grant.until > now_s))

    @property
    def until(self) -> float:
        """When the last of them ends, in epoch seconds; 0 when there is none."""
        return max((grant.until for grant in self.grants), default=0.0)


NONE_GRANTED: Final = Grants()


def granted(grants: Iterable[Grant], scope: Scope, target: str, window: str, now_ms: int) -> int:
    """By how much the limit of a budget is raised at that instant, in nano-USD."""
    return sum(grant.nano for grant in grants if grant.holds(now_ms) and grant.raises(scope, target, window))


def raised(nano: int, grants: Iterable[Grant], scope: Scope, target: str, window: str, now_ms: int) -> int:
    """A budget's limit with what is granted at that instant, never beyond what is counted exactly."""
    return min(nano + granted(grants, scope, target, window, now_ms), USD_MAX * NANO)
