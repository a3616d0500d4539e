"""A team's policy: what it may use, how good answers must be, and what it may spend. One TOML file a team.

The structs are the file format: a field that is not here stops the load, and so does a rule that contradicts another.
"""

from __future__ import annotations

import enum
import re
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from router.core.kinds import SCORE_MAX, Kind
from router.core.money import parse_usd

MODES: Final = {"economy": 0.85, "balanced": 0.90, "quality": 0.98}
NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
RECORDS_KEPT_MAX: Final = 1_000_000
# Two years and two months: this year, and the one before to compare it with.
USAGE_KEPT_DAYS_MAX: Final = 800
_ROLLING: Final = re.compile(r"([1-9][0-9]{0,2})(h|d)\Z")
_CALENDAR: Final = ("hour", "day", "week", "month", "total")


class Scope(enum.Enum):
    """Whom a rule counts: the whole team, each key, one model of the team, or one tag of the team."""

    TEAM = "team"
    KEY = "key"
    MODEL = "model"
    TAG = "tag"


class Mode(enum.Enum):
    """hard refuses, soft admits and warns, shadow only counts."""

    HARD = "hard"
    SOFT = "soft"
    SHADOW = "shadow"


class OnExhausted(enum.Enum):
    DENY = "deny"
    WARN = "warn"


class StoreAway(enum.Enum):
    DENY = "deny"
    ALLOW = "allow"


class Routing(enum.Enum):
    """on serves the router's choice; observe serves the app's own model and records what routing would have done."""

    ON = "on"
    OBSERVE = "observe"


class ParallelTools(enum.Enum):
    """What becomes of several tool calls in one turn: choose a model that makes them, or make them one by one."""

    CHOOSE = "choose"
    SERIALISE = "serialise"


class Region(enum.Enum):
    ANY = "any"
    EU = "eu"


class Priority(enum.Enum):
    INTERACTIVE = "interactive"
    BULK = "bulk"


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money over a window: a calendar unit in `zone`, `total`, or a rolling length such as 24h or 7d."""

    scope: Scope
    usd: str
    window: str
    id: str | None = None
    zone: str = "UTC"
    mode: Mode = Mode.HARD
    on_exhausted: OnExhausted = OnExhausted.DENY

    @property
    def nano(self) -> int:
        return parse_usd(self.usd)


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates over any 60 seconds, and requests under way at once."""

    scope: Scope
    id: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    mode: Mode = Mode.HARD


class Pins(enum.Enum):
    """stay serves the model that the app names or none; escalate lets others follow when it fails."""

    STAY = "stay"
    ESCALATE = "escalate"


class OwnScore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure of the team's own in place of the table's: 0 to 100, for a kind of work and a group of languages, or for
    all of either. `source` says where it comes from."""

    model: str
    score: float
    source: str
    kind: Kind | None = None
    language: str | None = None


class Models(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`allow` holds globs of catalogue ids; `map` rewrites what apps ask for, exact names before globs."""

    allow: tuple[str, ...] = ("mistral-*", "ministral-*", "codestral-*")
    map: dict[str, str] = {}


class Policy(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"budgets": "budget", "limits": "limit", "scores": "score"},
):
    team: str = "default"
    quality: str | float = "balanced"
    baseline_model: str = "mistral-medium-3-5"
    region: Region = Region.ANY
    priority: Priority = Priority.INTERACTIVE
    when_store_away: StoreAway = StoreAway.DENY
    default_max_tokens: int = 8_192
    default_max_tokens_reasoning: int = 32_768
    escalation_cost_max: float = 5.0
    routing: Routing = Routing.ON
    parallel_tools: ParallelTools = ParallelTools.CHOOSE
    pins: Pins = Pins.STAY
    records_kept: int = 10_000
    details_kept: int = 2_000
    usage_kept_days: int = 400
    models: Models = Models()
    scores: tuple[OwnScore, ...] = ()
    budgets: tuple[Budget, ...] = ()
    limits: tuple[Limit, ...] = ()

    def allows(self, model: str) -> bool:
        return any(fnmatchcase(model, pattern) for pattern in self.models.allow)

    def mapped(self, name: str) -> str:
        """What `name` stands for under this policy: itself when nothing rewrites it."""
        if name in self.models.map:
            return self.models.map[name]
        return next((to for pattern, to in self.models.map.items() if fnmatchcase(name, pattern)), name)

    @property
    def has_hard_budget(self) -> bool:
        return any(budget.mode is Mode.HARD for budget in self.budgets)


