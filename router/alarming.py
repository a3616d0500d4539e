"""The chore behind alarms of money: look how budgets stand, note what has been passed, deliver what was not taken yet.

One process of all replicas does a round at a time. Each alarm is noted before it is sent, and marked when it was taken:
it is delivered at least once, with an id that stays the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from router.core.alarms import names_of, passed
from router.core.charges import Account, Standing
from router.core.key_rules import KeyRules, all_budgets
from router.core.policy import Policy, Scope
from router.core.rules import Rules
from router.errors import StoreUnavailable
from router.ops.registry import Metrics
from router.store.alarms import AlarmBook, Noticed
from router.store.grants import GrantBook
from router.store.keyring import Keyring
from router.store.twins import Twins
from router.upstream.webhooks import TIMEOUT_S, Webhooks

log = logging.getLogger("router.alarming")

ROUND_S: Final = 10.0
TURN_S: Final = ROUND_S * 0.9
# A message that is being sent is left alone by others for so long.
SENDING_S: Final = TIMEOUT_S + 5.0
# A script holds the store up for all others while it runs.
PEEKED_MAX: Final = 16
SENT_MAX: Final = 16
RETRY_FIRST_S: Final = 10.0
RETRY_MAX_S: Final = 3_600.0
GIVE_UP_S: Final = 3 * 86_400.0


class Alarms:
    """`teams` are all that ever had a key; `clock` is epoch seconds."""

    def __init__(
        self,
        *,
        rules: Callable[[], Rules],
        teams: Callable[[], Awaitable[list[str]]],
        keyring: Keyring,
        twins: Twins,
        grants: GrantBook,
        book: AlarmBook,
        webhooks: Webhooks,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rules = rules
        self.teams = teams
        self.keyring = keyring
        self.twins = twins
        self.grants = grants
        self.book = book
        self.webhooks = webhooks
        self.metrics = metrics
        self.clock = clock

    async def watch(self) -> None:
        """Run for ever: a round every ten seconds, on one process of all."""
        while True:
            try:
                if any(policy.alarms for policy in self.rules().policies.values()) and await self.book.turn(TURN_S):
                    await self.look()
            except StoreUnavailable as error:
                log.warning("alarms were not looked at: %s", error.message)
            await asyncio.sleep(ROUND_S)

    async def look(self) -> None:
        """One round. Raises StoreUnavailable."""
        noticed = await self.book.all()
        for team, policy in await self._watched():
            for alarm in passed(policy.alarms, team, await self._standings(team, policy), self._now_ms()):
                if alarm.id not in noticed and (fresh := await self.book.note(alarm, self.clock())) is not None:
                    noticed[alarm.id] = fresh
        now_s = self.clock()
        if over := [name for name, one in noticed.items() if not one.body and one.until <= now_s]:
            await self.book.forget(*over)
        due = [(name, one) for name, one in noticed.items() if one.body and one.next <= now_s]
        await asyncio.gather(*(self._deliver(name, one) for name, one in due[:SENT_MAX]))

    async def _watched(self) -> list[tuple[str, Policy]]:
        """Every team whose policy has alarms, with that policy; `default` stands for the organisation, too."""
        rules = self.rules()
        found = [(team, policy) for team, policy in rules.policies.items() if policy.alarms]
        if rules.default.alarms:
            found += [(team, rules.policy_of(team)) for team in await self.teams() if team not in rules.policies]
        return found

    async def _standings(self, team: str, policy: Policy) -> list[Standing]:
        """How the budgets stand that the policy's alarms name."""
        named = {alarm.budget for alarm in policy.alarms}
        keys: dict[str, KeyRules | None] = {}
        if any(name.startswith(Scope.KEY.value) for name in named):
            keys = {key.id: key.own for key in await self.keyring.list() if key.team == team and key.revoked_at is None}
        accounts = [
            account
            for account in all_budgets(policy, keys, self._now_ms(), self.grants.of(team))
            if named & set(names_of(account)) and self._asked_of(account, team)
        ]
        found: list[Standing] = []
        for start in range(0, len(accounts), PEEKED_MAX):
            found += await self.twins.peek(team, accounts[start : start + PEEKED_MAX])
        return found

    def _asked_of(self, account: Account, team: str) -> bool:
        """What all teams share is looked at once."""
        return account.scope is not Scope.ORGANISATION or team == self.rules().default.team

    async def _deliver(self, name: str, noticed: Noticed) -> None:
        if not self.webhooks.knows(noticed.webhook):
            log.warning("alarm %s waits: this process was started without webhook %s", name, noticed.webhook)
            return
        await self.book.keep(name, replace(noticed, next=self.clock() + SENDING_S))
        why = await self.webhooks.send(noticed.webhook, name, noticed.body)
        now_s = self.clock()
        if why is None:
            result, kept = "delivered", replace(noticed, body="")
        elif now_s - noticed.since > GIVE_UP_S:
            result, kept = "given_up", replace(noticed, body="")
        else:
            wait_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** min(noticed.attempts, 20))
            result, kept = "failed", replace(noticed, attempts=noticed.attempts + 1, next=now_s + wait_s)
        if why is not None:
            log.warning("webhook %s did not take alarm %s: %s (%s)", noticed.webhook, name, why, result)
        self.metrics.child("router_webhooks_total", noticed.webhook, result).inc()
        await self.book.keep(name, kept)

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)
