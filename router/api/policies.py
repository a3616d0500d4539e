"""The operations plane's part about one team's policy: each value in effect with its origin, and how its budgets
stand."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from router.api.admin import shown_key
from router.api.asking import check_team, stamp
from router.api.changes import Changes
from router.api.grants import grant_routes, shown
from router.core.charges import Account, Standing
from router.core.grants import Grant
from router.core.key_rules import all_budgets
from router.core.keys import KeyRecord
from router.core.money import usd
from router.core.policy import Policy
from router.core.policy_fields import effective
from router.core.rules import Rules
from router.errors import NotFound
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
    changes: Changes,
) -> list[HTTPRouteHandler]:
    """`settle` waits until what was answered is booked."""

    @get("/admin/v1/policies/{team:str}")
    async def show_policy(team: str) -> dict[str, Any]:
        """The policy in effect for a team, whether it has a file or not."""
        now_ms, now = int(time.time() * 1000), rules()
        policy, file = now.policy_of(check_team(team)), now.file_of(team)
        await book.read()
        grants = tuple(grant for grant in book.of(team) if grant.holds(now_ms))
        keys = [key for key in await keyring.list() if key.team == team and key.revoked_at is None]
        return {
            "team": team,
            "file": f"{file}.toml",
            "rules": now.version,
            "fields": effective(now, team),
            "grants": [shown(grant) for grant in grants],
            "budgets": await standing(policy, keys, grants, now_ms),
        }

    @get("/admin/v1/keys/{key_id:str}")
    async def show_key(key_id: str) -> dict[str, Any]:
        """One key, and how the budgets stand that it alone is counted on."""
        record = await keyring.find(key_id)
        if record is None:
            raise NotFound(f"There is no key {key_id!r}.", param="id")
        await book.read()
        now_ms, policy = int(time.time() * 1000), rules().policy_of(record.team)
        budgets = await standing(policy, [record], book.of(record.team), now_ms)
        return {**shown_key(record), "budgets": [one for one in budgets if one["id"] == record.id]}

    async def standing(
        policy: Policy, keys: list[KeyRecord], grants: tuple[Grant, ...], now_ms: int
    ) -> list[dict[str, Any]]:
        accounts = all_budgets(policy, {key.id: key.own for key in keys}, now_ms, grants)
        await settle()
        standings: list[Standing] = []
        for start in range(0, len(accounts), PEEKED_MAX):
            standings += await twins.peek(policy.team, accounts[start : start + PEEKED_MAX])
        return [_budget(one, grants, now_ms) for one in standings]

    return [show_policy, show_key, *grant_routes(rules, keyring, book, changes)]


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
        "resets_at": _resets_at(standing, now_ms),
    }


def _resets_at(standing: Standing, now_ms: int) -> str | None:
    # The end of a calendar window is known; counted from now it would be told a moment too early, on the day before.
    if (end_ms := standing.account.resets_ms) is None and standing.reset_ms >= 0:
        end_ms = now_ms + standing.reset_ms
    return stamp(end_ms / 1000) if end_ms is not None else None


def _mode(account: Account) -> str:
    return "shadow" if account.shadow else "hard" if account.enforced else "soft"