def quality_number(quality: str | float) -> float:
    """The share of the best score that is good enough: a mode's name or a number from 0 to 1."""
    number = MODES.get(quality) if isinstance(quality, str) else float(quality)
    if number is None or not 0 <= number <= 1:
        raise ValueError(f"quality must be one of {', '.join(MODES)} or a number from 0 to 1, not {quality!r}")
    return number


def rolling_ms(window: str) -> int | None:
    """The length of a rolling window such as 24h or 7d; None for a calendar window."""
    match = _ROLLING.match(window)
    if match is None:
        return None
    return int(match[1]) * (3_600_000 if match[2] == "h" else 86_400_000)


def check_policy(policy: Policy) -> None:
    """Raises ValueError with the place and the mistake when the file's values cannot be meant."""
    if not NAME.match(policy.team):
        raise ValueError("team: 1 to 64 letters, digits, points, hyphens and underscores")
    try:
        quality_number(policy.quality)
    except ValueError as error:
        raise ValueError(f"quality: {error}") from None
    for field in ("default_max_tokens", "default_max_tokens_reasoning"):
        if getattr(policy, field) < 1:
            raise ValueError(f"{field}: must be at least 1")
    for field, least, most in (
        ("records_kept", 1, RECORDS_KEPT_MAX),
        ("details_kept", 0, policy.records_kept),
        ("usage_kept_days", 1, USAGE_KEPT_DAYS_MAX),
    ):
        if not least <= getattr(policy, field) <= most:
            raise ValueError(f"{field}: must be from {least} to {most}")
    if not policy.escalation_cost_max >= 1:
        raise ValueError("escalation_cost_max: must be at least 1, the first choice's own cost")
    if not policy.models.allow:
        raise ValueError("models.allow: allows no model, so no request could be served")
    seen: set[tuple[object, ...]] = set()
    for index, own in enumerate(policy.scores):
        if not 0 <= own.score <= SCORE_MAX:
            raise ValueError(f"score[{index}].score: is from 0 to {SCORE_MAX}, not {own.score}")
        _once(seen, (own.model, own.kind, own.language), f"score[{index}]", "the same model, kind and language")
    for index, budget in enumerate(policy.budgets):
        _check_budget(budget, f"budget[{index}]")
        _once(seen, (budget.scope, budget.id, "usd", budget.window), f"budget[{index}]")
    for index, limit in enumerate(policy.limits):
        _check_limit(limit, f"limit[{index}]", seen)


def _check_budget(budget: Budget, place: str) -> None:
    _check_id(budget.scope, budget.id, place)
    try:
        parse_usd(budget.usd)
    except ValueError as error:
        raise ValueError(f"{place}.usd: {error}") from None
    if budget.window not in _CALENDAR and rolling_ms(budget.window) is None:
        raise ValueError(f"{place}.window: {budget.window!r} is not one of {', '.join(_CALENDAR)}, or like 24h or 7d")
    try:
        ZoneInfo(budget.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{place}.zone: {budget.zone!r} is not an IANA time zone such as Europe/Paris") from None


def _check_limit(limit: Limit, place: str, seen: set[tuple[object, ...]]) -> None:
    _check_id(limit.scope, limit.id, place)
    kinds = ("requests_per_minute", "tokens_per_minute", "concurrency")
    if all(getattr(limit, kind) is None for kind in kinds):
        raise ValueError(f"{place}: names none of {', '.join(kinds)}")
    for kind in kinds:
        value = getattr(limit, kind)
        if value is None:
            continue
        if value < 0:
            raise ValueError(f"{place}.{kind}: must not be negative")
        _once(seen, (limit.scope, limit.id, kind), f"{place}.{kind}")


def _check_id(scope: Scope, name: str | None, place: str) -> None:
    if name is not None and not NAME.match(name):
        raise ValueError(f"{place}.id: 1 to 64 letters, digits, points, hyphens and underscores")
    if scope in (Scope.MODEL, Scope.TAG) and name is None:
        raise ValueError(f"{place}.id: a rule of scope {scope.value} names which one")
    if scope is Scope.TEAM and name is not None:
        raise ValueError(f"{place}.id: a rule of scope team has none: it counts this file's team")


def _once(
    seen: set[tuple[object, ...]],
    rule: tuple[object, ...],
    place: str,
    what: str = "the same scope, id, kind and window",
) -> None:
    if rule in seen:
        raise ValueError(f"{place}: a rule of {what} stands above")
    seen.add(rule)
