"""How an answer leaves, whole or broken, and what it costs: plain answers are billed in full, streams for what was
sent.

Stopping a stream stops its generation (measured by a third party in four of four trials, 2026-08). A plain answer
is generated to its end whether or not anybody waits for it.
"""

import asyncio
import math
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from router.sim import errors
from router.sim.answers import Answer
from router.sim.bill import Usage
from router.sim.catalog import Model
from router.sim.exchange import EVENTS, JSON, Exchange
from router.sim.faults import Rule
from router.sim.profiles import Profile
from router.sim.streams import Frame, dressed
from router.sim.transport import HungUp
from router.sim.windows import Refusal, answer_headers, refusal_headers

# Two writes this far apart leave as two segments.
SEGMENT_S: Final = 0.001
CUTTING: Final = ("reset", "stall", "truncate")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted request: what it will be billed for, and what is to go wrong with it."""

    model: Model
    input_tokens: int
    cached_tokens: int = 0
    output_tokens: int = 0
    priority: bool = False
    fault: Rule | None = None
    # Embeddings show no token window in their headers.
    token_headers: bool = True

    def usage(self, profile: Profile) -> dict[str, Any]:
        """The fields of the profile's time, in the order of the recordings."""
        usage: dict[str, Any] = {
            "prompt_tokens": self.input_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "completion_tokens": self.output_tokens,
        }
        match profile.usage:
            case "2025":
                return usage
            case "2026-01":
                return {**usage, "num_cached_tokens": self.cached_tokens}
            case "2026-02":
                return {**usage, "prompt_tokens_details": {"cached_tokens": self.cached_tokens}}
            case "2026-08":
                tier = "priority" if self.priority else "standard"
                details = {"prompt_tokens_details": {"cached_tokens": self.cached_tokens}}
                return {**usage, **details, "service_tier": tier}


async def admit(exchange: Exchange, model: Model, fault: Rule | None) -> None:
    """Let the script refuse, then the window. A refusal is no generation and is not billed."""
    if fault is not None:
        if fault.fault != "slow":
            await exchange.line.wait(fault.delay_s)
        await _refuse_by_script(exchange, model, fault)
    world = exchange.world
    limit = world.profile.spend_limit_nano_usd
    if limit is not None and world.bill.nano_usd >= limit:
        raise errors.spend_limit_reached(world.profile.spend_limit_status)
    if refusal := world.window(model, exchange.region).enter(world.now()):
        raise errors.rate_limited(refusal_headers(refusal, world.profile.retry_after_s))


async def _refuse_by_script(exchange: Exchange, model: Model, fault: Rule) -> None:
    match fault.fault:
        case "rate_limited" | "not_on_plan":
            limit = (
                exchange.world.window(model, exchange.region).limits.requests if fault.fault == "rate_limited" else 0
            )
            refusal = Refusal(dimension="requests", limit=limit)
            raise errors.rate_limited(refusal_headers(refusal, exchange.world.profile.retry_after_s))
        case "capacity":
            raise errors.over_capacity(fault.status_code)
        case "status":
            raise errors.status_error(fault.status_code)
        case "html":
            raise errors.html_error(fault.status_code)
        case "empty":
            raise errors.empty_error(fault.status_code)
        case "reset" if not fault.after_bytes:
            await exchange.line.reset()
            raise HungUp


def charge(exchange: Exchange, job: Job, output_tokens: int) -> None:
    world, region = exchange.world, exchange.region
    usage = Usage(input_tokens=job.input_tokens, cached_tokens=job.cached_tokens, output_tokens=output_tokens)
    regional = world.settings.regional or region is not None
    exchange.seen.nano_usd += world.bill.charge(job.model, usage, priority=job.priority, regional=regional)
    exchange.seen.generations += 1
    spent = job.input_tokens + output_tokens - job.cached_tokens
    world.window(job.model, region).debit(spent, world.now())


