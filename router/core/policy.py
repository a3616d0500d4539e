"""A team's policy: what it may use, how good answers must be, and what it may spend. One TOML file a team.

The structs are the file format: a field that is not here stops the load, and so does a rule that contradicts another.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from router.core.budget_lines import Alarm, Pace
from router.core.kinds import Kind
from router.core.money import parse_usd

DEFAULT_TEAM: Final = "default"
MODES: Final = {"economy": 0.85, "balanced": 0.90, "quality": 0.98}
NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
# Two years and two months: this year, and the one before to compare it with.
USAGE_KEPT_DAYS_MAX: Final = 800
_ROLLING: Final = re.compile(r"([1-9][0-9]{0,2})(h|d)\Z")


class Scope(enum.Enum):
    """Whom a rule counts: all teams together, the team, each key of it, one of its models, or one of its tags."""

    ORGANISATION = "organisation"
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
    """deny refuses, warn admits and says so, economy admits and routes by the cheapest mode."""

    DENY = "deny"
    ECONOMY = "economy"
    WARN = "warn"


class StoreAway(enum.Enum):
    """deny refuses; share spends what was reserved beforehand, then refuses; allow serves and books it later."""

    DENY = "deny"
    SHARE = "share"
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
    """Money over a window: a calendar unit in `zone`, `total`, or a rolling length such as 24h or 7d. `overshoot_usd`
    lets requests hold what they usually cost instead of what they can cost, as long as together they exceed the budget
    by no more. `warn_at` are shares of it, and `pace` is what is done when it would not last; both ascend."""

    scope: Scope
    usd: str
    window: str
    id: str | None = None
    zone: str = "UTC"
    mode: Mode = Mode.HARD
    on_exhausted: OnExhausted = OnExhausted.DENY
    overshoot_usd: str | None = None
    warn_at: tuple[float, ...] = ()
    pace: tuple[Pace, ...] = ()

    @property
    def nano(self) -> int:
        return parse_usd(self.usd)

    @property
    def overshoot_nano(self) -> int:
        return parse_usd(self.overshoot_usd) if self.overshoot_usd is not None else 0


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
    rename={"budgets": "budget", "limits": "limit", "scores": "score", "alarms": "alarm"},
):
    team: str = DEFAULT_TEAM
    quality: str | float = "balanced"
    baseline_model: str = "mistral-medium-3-5"
    region: Region = Region.ANY
    priority: Priority = Priority.INTERACTIVE
    upstream_key: str | None = None
    when_store_away: StoreAway = StoreAway.DENY
    default_max_tokens: int = 8_192
    default_max_tokens_reasoning: int = 32_768
    hold_quantile: float = 0.95
    escalation_cost_max: float = 5.0
    routing: Routing = Routing.ON
    parallel_tools: ParallelTools = ParallelTools.CHOOSE
    pins: Pins = Pins.STAY
    records_kept: int = 10_000
    details_kept: int = 1_000
    usage_kept_days: int = 400
    models: Models = Models()
    scores: tuple[OwnScore, ...] = ()
    budgets: tuple[Budget, ...] = ()
    limits: tuple[Limit, ...] = ()
    alarms: tuple[Alarm, ...] = ()

    def allows(self, model: str) -> bool:
        return any(fnmatchcase(model, pattern) for pattern in self.models.allow)

    def mapped(self, name: str) -> str:
        """What `name` stands for under this policy: itself when nothing rewrites it."""
        if name in self.models.map:
            return self.models.map[name]
        return next((to for pattern, to in self.models.map.items() if fnmatchcase(name, pattern)), name)

    def scopes(self) -> Iterator[tuple[str, Scope]]:
        """Each rule's place in the file, and its scope."""
        for index, budget in enumerate(self.budgets):
            yield f"budget[{index}]", budget.scope
        for index, limit in enumerate(self.limits):
            yield f"limit[{index}]", limit.scope

    @property
    def counts_organisation(self) -> bool:
        return any(scope is Scope.ORGANISATION for _, scope in self.scopes())

    @property
    def overshoots(self) -> bool:
        return any(budget.overshoot_usd is not None for budget in self.budgets)

    @property
    def has_hard_budget(self) -> bool:
        """Whether the team's own money ends; the organisation's would be used up by one team."""
        return any(budget.mode is Mode.HARD and budget.scope is not Scope.ORGANISATION for budget in self.budgets)


def whose(rule: Budget | Limit) -> str:
    """What a rule counts, in short: `team`, `key`, `tag:nightly`."""
    return rule.scope.value if rule.id is None else f"{rule.scope.value}:{rule.id}"


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
