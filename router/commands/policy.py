"""mistral-router policy: what a team's policy is in effect, and what a draft would change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from router.commands.backtest import gathered
from router.commands.comparing import as_policy_of, compare, plain_console, show
from router.commands.desk import Desk
from router.commands.options import as_json, folders
from router.core.policy_fields import Change, changes, fields_of
from router.rulebook import DEFAULT, load_draft, load_rules

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """Policies: what holds for a team, and what a draft would change."""


@policy.command("show")
@folders()
@as_json
@click.argument("team")
def show_(config_dir: Path, policies_dir: Path, json_: bool, team: str, **_: Any) -> None:
    """The policy that holds for TEAM, with each value's origin: a file, or the product's default."""
    rules = load_rules(config_dir, policies_dir, datetime.now(UTC).date())
    path = policies_dir / (f"{team}.toml" if team in rules.policies else DEFAULT)
    fields = fields_of(rules.policy_of(team), _content(path))
    rows = [
        {"field": field.name, "value": field.value, "origin": path.name if field.given else "product"}
        for field in fields
    ]
    if json_:
        click.echo(msgspec.json.encode({"team": team, "file": str(path), "fields": rows}))
        return
    click.echo(f"Team {team}: {path}")
    table = Table("field", "value", "origin")
    for row in rows:
        table.add_row(str(row["field"]), _text(row["value"]), str(row["origin"]))
    plain_console().print(table)


@policy.command("diff")
@folders()
@as_json
@click.option("--since", help="Compare on the records since then: a date, a time, or a length such as 24h or 7d.")
@click.option("--until", help="Compare on the records until then.")
@click.option("--team", help="Only this team's records; default: those that NEW would hold for.")
@click.option("--model", help="Plan as though every request asked for this model, such as auto.")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.argument("file", type=click.File("rb"), required=False)
def diff(
    config_dir: Path,
    policies_dir: Path,
    data_dir: Path,
    json_: bool,
    old: Path,
    new: Path,
    file: Any,
    **wanted: str | None,
) -> None:
    """What NEW has otherwise than OLD, and with data what it would have cost: FILE as for backtest, or --since."""
    desk = Desk(config_dir, policies_dir)
    before, after = load_draft(old, desk.rules.shelf), load_draft(new, desk.rules.shelf)
    found = changes(fields_of(before, _content(old)), fields_of(after, _content(new)))
    compared = None
    if file is not None or any(wanted.values()):
        cases = gathered(desk, after, data_dir, file, **wanted)
        compared = compare(cases, desk, as_policy_of(before), as_policy_of(after))
    if json_:
        click.echo(msgspec.json.encode({"changes": found, "backtest": compared}))
        return
    console = plain_console()
    _show_changes(found, console)
    if compared is not None:
        show(compared, console)


def _show_changes(found: list[Change], console: Console) -> None:
    if not found:
        console.print("Both have the same effect.")
        return
    table = Table("field", "old", "new")
    for change in found:
        table.add_row(change.name, _text(change.old), _text(change.new))
    console.print(table)


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    return content


def _text(value: Any) -> str:
    return "-" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
