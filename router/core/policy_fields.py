"""A policy field by field, as it takes effect: where each value comes from, and what another policy has instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from router.core.policy import Budget, Limit, OwnScore, Policy, quality_number


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is plain JSON. `given` says that the file has it; else it is the product's default."""

    name: str
    value: Any
    given: bool


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """None where a policy has no such rule."""

    name: str
    old: Any
    new: Any


def fields_of(policy: Policy, given: Mapping[str, Any]) -> list[Field]:
    """Every field that takes effect. `given` is the file's own content, as decoded from TOML.

    `quality` is its number. A score is named by model, kind and language (`*` for all of either), a budget by what it
    counts and its window, a limit by what it counts, so that moving one in the file is no difference.
    """
    found = []
    for field in msgspec.structs.fields(Policy):
        if field.name in ("models", "scores", "budgets", "limits"):
            continue
        value = msgspec.to_builtins(getattr(policy, field.name))
        shown = quality_number(value) if field.name == "quality" else value
        found.append(Field(name=field.name, value=shown, given=field.name in given))
    models = given.get("models", {})
    found.append(Field(name="models.allow", value=sorted(policy.models.allow), given="allow" in models))
    found += [Field(name=f'models.map."{name}"', value=to, given=True) for name, to in policy.models.map.items()]
    found += [Field(name=_figure(own), value=own.score, given=True) for own in policy.scores]
    for budget, row in zip(policy.budgets, given.get("budget", ()), strict=True):
        found += _budget(budget, row)
    for limit, row in zip(policy.limits, given.get("limit", ()), strict=True):
        found += _limit(limit, row)
    return found


def _budget(budget: Budget, row: Mapping[str, Any]) -> Iterator[Field]:
    place = f"budget.{_whose(budget)}.{budget.window}"
    for name in ("usd", "zone", "mode", "on_exhausted", "overshoot_usd"):
        value = msgspec.to_builtins(getattr(budget, name))
        yield Field(name=f"{place}.{name}", value=value, given=name in row)


def _limit(limit: Limit, row: Mapping[str, Any]) -> Iterator[Field]:
    place = f"limit.{_whose(limit)}"
    for name in ("requests_per_minute", "tokens_per_minute", "concurrency"):
        most = getattr(limit, name)
        if most is not None:
            yield Field(name=f"{place}.{name}", value=most, given=True)
            yield Field(name=f"{place}.{name}.mode", value=limit.mode.value, given="mode" in row)


def _figure(own: OwnScore) -> str:
    return ".".join(("score", f'"{own.model}"', own.kind.value if own.kind else "*", own.language or "*"))


def _whose(rule: Budget | Limit) -> str:
    return rule.scope.value if rule.id is None else f"{rule.scope.value}:{rule.id}"


def changes(old: list[Field], new: list[Field]) -> list[Change]:
    """The fields whose value differs, in the old policy's order and then the new one's. Whose policy it is does not
    count: a draft stands in for any team's."""
    before, after = ({field.name: field.value for field in fields} for fields in (old, new))
    names = [name for name in {**before, **after} if name != "team"]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return [Change(name=name, old=was, new=now) for name, was, now in pairs if was != now]
