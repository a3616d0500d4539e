"""A policy field by field: its values in effect, where they come from, what another has instead."""

from __future__ import annotations

from typing import Any

import msgspec

from router.core.policy import Policy
from router.core.policy_fields import Change, Field, changes, fields_of, lines_of

DAY = {"scope": "team", "usd": "5", "window": "day"}
SCORE = {"model": "ministral-8b-2512", "kind": "extraction", "score": 91, "source": "our own suite"}
MONTH = {"scope": "team", "usd": "50", "window": "month"}


def fields(**given: Any) -> list[Field]:
    return fields_of(msgspec.convert(given, Policy), given)


def test_what_the_file_says_is_told_from_what_the_product_says() -> None:
    found = {field.name: (field.value, field.given) for field in fields(team="apps", region="eu", budget=[DAY])}
    assert found["region"] == ("eu", True)
    assert found["default_max_tokens"] == (8_192, False)
    assert found["budget.team.day.usd"] == ("5", True)
    assert found["budget.team.day.mode"] == ("hard", False)
    assert found["models.allow"] == (["codestral-*", "ministral-*", "mistral-*"], False)


def test_the_same_effect_written_otherwise_is_no_change() -> None:
    old = fields(team="a", quality="balanced", budget=[DAY, MONTH], models={"allow": ["x", "y"]})
    new = fields(team="b", quality=0.9, priority="interactive", budget=[MONTH, DAY], models={"allow": ["y", "x"]})
    assert changes(old, new) == []


def test_changed_new_and_lost_rules_are_told() -> None:
    limit = {"scope": "key", "id": "k1", "concurrency": 3}
    old = fields(quality="economy", budget=[DAY], models={"map": {"gpt-*": "auto"}})
    new = fields(quality=0.5, score=[SCORE], budget=[{**DAY, "usd": "6"}], limit=[limit])
    assert changes(old, new) == [
        Change(name="quality", old=0.85, new=0.5),
        Change(name='models.map."gpt-*"', old="auto", new=None),
        Change(name="budget.team.day.usd", old="5", new="6"),
        Change(name='score."ministral-8b-2512".extraction.*', old=None, new=91.0),
        Change(name="limit.key:k1.concurrency", old=None, new=3),
        Change(name="limit.key:k1.concurrency.mode", old=None, new="hard"),
    ]


def test_every_field_of_a_policy_is_shown() -> None:
    alarm = {"budget": "team.day", "at": [0.8], "webhook": "finance"}
    found = fields(score=[SCORE], budget=[DAY], limit=[{"scope": "team", "concurrency": 1}], alarm=[alarm])
    shown = {field.name.partition(".")[0] for field in found}
    assert shown == {field.encode_name for field in msgspec.structs.fields(Policy)}


def test_a_value_is_told_with_its_line() -> None:
    text = """team = "a"
quality = "economy"   # a comment
[models.map]
"gpt-4o*" = "auto"
plain = "auto"

[[budget]]
scope = "team"
usd = "5"
window = "day"
warn_at = [0.5]

[[budget.pace]]
above = 1.2
step = "warn"

[[budget]]
scope = "key"
usd = "1"
window = "day"
"""
    given = msgspec.toml.decode(text)
    found = {field.name: field.line for field in fields_of(msgspec.convert(given, Policy), given, lines_of(text))}
    assert found["quality"] == 2
    assert found["region"] is None
    assert found['models.map."gpt-4o*"'] == 4
    assert found['models.map."plain"'] == 5
    assert (found["budget.team.day.usd"], found["budget.key.day.usd"]) == (9, 19)
    assert found["budget.team.day.warn_at"] == 11
    assert found["budget.team.day.pace.warn"] is None
