"""Which budgets can be shown without a request that is charged to them."""

from __future__ import annotations

from datetime import datetime

from router.core.charges import Owner, accounts_of, budgets_of
from router.core.policy import Budget, Mode, Policy, Scope


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_budgets_that_say_whom_they_count_are_the_accounts_that_requests_are_charged_to() -> None:
    policy = Policy(
        team="t",
        budgets=(
            Budget(scope=Scope.TEAM, usd="1.00", window="month"),
            Budget(scope=Scope.TEAM, usd="1.00", window="24h", mode=Mode.SOFT),
            Budget(scope=Scope.KEY, usd="1.00", window="day"),  # as many accounts as there are keys
            Budget(scope=Scope.KEY, id="k2", usd="2.00", window="day", zone="Asia/Kolkata"),
            Budget(scope=Scope.MODEL, id="large", usd="1.00", window="total"),
            Budget(scope=Scope.TAG, id="nightly", usd="1.00", window="week"),
        ),
    )
    now = ms("2026-11-25T22:00:00+00:00")
    shown = budgets_of(policy, now)
    charged = accounts_of(policy, Owner(team="t", key="k2", model="large", tags=("nightly",)), now)
    assert set(shown) == {account for account in charged if account.name != "key:k2:usd:day"}
    assert [account.resets_ms for account in shown] == [
        ms("2026-12-01T00:00:00+00:00"),
        None,
        ms("2026-11-26T00:00:00+05:30") + 24 * 3_600_000,
        None,
        ms("2026-11-30T00:00:00+00:00"),
    ]
