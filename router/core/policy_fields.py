"""A policy field by field, as it takes effect: where each value comes from, and what another policy has instead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from router.core.policy import Budget, Limit, OwnScore, Policy, Scope, quality_number, whose
from router.core.rules import Rules

_TABLE: Final = re.compile(r"\s*\[(\[?)\s*([A-Za-z0-9_.-]+)\s*\]")
_KEY: Final = re.compile(r"""\s*(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is plain JSON. `given` says that the file has it, on `line` where that is known; else it is the product's
    default."""

    name: str
    value: Any
    given: bool
    line: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """None where a policy has no such rule."""

    name: str
    old: Any
    new: Any


def lines_of(text: str) -> dict[str, int]:
    """Where each value of a TOML file stands: `quality`, `models.map."gpt-*"`, `budget[0].usd` → the line, from 1."""
    found: dict[str, int] = {}
    tables: Counter[str] = Counter()
    prefix = ""
    for number, line in enumerate(text.splitlines(), 1):
        if table := _TABLE.match(line):
            prefix = f"{table[2]}."
            if table[1]:
                prefix = f"{table[2]}[{tables[table[2]]}]."
                tables[table[2]] += 1
        elif key := _KEY.match(line):
            name = key[3] or f'"{key[1] or key[2] or ""}"'
            found.setdefault(prefix + name, number)
    return found


def fields_of(policy: Policy, given: Mapping[str, Any], lines: Mapping[str, int] | None = None) -> list[Field]:
    """Every field that takes effect. `given` is the file's own content, as decoded from TOML, `lines` where it stands.

    `quality` is its number. A score is named by model, kind and language (`*` for all of either), a budget by what it
    counts and its window, a limit by what it counts, so that moving one in the file is no difference.
    """
    at = lines or {}
    found = []
    for field in msgspec.structs.fields(Policy):
        if field.name in ("models", "scores", "budgets", "limits", "alarms"):
            continue
        value = msgspec.to_builtins(getattr(policy, field.name))
        shown = quality_number(value) if field.name == "quality" else value
        found.append(Field(name=field.name, value=shown, given=field.name in given, line=at.get(field.name)))
    models, place = given.get("models", {}), "models.allow"
    found.append(Field(name=place, value=sorted(policy.models.allow), given="allow" in models, line=at.get(place)))
    for name, to in policy.models.map.items():
        place = f'models.map."{name}"'
        found.append(Field(name=place, value=to, given=True, line=at.get(place) or at.get(f"models.map.{name}")))
    for index, own in enumerate(policy.scores):
        found.append(Field(name=_figure(own), value=own.score, given=True, line=at.get(f"score[{index}].score")))
    for index, (budget, row) in enumerate(zip(policy.budgets, given.get("budget", ()), strict=True)):
        found += _budget(budget, row, f"budget[{index}]", at)
    for index, (limit, row) in enumerate(zip(policy.limits, given.get("limit", ()), strict=True)):
        found += _limit(limit, row, f"limit[{index}]", at)
    for index, alarm in enumerate(policy.alarms):
        place = f"alarm.{alarm.budget}.{alarm.webhook}"
        found.append(Field(name=place, value=list(alarm.at), given=True, line=at.get(f"alarm[{index}].at")))
    return found


def effective(rules: Rules, team: str) -> list[dict[str, Any]]:
    """The policy in force for a team, as the operations plane and `policy show` tell it; `origin` is the file, or
    `product` for a default. The organisation's rules come from the default file."""
    file, policy = rules.file_of(team), rules.policy_of(team)
    if file == rules.default.team or not policy.counts_organisation:
        return _told(policy, file, rules.texts[file])
    own = msgspec.structs.replace(
        policy,
        budgets=tuple(rule for rule in policy.budgets if rule.scope is not Scope.ORGANISATION),
        limits=tuple(rule for rule in policy.limits if rule.scope is not Scope.ORGANISATION),
    )
    shared = _told(rules.default, rules.default.team, rules.texts[rules.default.team])
    return [
        *_told(own, file, rules.texts[file]),
        *(row for row in shared if row["field"].split(".")[1:2] == [Scope.ORGANISATION.value]),
    ]


def _told(policy: Policy, file: str, text: str) -> list[dict[str, Any]]:
    fields = fields_of(policy, msgspec.toml.decode(text), lines_of(text))
    return [
        {
            "field": field.name,
            "value": field.value,
            "origin": f"{file}.toml" if field.given else "product",
            "line": field.line,
        }
        for field in fields
    ]


def _budget(budget: Budget, row: Mapping[str, Any], there: str, at: Mapping[str, int]) -> Iterator[Field]:
    place = f"budget.{whose(budget)}.{budget.window}"
    for name in ("usd", "zone", "mode", "on_exhausted", "overshoot_usd"):
        value = msgspec.to_builtins(getattr(budget, name))
        yield Field(name=f"{place}.{name}", value=value, given=name in row, line=at.get(f"{there}.{name}"))
    if budget.warn_at:
        yield Field(name=f"{place}.warn_at", value=list(budget.warn_at), given=True, line=at.get(f"{there}.warn_at"))
    for rung in budget.pace:
        yield Field(name=f"{place}.pace.{rung.step.value}", value=rung.above, given=True)


def _limit(limit: Limit, row: Mapping[str, Any], there: str, at: Mapping[str, int]) -> Iterator[Field]:
    place = f"limit.{whose(limit)}"
    for name in ("requests_per_minute", "tokens_per_minute", "concurrency"):
        most = getattr(limit, name)
        if most is not None:
            yield Field(name=f"{place}.{name}", value=most, given=True, line=at.get(f"{there}.{name}"))
            mode, line = limit.mode.value, at.get(f"{there}.mode")
            yield Field(name=f"{place}.{name}.mode", value=mode, given="mode" in row, line=line)


def _figure(own: OwnScore) -> str:
    return ".".join(("score", f'"{own.model}"', own.kind.value if own.kind else "*", own.language or "*"))


def changes(old: list[Field], new: list[Field]) -> list[Change]:
    """The fields whose value differs, in the old policy's order and then the new one's. Whose policy it is does not
    count: a draft stands in for any team's."""
    before, after = ({field.name: field.value for field in fields} for fields in (old, new))
    names = [name for name in {**before, **after} if name != "team"]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return [Change(name=name, old=was, new=now) for name, was, now in pairs if was != now]
