"""Admission: what a request holds before its first attempt, and what is tried before it is refused for money.

A refusal tells an app that its budget is spent. So as long as the router's own caution is in the way (a bound that the
app never asked for, held by requests that will use a part of it), it asks for less, or waits a little, before it
refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from router.core.admission import clamped, could_be_cheaper, exhausted_economy, likely, may_wait, smaller
from router.core.attempts import REMAINING_MIN_S
from router.core.budget_lines import Step
from router.core.charges import Denial, Measure, Standing
from router.core.habits import Habits
from router.core.journey import Journey
from router.core.judging import Verdict
from router.core.pacing import paced
from router.core.plan import Plan
from router.core.policy import OnExhausted
from router.core.refusals import denied, too_fast
from router.errors import StoreUnavailable
from router.holding import Holding, vector
from router.store.ledger import Reservation

# A refusal for money that is only held waits for so long. An SDK's own retry would come after half a second or two.
WAIT_S: Final = 5.0
PAUSE_S: Final = 0.1


class Admitting:
    """`clock` is the monotonic clock that journeys are timed with."""

    def __init__(self, holding: Holding, habits: Habits, clock: Callable[[], float]) -> None:
        self.holding = holding
        self.habits = habits
        self.clock = clock

    async def admit(self, journey: Journey, plan: Plan, cheaper: Callable[[], Plan]) -> Reservation:
        """Hold what the first attempt can cost; `cheaper` plans anew by the cheapest mode. The journey's plan is then
        the one that is served. Raises BudgetExceeded, RateLimited or StoreUnavailable."""
        standings = await self._ahead(journey, plan)
        step = paced(standings, journey.at_ms)
        if step is not None and step.pace.step is Step.DENY:
            raise too_fast(step, journey.team)
        saves = step is not None and step.pace.step in (Step.ECONOMY, Step.SMALLER_OUTPUTS)
        if (saves or exhausted_economy(standings)) and could_be_cheaper(plan):
            journey.degraded, plan = "budget", cheaper()
        first = plan.order[0]
        if step is not None and step.pace.step is Step.SMALLER_OUTPUTS and journey.ask is not None:
            first = smaller(first, journey.ask)
        held, verdict = await self._held(journey, first)
        if isinstance(held, Denial):
            journey.standings = (held.standing,)
            raise denied(held, journey.team)
        journey.plan = replace(plan, order=(verdict, *plan.order[1:])) if verdict is not plan.order[0] else plan
        journey.admitted = True
        return held

    async def _ahead(self, journey: Journey, plan: Plan) -> list[Standing]:
        """How the budgets stand that say what is done before they refuse. A round trip of its own, for the policies
        that have such a budget."""
        accounts = [
            account
            for account in vector(journey, plan.order[0])(journey.at_ms)
            if account.on_exhausted is OnExhausted.ECONOMY or account.pace
        ]
        if not accounts:
            return []
        try:
            return await self.holding.twins.peek(journey.team, accounts)
        except StoreUnavailable:
            return []  # what becomes of the request then is decided when its hold is taken

    async def _held(self, journey: Journey, verdict: Verdict) -> tuple[Reservation | Denial, Verdict]:
        """The hold, and the verdict that it is for."""
        ask = journey.ask
        assert ask is not None, "only a classified request is admitted"
        ends_s = min(self.clock() + WAIT_S, journey.deadline_s - REMAINING_MIN_S)
        while True:
            tried = self._usual(journey, verdict)
            held = await self.holding.take(journey, tried)
            if isinstance(held, Denial) and held.standing.account.measure is Measure.EXPOSURE:
                tried = verdict
                held = await self.holding.take(journey, tried)
            if isinstance(held, Denial) and held.standing.account.measure is Measure.USD:
                shorter = clamped(verdict, ask, held.standing.remaining)
                if shorter is not None:
                    tried = shorter
                    held = await self.holding.take(journey, tried)
            if isinstance(held, Reservation):
                return held, tried
            others = self.holding.leases.under_way(journey.team)
            if self.clock() >= ends_s or not may_wait(held, verdict, ask, others=others):
                return held, tried
            await asyncio.sleep(PAUSE_S)

    def _usual(self, journey: Journey, verdict: Verdict) -> Verdict:
        """The verdict with a hold for a usual answer, where the policy lets its budgets be exceeded."""
        ask, policy = journey.ask, journey.policy
        assert ask is not None and policy is not None, "only a classified request is admitted"
        if not policy.overshoots:
            return verdict
        usual = self.habits.quantile(journey.key_id, ask.kind, policy.hold_quantile)
        return likely(verdict, ask, vector(journey, verdict)(journey.at_ms), usual)
