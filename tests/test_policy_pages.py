"""The page of example policies: each loads, and each field of the structs has a line that can be copied."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from router.core.budget_lines import Alarm
from router.core.policy import Budget, Limit, Models, OwnScore, Policy
from router.core.rules import Rules
from router.rulebook import load_draft, load_policy, load_rules
from tests.pages import FENCE, TICKED, page, section, table_rows
from tests.running import ROOT

PAGE = "docs/policies.md"
EXAMPLES = [body for kind, body in FENCE.findall(page(PAGE)) if kind == "toml"]
TABLES = {"models": Models, "score": OwnScore, "budget": Budget, "limit": Limit, "alarm": Alarm}
# What a rule needs beside the field that is shown.
NEEDED = {
    "score": {"model": 'model = "mistral-small-2603"', "score": "score = 50", "source": 'source = "x"'},
    "budget": {"scope": 'scope = "tag"', "id": 'id = "x"', "usd": 'usd = "1"', "window": 'window = "day"'},
    "limit": {"scope": 'scope = "key"', "concurrency": "concurrency = 1"},
    "models": {},
    "alarm": {"budget": 'budget = "team.month"', "at": "at = [0.8]", "webhook": 'webhook = "finance"'},
}
# What stands above a table of that name.
ABOVE = {"alarm": ["[[budget]]", 'scope = "team"', 'usd = "1"', 'window = "month"']}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(ROOT / "config", ROOT / "policies", datetime.now(UTC).date())


def fields(struct: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def lines(title: str) -> dict[str, str]:
    """The line to copy of each field."""
    return {
        TICKED.findall(name)[0].removeprefix("models."): TICKED.findall(line)[0]
        for name, line, _ in table_rows(section(PAGE, title))
    }


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: body.partition("\n")[0])
def test_a_typical_teams_policy_is_in_force_when_copied(body: str, rules: Rules, tmp_path: Path) -> None:
    team = msgspec.toml.decode(body)["team"]
    path = tmp_path / f"{team}.toml"
    path.write_text(body)
    assert load_policy(path, rules.shelf).has_hard_budget


def test_every_field_at_the_top_has_a_line_to_copy(rules: Rules, tmp_path: Path) -> None:
    told = lines("At the top")
    assert set(told) == set(fields(Policy)) - set(TABLES)
    for name, line in told.items():
        path = tmp_path / "draft.toml"
        path.write_text(line)
        shown = msgspec.to_builtins(getattr(load_draft(path, rules.shelf), name))
        assert msgspec.toml.decode(line) == {name: shown}


@pytest.mark.parametrize("table", TABLES)
def test_every_field_of_a_table_has_a_line_to_copy(table: str, rules: Rules, tmp_path: Path) -> None:
    told = lines("In [models]" if table == "models" else f"In [[{table}]]")
    assert set(told) == set(fields(TABLES[table]))
    for name, line in told.items():
        head = "[models]" if table == "models" else f"[[{table}]]"
        path = tmp_path / "draft.toml"
        path.write_text("\n".join([*ABOVE.get(table, ()), head, *{**NEEDED[table], name: line}.values()]))
        load_draft(path, rules.shelf)
        assert set(msgspec.toml.decode(line)) == {name}
