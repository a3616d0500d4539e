"""What a request is charged for: the accounts its policy names, the bound that is held, and the real cost.

An account is (scope, id, kind, window). The store knows three kinds: `calendar` counts money between two instants,
`ring` counts over a rolling window in N+1 buckets (never more than the limit in any true window), `gauge` counts what
is under way. Reserve holds an upper bound on each; settle replaces it by what really was.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from router.core.budget_lines import Pace
from router.core.catalog import ModelCard
from router.core.grants import Grant, raised
from router.core.money import tokens_cost
from router.core.policy import Budget, Limit, Mode, OnExhausted, Policy, Scope, rolling_ms
from router.wire.usage import Usage

MINUTE_MS: Final = 60_000
# 5-second buckets: a rolling minute is then at most 1/12 stricter than asked, and never laxer.
MINUTE_BUCKETS: Final = 12
ROLLING_BUCKETS: Final = 24
FOREVER_MS: Final = 1 << 52


class Kind(enum.Enum):
    CALENDAR = "c"
    RING = "r"
    GAUGE = "g"


class Measure(enum.Enum):
    USD = "usd"
    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENCY = "concurrency"
    # What is under way could cost more than is held for it by so much.
    EXPOSURE = "exposure"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`begin`, `end` are epoch milliseconds of a calendar window, or a ring's length in ms and its number of buckets.

    `limit` is in nano-USD, requests, tokens or requests under way; only `enforced` accounts refuse. `overshoot` is by
    how much a money account may be exceeded, in nano-USD; `warn_at` and `pace` are a budget's (core/pacing.py).
    """

    name: str
    scope: Scope
    id: str
    measure: Measure
    kind: Kind
    window: str
    limit: int
    enforced: bool
    shadow: bool = False
    begin: int = 0
    end: int = 0
    on_exhausted: OnExhausted = OnExhausted.DENY
    overshoot: int = 0
    warn_at: tuple[float, ...] = ()
    pace: tuple[Pace, ...] = ()

    @property
    def resets_ms(self) -> int | None:
        """When a calendar window ends; None for an account that forgets by and by, or never."""
        return self.end if self.kind is Kind.CALENDAR and self.end < FOREVER_MS else None


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose accounts are meant."""

    team: str
    key: str
    model: str
    tags: tuple[str, ...] = ()


def accounts_of(policy: Policy, owner: Owner, now_ms: int, grants: tuple[Grant, ...] = ()) -> tuple[Account, ...]:
    """Every account the request is counted on, in the policy's order; calendar windows hold `now_ms`, and limits have
    what the team's `grants` add then.

    No account is there twice, or the request would be charged twice: a rule that names a key replaces the one for all.
    """
    found: dict[str, Account] = {}
    for budget in policy.budgets:
        if (name := _counted(budget.scope, budget.id, owner)) is not None:
            for account in _money(budget, name, now_ms, grants):
                if budget.id is not None or account.name not in found:
                    found[account.name] = account
    for limit in policy.limits:
        if (name := _counted(limit.scope, limit.id, owner)) is not None:
            for account in _rates(limit, name):
                if limit.id is not None or account.name not in found:
                    found[account.name] = account
    return tuple(found.values())


def _counted(scope: Scope, only: str | None, owner: Owner) -> str | None:
    """The id this rule counts the request under, or None when the rule is about somebody else."""
    match scope:
        case Scope.ORGANISATION:
            return Scope.ORGANISATION.value
        case Scope.TEAM:
            return owner.team
        case Scope.KEY:
            return owner.key if only in (None, owner.key) else None
        case Scope.MODEL:
            return only if only == owner.model else None
        case Scope.TAG:
            return only if only in owner.tags else None


def _money(budget: Budget, name: str, now_ms: int, grants: tuple[Grant, ...]) -> Iterable[Account]:
    length = rolling_ms(budget.window)
    begin, end = (length, ROLLING_BUCKETS) if length else calendar_window(budget.window, budget.zone, now_ms)
    account = Account(
        # A zone moves the window's edges, so each has an account of its own.
        name=f"{budget.scope.value}:{name}:usd:{budget.window}" + (f"@{budget.zone}" if budget.zone != "UTC" else ""),
        scope=budget.scope,
        id=name,
        measure=Measure.USD,
        kind=Kind.RING if length else Kind.CALENDAR,
        window=budget.window,
        limit=raised(budget.nano, grants, budget.scope, name, budget.window, now_ms) if grants else budget.nano,
        enforced=budget.mode is Mode.HARD and budget.on_exhausted is OnExhausted.DENY,
        shadow=budget.mode is Mode.SHADOW,
        begin=begin,
        end=end,
        on_exhausted=budget.on_exhausted if budget.mode is Mode.HARD else OnExhausted.WARN,
        overshoot=budget.overshoot_nano,
        warn_at=budget.warn_at,
        pace=budget.pace,
    )
    yield account
    if account.overshoot and account.enforced:
        name = f"{account.name}:{Measure.EXPOSURE.value}"
        yield replace(account, name=name, measure=Measure.EXPOSURE, limit=account.overshoot)


def _rates(limit: Limit, name: str) -> Iterable[Account]:
    rates = (
        (Measure.REQUESTS, Kind.RING, limit.requests_per_minute),
        (Measure.TOKENS, Kind.RING, limit.tokens_per_minute),
        (Measure.CONCURRENCY, Kind.GAUGE, limit.concurrency),
    )
    for measure, kind, most in rates:
        if most is None:
            continue
        ring = kind is Kind.RING
        yield Account(
            name=f"{limit.scope.value}:{name}:{measure.value}",
            scope=limit.scope,
            id=name,
            measure=measure,
            kind=kind,
            window="minute" if ring else "now",
            limit=most,
            enforced=limit.mode is Mode.HARD,
            shadow=limit.mode is Mode.SHADOW,
            begin=MINUTE_MS if ring else 0,
            end=MINUTE_BUCKETS if ring else 0,
        )


def calendar_window(window: str, zone: str, now_ms: int) -> tuple[int, int]:
    """[begin, end) in epoch ms of the hour, day, week (from Monday), month or total that holds `now_ms` in `zone`."""
    if window == "total":
        return 0, FOREVER_MS
    tz = ZoneInfo(zone)
    here = datetime.fromtimestamp(now_ms / 1000, tz)
    if window == "hour":
        # By instants: in a zone that shifts, an hour repeats or is left out, and each is a window of its own.
        begin = now_ms - (here.minute * 60 + here.second) * 1000 - here.microsecond // 1000
        return begin, begin + 3_600_000
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    match window:
        case "day":
            first, after = midnight, midnight + timedelta(days=1)
        case "week":
            first = midnight - timedelta(days=midnight.weekday())
            after = first + timedelta(days=7)
        case "month":
            first = midnight.replace(day=1)
            after = (first + timedelta(days=32)).replace(day=1)
        case _:
            raise ValueError(f"{window!r} is not a calendar window")
    return _epoch_ms(first, tz), _epoch_ms(after, tz)


def _epoch_ms(local: datetime, tz: ZoneInfo) -> int:
    return round(local.replace(tzinfo=tz).timestamp() * 1000)


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """What is held or charged, per measure. `exposure` is by how much the cost may exceed the `nano` that is held."""

    nano: int
    tokens: int
    requests: int
    concurrency: int = 0
    exposure: int = 0

    def on(self, account: Account) -> int:
        match account.measure:
            case Measure.USD:
                return self.nano
            case Measure.TOKENS:
                return self.tokens
            case Measure.REQUESTS:
                return self.requests
            case Measure.CONCURRENCY:
                return self.concurrency
            case Measure.EXPOSURE:
                return self.exposure


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one account stands right after a decision. `reset_ms` is -1 for a window that never ends."""

    account: Account
    remaining: int
    reset_ms: int
    spent: int
    held: int


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """Which account refused, and when asking again may help: `retry_after_ms` is None when waiting never does."""

    standing: Standing
    asked: int
    retry_after_ms: int | None
    now_ms: int


