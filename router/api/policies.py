"""The operations plane's part about one team's policy: each value in effect with its origin, and how its budgets
stand."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from router.api.asking import check_team, stamp
from router.api.grants import shown
from router.core.budgets import budgets_of
from router.core.charges import Account, Standing
from router.core.grants import Grant
from router.core.money import usd
from router.core.policy_fields import effective
from router.core.rules import Rules
from router.store.grants import GrantBook
from router.store.keyring import Keyring
from router.store.twins import Twins

# A script holds the store up for all others while it runs.
PEEKED_MAX: Final = 16


def policy_routes(
    rules: Callable[[], Rules],
    keyring: Keyring,
    twins: Twins,
    book: GrantBook,
    settle: Callable[[], Awaitable[object]],
) -> list[HTTPRouteHandler]:
    """`settle` waits until what was answered is booked."""

    @get("/admin/v1/policies/{team:str}")
    async def show_policy(team: str) -> dict[str, Any]:
        """The policy in effect for a team, whether it has a file or not."""
        now_ms, now = int(time.time() * 1000), rules()
        policy, file = now.policy_of(check_team(team)), now.file_of(team)
        await book.read()
        grants = tuple(grant for grant in book.of(team) if grant.holds(now_ms))
        keys = [key.id for key in await keyring.list() if key.team == team and key.revoked_at is None]
        accounts = budgets_of(policy, keys, now_ms, grants)
        await settle()
        standings: list[Standing] = []
        for start in range(0, len(accounts), PEEKED_MAX):
            standings += await twins.peek(team, accounts[start : start + PEEKED_MAX])
        return {
            "team": team,
            "file": f"{file}.toml",
            "rules": now.version,
            "fields": effective(now, team),
            "grants": [shown(grant) for grant in grants],
            "budgets": [_budget(standing, grants, now_ms) for standing in standings],
        }

    return [show_policy]


def _budget(standing: Standing, grants: tuple[Grant, ...], now_ms: int) -> dict[str, Any]:
    account = standing.account
    return {
        "scope": account.scope.value,
        "id": account.id,
        "window": account.window,
        "mode": _mode(account),
        "limit_usd": usd(account.limit),
        "granted_by": [one.id for one in grants if one.raises(account.scope, account.id, account.window)],
        "spent_usd": usd(standing.spent),
        "reserved_usd": usd(standing.held),
        "left_usd": usd(standing.remaining),
        "resets_at": stamp((now_ms + standing.reset_ms) / 1000) if standing.reset_ms >= 0 else None,
    }


def _mode(account: Account) -> str:
    return "shadow" if account.shadow else "hard" if account.enforced else "soft"
