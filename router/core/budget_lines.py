"""Lines of a policy about the course of a budget: what is done when it would not last, and who is told how far
it is."""

from __future__ import annotations

import enum

import msgspec


class Step(enum.Enum):
    """What is done about a budget that would not last: tell it, route by the cheapest mode, keep answers shorter, or
    refuse."""

    WARN = "warn"
    ECONOMY = "economy"
    SMALLER_OUTPUTS = "smaller_outputs"
    DENY = "deny"


class Pace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The step that is taken while the forecast for the window's end is above this share of the limit."""

    above: float
    step: Step


class Alarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at` are shares of a budget, named as `team.month` or `tag:nightly.day`; when one is spent, the webhook of that
    name in router.toml is told."""

    budget: str
    at: tuple[float, ...]
    webhook: str