def over_soft(standings: Iterable[Standing]) -> list[Account]:
    """The soft accounts that are used beyond their limit: admitted, and to be warned of."""
    return [
        standing.account
        for standing in standings
        if standing.remaining < 0 and not standing.account.enforced and not standing.account.shadow
    ]


# What stays of a request that the upstream refused: it took a place in the minute and nothing else.
VOIDED: Final = Amounts(nano=0, tokens=0, requests=1)
NOTHING: Final = Amounts(nano=0, tokens=0, requests=0)


def bound(card: ModelCard, *, input_tokens: int, output_tokens: int, answers: int, factor: Fraction) -> Amounts:
    """The most that one attempt can cost: all input uncached, every answer as long as it may be."""
    return Amounts(
        nano=estimate(card, input_tokens=input_tokens, output_tokens=output_tokens * answers, factor=factor),
        tokens=input_tokens + output_tokens * answers,
        requests=1,
        concurrency=1,
    )


def estimate(
    card: ModelCard, *, input_tokens: int, output_tokens: int, factor: Fraction, cached_tokens: int = 0
) -> int:
    """Nano-USD of a generation of that size on `card`, which has a price."""
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached_tokens)
    return real_cost(card, usage, factor)


def real_cost(card: ModelCard, usage: Usage, factor: Fraction) -> int:
    """Nano-USD that the vendor bills for `usage`: cached input at its own rate (docs, pricing, seen 2026-08-21)."""
    assert card.price is not None, f"{card.name} has no price"
    fresh = usage.input_tokens - usage.cached_tokens
    return tokens_cost(
        [(fresh, card.price.input), (usage.cached_tokens, card.price.cached), (usage.output_tokens, card.price.output)],
        factor,
    )


def settled(card: ModelCard, usage: Usage, factor: Fraction) -> Amounts:
    """What one answered attempt is charged. Tokens count as the vendor's limiter counts them: total minus cached."""
    return Amounts(
        nano=real_cost(card, usage, factor),
        tokens=usage.input_tokens + usage.output_tokens - usage.cached_tokens,
        requests=1,
    )
