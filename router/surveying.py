"""What /metrics shows that no request tells: how budgets stand, and how this process and its store do at the moment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from typing import Final, Protocol

from router.core.charges import Account, Standing, budgets_of
from router.core.policy import Policy, Scope
from router.core.rules import Rules
from router.errors import StoreUnavailable
from router.ops.registry import Metrics
from router.ops.survey import Figures
from router.store.ledger import Ledger
from router.store.reconciling import Reconciler
from router.store.records import Records

SURVEY_EVERY_S: Final = 10.0
# Unconfirmed holds are many after an outage, and change slowly: every sixth round is soon enough.
UNCONFIRMED_EVERY: Final = 6
# Beyond these, teams without a policy of their own are left out: each has a series for every budget.
TEAMS_MAX: Final = 1_000
# As many teams are asked about at once: their scripts share a round trip, and the store serves others in between.
TOGETHER: Final = 16
LOOK_EVERY_S: Final = 1.0
PING_EVERY: Final = 5

_SPENT: Final = "router_budget_spent_usd"
_RESERVED: Final = "router_budget_reserved_usd"
_LIMIT: Final = "router_budget_limit_usd"
_RESETS: Final = "router_budget_resets_timestamp_seconds"
_UNCONFIRMED: Final = "router_unconfirmed_usd"


class Surveyor:
    """Reads how every team's budgets stand, in one process of those that share figures. `wall` is epoch seconds."""

    def __init__(
        self,
        *,
        metrics: Metrics,
        rules: Callable[[], Rules],
        records: Records,
        ledger: Ledger,
        reconciler: Reconciler,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._survey = metrics.survey
        self._rules = rules
        self._records = records
        self._ledger = ledger
        self._reconciler = reconciler
        self._wall = wall
        self._unconfirmed: dict[str, int] = {}

    async def watch(self) -> None:
        """Survey, for ever; while another process does, or the store is away, wait."""
        rounds = 0
        while True:
            if self._survey.mine():
                with contextlib.suppress(StoreUnavailable):  # what was read last is shown until it is too old
                    await self.survey(unconfirmed=rounds % UNCONFIRMED_EVERY == 0)
                    rounds += 1
            await asyncio.sleep(SURVEY_EVERY_S)

    async def survey(self, *, unconfirmed: bool) -> None:
        """Read and show, once; what is unconfirmed only of new teams, or with `unconfirmed` of all. Raises
        StoreUnavailable."""
        rules = self._rules()
        teams = _chosen(await self._records.teams(), rules)
        figures: Figures = {name: [] for name in (_SPENT, _RESERVED, _LIMIT, _RESETS, _UNCONFIRMED)}
        for start in range(0, len(teams), TOGETHER):
            some = teams[start : start + TOGETHER]
            for team, standings in zip(some, await self._standings(some, rules), strict=True):
                for standing in standings:
                    self._add(figures, team, standing)
        known = {} if unconfirmed else self._unconfirmed
        self._unconfirmed = {
            team: known[team] if team in known else await self._reconciler.unconfirmed_nano(team) for team in teams
        }
        figures[_UNCONFIRMED] = [((team,), nano / 1e9) for team, nano in self._unconfirmed.items()]
        self._survey.show(figures)

    async def _standings(self, teams: Iterable[str], rules: Rules) -> list[list[Standing]]:
        now_ms = int(self._wall() * 1000)
        return await asyncio.gather(*(self._of(rules.policy_of(team), now_ms) for team in teams))

    async def _of(self, policy: Policy, now_ms: int) -> list[Standing]:
        accounts = budgets_of(policy, now_ms)
        return await self._ledger.peek(policy.team, accounts) if accounts else []

    def _add(self, figures: Figures, team: str, standing: Standing) -> None:
        account = standing.account
        name = "" if account.scope is Scope.TEAM else account.id
        labels = (team, account.scope.value, name, account.window, _mode(account))
        figures[_SPENT].append((labels, standing.spent / 1e9))
        figures[_RESERVED].append((labels, standing.held / 1e9))
        figures[_LIMIT].append((labels, account.limit / 1e9))
        if account.resets_ms is not None:
            figures[_RESETS].append((labels, account.resets_ms / 1000))


def _chosen(known: list[str], rules: Rules) -> list[str]:
    """The teams that are shown: those with a policy of their own, and others that hold a key."""
    own = [team for team in known if team in rules.policies]
    return [*own, *(team for team in known if team not in rules.policies)][:TEAMS_MAX]


def _mode(account: Account) -> str:
    if account.shadow:
        return "shadow"
    return "hard" if account.enforced else "soft"


class Window(Protocol):
    """How much of a model's window at the vendor is left; `measure` is what it counts, requests or tokens."""

    @property
    def quota(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def limit(self) -> int: ...
    @property
    def remaining(self) -> int: ...


class Lookout:
    """Keeps the figures of this process that change without a request. `ping` asks the store whether it is there and
    raises when it is not; `resting` are the models that rest, `known` all that were ever asked, `windows` what the
    vendor has told of its own limits."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        mode: str,
        version: str,
        ping: Callable[[], Awaitable[object]],
        resting: Callable[[], Iterable[str]],
        known: Callable[[], Iterable[str]],
        rules: Callable[[], Rules],
        today: Callable[[], date],
        windows: Callable[[], Iterable[Window]],
    ) -> None:
        self._metrics = metrics
        self._store_up = metrics.child("router_store_up", mode)
        self._ping = ping
        self._resting = resting
        self._known = known
        self._rules = rules
        self._today = today
        self._windows = windows
        metrics.child("router_build_info", version).set(1)

    async def watch(self) -> None:
        """Look, for ever."""
        looks = 0
        while True:
            self.look()
            if looks % PING_EVERY == 0:
                await self.ask()
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Who rests, what is left of windows, and how old prices are."""
        resting = set(self._resting())
        for model in self._known():
            self._metrics.child("router_model_resting", model).set(model in resting)
        for window in self._windows():
            told = {"limit": window.limit, "remaining": window.remaining}
            self._metrics.quota_learned(window.quota, window.measure, **told)
        self._metrics.child("router_price_age_days").set((self._today() - self._rules().checked).days)

    async def ask(self) -> None:
        """Whether the store answers."""
        try:
            await self._ping()
        except StoreUnavailable:
            self._store_up.set(0)
        else:
            self._store_up.set(1)
