"""One request's state on its way down the line, and what its answer's headers say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from router.core.catalog import Ability
from router.core.charges import Measure, Standing, over_soft
from router.core.classify import Classification
from router.core.explain import Attempt, answered_by, cost_nano, reason_of, saved_nano
from router.core.money import usd
from router.core.plan import Plan
from router.core.policy import Policy
from router.core.rules import Rules
from router.core.tokenizer import Method
from router.core.warmth import Conversation
from router.wire.chat import ChatRequest, Dialect
from router.wire.fitting import fit
from router.wire.headers import Wanted
from router.wire.reading import DROPPED_MAX
from router.wire.requests import AnyRequest
from router.wire.voice import Format, Voice


@dataclass(slots=True, kw_only=True)
class Journey:
    """Filled in by the line, verb by verb; what is None has not been reached.

    Times are seconds of a monotonic clock; `at_ms` is epoch milliseconds. `upstream_s` is the time spent waiting for
    the upstream, so that the rest is what the router added; `first_chunk_s` is when a stream showed its first content,
    counted from the start. `attempts` are over; `asking` is the model of the one that is under way, or of the last.
    """

    request_id: str
    endpoint: str
    format: Format
    wanted: Wanted
    at_ms: int
    started_s: float
    deadline_s: float
    rules: Rules
    team: str = ""
    key_id: str = ""
    key_models: tuple[str, ...] = ()
    policy: Policy | None = None
    request: AnyRequest | None = None
    voice: Voice | None = None
    conversation: Conversation | None = None
    ask: Classification | None = None
    plan: Plan | None = None
    attempts: list[Attempt] = field(default_factory=list)
    asking: str | None = None
    standings: tuple[Standing, ...] = ()
    freed_nano: int = 0
    upstream_s: float = 0.0
    first_chunk_s: float | None = None
    degraded: str | None = None
    admitted: bool = False

    @property
    def dialect(self) -> Dialect:
        """The form that the answer is brought into before it is said."""
        return Dialect.OPENAI if self.format.flat else self.wanted.dialect

    @property
    def reasons(self) -> bool:
        """Whether the app asked for thoughts, which come before the first byte."""
        return self.ask is not None and Ability.REASONING in self.ask.needs

    def overhead_ms(self, now_s: float) -> float:
        return max(0.0, now_s - self.started_s - self.upstream_s) * 1000


def told_headers(journey: Journey, now_s: float, *, streaming: bool = False) -> dict[str, str]:
    """The response headers that are known by now. Cost, saved and attempts are left out while a stream still runs."""
    headers = {"x-request-id": journey.request_id, "x-router-overhead-ms": f"{journey.overhead_ms(now_s):.2f}"}
    headers |= _limits(journey.standings, journey.freed_nano)
    warned = [
        f"{account.scope.value} {account.measure.value} {account.window}" for account in over_soft(journey.standings)
    ]
    warnings = [f"over the soft limit: {', '.join(warned)}"] if warned else []
    if warnings := [*warnings, *(journey.request.warnings if journey.request else ())]:
        headers["x-router-warning"] = "; ".join(warnings)
    uncounted = journey.ask is not None and journey.ask.size.method is Method.LINEAR
    if degraded := [what for what in (journey.degraded, "tokenizer" if uncounted else None) if what]:
        headers["x-router-degraded"] = ", ".join(degraded)
    request, plan = journey.request, journey.plan
    if request is not None:
        headers["x-router-requested-model"] = _plain(request.model)
        if dropped := left_out(request, plan, _serving(journey, plan) if plan else None):
            headers["x-router-dropped-params"] = _plain(",".join(dropped))
    if plan is not None:
        headers |= _choice(journey, plan, streaming)
    return headers


def left_out(request: AnyRequest, plan: Plan | None, model: str | None) -> tuple[str, ...]:
    """What of the request nobody reads, and what `model` is not told or held to, by place."""
    card = next((verdict.card for verdict in plan.verdicts if verdict.card.name == model), None) if plan else None
    if card is None or not isinstance(request, ChatRequest):
        return request.dropped
    lost = fit(request.toolbox, request.response_format, card.schema_profile).lost
    return (*request.dropped, *lost)[:DROPPED_MAX]


def _serving(journey: Journey, plan: Plan) -> str | None:
    """The model that answers, was tried last, or would be tried first."""
    return journey.asking or (plan.chosen.card.name if plan.chosen else None)


def _choice(journey: Journey, plan: Plan, streaming: bool) -> dict[str, str]:
    serving = _serving(journey, plan)
    headers = {"x-router-reason": reason_of(plan, serving).value}
    if serving is not None:
        headers["x-router-model"] = serving
        if plan.max_tokens_default:
            sent = next(verdict.max_tokens for verdict in plan.order if verdict.card.name == serving)
            headers["x-router-max-tokens"] = f"{sent};default"
    if not streaming:
        headers["x-router-attempts"] = str(len(journey.attempts))
        headers["x-router-cost-usd"] = usd(cost_nano(journey.attempts))
        if answered_by(journey.attempts):
            headers["x-router-saved-usd"] = usd(saved_nano(plan, journey.attempts))
    return headers


def _limits(standings: tuple[Standing, ...], freed_nano: int) -> Mapping[str, str]:
    """The tightest account of each kind. `freed_nano` is what settling gave back since the standings were taken."""
    headers: dict[str, str] = {}
    counted = [standing for standing in standings if not standing.account.shadow]
    money = [standing.remaining for standing in counted if standing.account.measure is Measure.USD]
    if money:
        headers["x-router-budget-remaining-usd"] = usd(max(0, min(money) + freed_nano))
    for measure in (Measure.REQUESTS, Measure.TOKENS):
        rates = [standing for standing in counted if standing.account.measure is measure]
        if rates:
            tightest = min(rates, key=lambda standing: standing.remaining)
            headers[f"x-ratelimit-limit-{measure.value}"] = str(tightest.account.limit)
            headers[f"x-ratelimit-remaining-{measure.value}"] = str(max(0, tightest.remaining))
            headers[f"x-ratelimit-reset-{measure.value}"] = f"{math.ceil(tightest.reset_ms / 1000)}s"
    return headers


def _plain(text: str) -> str:
    """Safe in a header: printable ASCII, at most 512 characters."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)[:512]
