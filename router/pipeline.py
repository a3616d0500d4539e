"""The line a request takes, and the only file that knows its order:

authenticate → parse → classify → plan → admit → attempt → relay → settle → record
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from router.admitting import Admitting
from router.core.asked import Asked, Wishes, understand
from router.core.attempts import REMAINING_MIN_S
from router.core.classify import classify, counted
from router.core.explain import RouterObject, explain
from router.core.grants import Grant
from router.core.journey import Journey
from router.core.key_rules import with_key
from router.core.keys import Principal
from router.core.language import Detector
from router.core.money import parse_usd
from router.core.plan import Plan, make_plan
from router.core.policy import MODES, Policy, Priority
from router.core.reasons import Why
from router.core.record import request_id
from router.core.refusals import held_back, unsuitable
from router.core.rules import Rules
from router.core.sites import Site
from router.core.switches import Switches
from router.core.tokenizer import Tokenizer
from router.core.warmth import Warm, conversation_of
from router.errors import BadRequest, NotAllowed, RouterError, UpstreamTimeout
from router.holding import Holding
from router.recording import Recorder
from router.serving import Serving, Streamed, Whole
from router.store.keyring import Keyring
from router.store.ledger import Reservation
from router.store.outputs import Outputs
from router.store.warmth import Warmth
from router.upstream.quotas import Quotas
from router.wire import formats
from router.wire.anthropic.format import MESSAGES as ANTHROPIC
from router.wire.chat import ChatRequest, with_cache_key
from router.wire.headers import Wanted
from router.wire.reading import Bounds
from router.wire.responses.format import RESPONSES
from router.wire.voice import Format

ROUTE = "route"
FEEDBACK = "feedback"
MODELS = "models"
MESSAGES = "messages"
# What is served upstream: the endpoint's name, and the format that it speaks.
CALLS: Final[dict[str, Format]] = {
    "chat": formats.CHAT,
    "responses": RESPONSES,
    MESSAGES: ANTHROPIC,
    "fim": formats.FIM,
    "embeddings": formats.EMBEDDINGS,
    "moderations": formats.MODERATIONS,
}
# A body of this size takes about 10 ms to count at worst (one word of one letter, measured 2026-11).
ASIDE_BYTES = 32_768
# What a key's scope can name.
ENDPOINTS = (*CALLS, ROUTE, FEEDBACK, MODELS)


class Line:
    """`clock` is monotonic seconds, `wall` epoch seconds, `noise` n random bytes; `rules` gives the snapshot in force.

    `main` is Mistral's own API; the rules may name further upstreams.
    """

    def __init__(
        self,
        *,
        rules: Callable[[], Rules],
        keyring: Keyring,
        holding: Holding,
        admitting: Admitting,
        warmth: Warmth,
        outputs: Outputs,
        serving: Serving,
        recorder: Recorder,
        tokenizer: Tokenizer,
        detector: Detector,
        bounds: Bounds,
        main: Site,
        resting: Callable[[], Mapping[str, Why]],
        quotas: Quotas,
        switches: Callable[[], Switches],
        grants: Callable[[str], tuple[Grant, ...]],
        wall: Callable[[], float],
        noise: Callable[[int], bytes],
    ) -> None:
        self.rules = rules
        self.keyring = keyring
        self.holding = holding
        self.admitting = admitting
        self.warmth = warmth
        self.outputs = outputs
        self.serving = serving
        self.recorder = recorder
        self.tokenizer = tokenizer
        self.detector = detector
        self.bounds = bounds
        self.main = main
        self.resting = resting
        self.quotas = quotas
        self.switches = switches
        self.grants = grants
        self.wall = wall
        self.noise = noise

    def begin(self, wanted: Wanted, endpoint: str, format: Format | None = None) -> Journey:
        """A request has come in at an endpoint of `ENDPOINTS`, in its own `format` or another; its clock runs now."""
        now_s, now_ms = self.recorder.clock(), int(self.wall() * 1000)
        deadline_s = self.serving.attempting.timing.deadline if wanted.timeout_s is None else wanted.timeout_s
        return Journey(
            request_id=request_id(now_ms, self.noise(10)),
            endpoint=endpoint,
            format=format or CALLS.get(endpoint, formats.CHAT),
            wanted=wanted,
            at_ms=now_ms,
            started_s=now_s,
            deadline_s=now_s + deadline_s,
            rules=self.rules(),
        )

    async def serve(self, journey: Journey, body: bytes) -> Whole | Streamed:
        """Down the line, for an authenticated request, to an answer. Raises RouterError; it is on record either way."""
        try:
            plan = _sendable(await self.planned(journey, body))
            # Counted in the same breath as it was planned, so that no two requests see the same room.
            draw = self.quotas.draw(plan.order[0])
            try:
                hold = await self.admit(journey, plan)
            except BaseException:
                self.quotas.give_back(draw)
                raise
            draw = self.quotas.moved(draw, (journey.plan or plan).order[0])
        except RouterError as refusal:
            self.refused(journey, refusal)
            raise
        return await self.serving.serve(journey, hold, draw)

    async def route(self, journey: Journey, body: bytes) -> RouterObject:
        """What `serve` would choose for this body, without calling or charging anyone."""
        try:
            await self.planned(journey, body)
        except RouterError as refusal:
            if journey.plan is None or journey.plan.order:
                raise
            assert refusal.code == "no_suitable_model", "the only refusal of a plan without an order"
        assert journey.ask is not None and journey.plan is not None, "the plan was made"
        return explain(journey.request_id, journey.ask, journey.plan)

    async def authenticate(self, journey: Journey) -> Principal:
        """Who asks, and under which policy. Raises InvalidKey, or NotAllowed outside the key's endpoints."""
        principal = await self.keyring.authenticate(journey.wanted.key)
        journey.team, journey.key_id, journey.key_models = principal.team, principal.key_id, principal.models
        journey.policy = with_key(journey.rules.policy_of(principal.team), principal.key_id, principal.own)
        journey.grants = self.grants(principal.team)
        if principal.endpoints and journey.endpoint not in principal.endpoints:
            scope = ", ".join(principal.endpoints)
            raise NotAllowed(f"The key {principal.key_id} may only be used for {scope}, not for {journey.endpoint}.")
        return principal

    async def planned(self, journey: Journey, body: bytes) -> Plan:
        """Parse, classify, plan. Raises BadRequest and its kin; the journey keeps how far it came.

        A large body is read beside the event loop: counting its tokens may take seconds, and everybody else's requests
        would wait, or be refused for a store that seems not to answer.
        """
        if len(body) < ASIDE_BYTES:
            asked, wishes = self.read(journey, body)
        else:
            asked, wishes = await asyncio.to_thread(self.read, journey, body)
        conversation, warm = journey.conversation, None
        if conversation is not None and conversation.goes_on and asked.pin is None:
            warm = await self.warmth.of(journey.team, conversation.id)
        return self.plan(journey, asked, wishes, warm)

    def read(self, journey: Journey, body: bytes) -> tuple[Asked, Wishes]:
        """Parse and classify, and what the app asks for beside."""
        policy = _policy(journey)
        request, journey.voice = journey.format.read(body, self.bounds)
        journey.request = request
        wishes = _wishes(journey)
        asked = understand(request.model, journey.rules, policy, wishes)
        if isinstance(request, ChatRequest):
            journey.conversation = conversation_of(request, journey.key_id, journey.wanted.affinity)
            journey.request = request = with_cache_key(request, journey.conversation.cache_key)
        profiles, window_max = journey.rules.shelf.schema_profiles, journey.rules.shelf.context_tokens_max
        usual = self.outputs.of(journey.team)
        ask = classify(request, self.tokenizer, self.detector, profiles, usual)
        journey.ask = counted(ask, request, self.tokenizer, profiles, usual, window_max=window_max)
        return asked, wishes

    def plan(self, journey: Journey, asked: Asked, wishes: Wishes, warm: Warm | None) -> Plan:
        """The models that may serve what was read, in their order. Raises NoSuitableModel when there is none."""
        assert journey.ask is not None, "only a classified request is planned"
        policy = _policy(journey)
        journey.plan = make_plan(
            journey.ask,
            asked,
            rules=journey.rules,
            policy=policy,
            wishes=wishes,
            sites=[site.under(policy.upstream_key) for site in (self.main, *journey.rules.sites)],
            resting=self.resting(),
            opens_in=self.quotas.opening(policy.priority),
            switches=self.switches(),
            warm=warm,
        )
        if not journey.plan.order:
            raise unsuitable(journey.plan, journey.ask, explain(journey.request_id, journey.ask, journey.plan))
        return journey.plan

    def cheaper(self, journey: Journey, plan: Plan) -> Plan:
        """The plan by the cheapest mode's bar, which the models of `plan` pass too."""
        return _sendable(self.plan(journey, replace(plan.asked, quality=MODES["economy"]), plan.wishes, None))

    async def admit(self, journey: Journey, plan: Plan) -> Reservation:
        """Hold the most that the first attempt can cost. Raises BudgetExceeded, RateLimited or StoreUnavailable."""
        if journey.deadline_s - self.recorder.clock() < REMAINING_MIN_S:
            raise UpstreamTimeout("The request's own time-out leaves no time for an attempt: allow a second or more.")
        return await self.admitting.admit(journey, plan, lambda: self.cheaper(journey, plan))

    def refused(self, journey: Journey, refusal: RouterError) -> None:
        """Put a refusal on record; one without a known key only in the metrics."""
        self._record(journey, refusal.status, refusal.code)

    def collected(self, journey: Journey) -> None:
        """Put on record that the request took an answer that another one had paid for."""
        self._record(journey, 200, None)

    def _record(self, journey: Journey, status: int, code: str | None) -> None:
        write = self.recorder.finish(journey, status, code)
        if journey.team:
            self.holding.record(journey, write)


def _sendable(plan: Plan) -> Plan:
    """The plan, unless it would send bulk to where there is no room for it. Raises UpstreamRateLimited."""
    if plan.policy.priority is Priority.BULK and plan.opens_in_s > 0:
        raise held_back(plan)
    return plan


def _policy(journey: Journey) -> Policy:
    assert journey.policy is not None, "only an authenticated request has a policy"
    return journey.policy


def _wishes(journey: Journey) -> Wishes:
    cost_max_nano = None
    if journey.wanted.cost_max_usd is not None:
        try:
            cost_max_nano = parse_usd(journey.wanted.cost_max_usd)
        except ValueError as error:
            raise BadRequest(f"{error}.", code="invalid_value", param="x-router-max-cost-usd") from None
    return Wishes(quality=journey.wanted.quality, cost_max_nano=cost_max_nano, key_models=journey.key_models)