async def deliver_plain(exchange: Exchange, job: Job, data: bytes) -> None:
    settings, fault = exchange.world.settings, job.fault
    duration_ms = settings.first_token_ms + settings.per_token_ms * job.output_tokens
    if fault is not None and fault.fault == "slow":
        duration_ms += fault.delay_s * 1000
    try:
        await exchange.line.wait(duration_ms / 1000)
    finally:
        charge(exchange, job, job.output_tokens)
    cost = job.input_tokens + job.output_tokens - job.cached_tokens
    window = exchange.world.window(job.model, exchange.region)
    extra = answer_headers(window, cost, exchange.world.now(), with_tokens=job.token_headers)
    if fault is None or fault.fault not in CUTTING:
        await exchange.send(200, data, JSON, extra)
        return
    cut = fault.after_bytes or (len(data) // 2 if fault.fault == "truncate" else 0)
    if cut:
        length = ("content-length", str(len(data)))
        await exchange.begin(200, [*exchange.headers(JSON, extra), length])
        # At least one byte stays behind, or nothing would be cut.
        await exchange.line.write(data[: min(cut, len(data) - 1)])
    await _break_off(exchange, fault)


async def _break_off(exchange: Exchange, fault: Rule) -> None:
    match fault.fault:
        case "reset":
            await exchange.line.reset()
        case "stall":
            await exchange.line.wait_for_hang_up()
        case _:
            await exchange.line.close()


async def deliver_stream(exchange: Exchange, job: Job, events: Iterator[Frame]) -> None:
    sender = _StreamSender(exchange, job)
    frames = list(events)
    if job.fault is not None:
        frames = dressed(frames, job.fault.fault)
    try:
        await sender.send(frames)
    finally:
        charge(exchange, job, sender.generated_tokens)


class _StreamSender:
    """Sends frames in their time, and knows at every moment what would have to be paid."""

    def __init__(self, exchange: Exchange, job: Job) -> None:
        self._exchange = exchange
        self._job = job
        self._delay_s = job.fault.delay_s if job.fault and job.fault.fault == "slow" else 0.0
        self._split = job.fault is not None and job.fault.fault == "split"
        self.generated_tokens = 0

    async def send(self, frames: list[Frame]) -> None:
        exchange, fault = self._exchange, self._job.fault
        cut = _cut_of(frames, fault)
        await exchange.line.wait(exchange.world.settings.first_token_ms / 1000 + self._delay_s)
        if cut == 0 and fault is not None:
            await _break_off(exchange, fault)
            return
        await exchange.begin(200, exchange.headers(EVENTS))
        for place, frame in enumerate(frames):
            if cut <= 0 and fault is not None:
                break
            await self._pace(place, frame)
            self._count(frame, is_last=place == len(frames) - 1)
            await self._write(frame.data if cut >= len(frame.data) else frame.data[: int(cut)])
            cut -= len(frame.data)
        if fault is not None and fault.fault in CUTTING and fault.fault != "truncate":
            await _break_off(exchange, fault)
            return
        await exchange.line.write(b"", more=False)

    async def _pace(self, place: int, frame: Frame) -> None:
        wait_s = self._exchange.world.settings.per_token_ms * frame.tokens / 1000
        if place:
            wait_s += self._delay_s
        await self._exchange.line.wait(wait_s)
        self._exchange.line.check()

    def _count(self, frame: Frame, *, is_last: bool) -> None:
        # With the last frame the answer is whole, the token that ends it included.
        self.generated_tokens = self._job.output_tokens if is_last else self.generated_tokens + frame.tokens

    async def _write(self, data: bytes) -> None:
        if not self._split:
            await self._exchange.line.write(data)
            return
        middle = next((place + 1 for place, byte in enumerate(data) if byte >= 0x80), len(data) // 2)
        await self._exchange.line.write(data[:middle])
        await asyncio.sleep(SEGMENT_S)
        await self._exchange.line.write(data[middle:])


def _cut_of(frames: list[Frame], fault: Rule | None) -> float:
    """After how many bytes the stream ends."""
    if fault is None or fault.fault not in CUTTING:
        return math.inf
    if not fault.after_bytes and fault.fault == "truncate":
        # By default in the middle of the last frame before the closing one: the one that carries the usage.
        return sum(len(frame.data) for frame in frames[:-2]) + len(frames[-2].data) // 2
    return fault.after_bytes or 0


def choices_tokens(answers: list[Answer]) -> int:
    return sum(answer.tokens for answer in answers)
