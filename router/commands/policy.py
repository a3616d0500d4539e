"""mistral-router policy: what a team's policy is in effect, what a draft would change, and grants."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import rich_click as click
from click.core import ParameterSource
from rich.console import Console
from rich.table import Table

from router.commands.backtest import gathered
from router.commands.comparing import as_policy_of, compare, show
from router.commands.desk import Desk
from router.commands.grants import grant, grants, revoke
from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.commands.remote import Remote
from router.core.policy_fields import Change, changes, effective, fields_of
from router.rulebook import load_draft, load_rules

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """Policies: what holds for a team, what a draft would change, and more money for a while."""


policy.add_command(grant)
policy.add_command(grants)
policy.add_command(revoke)


@policy.command("show")
@folders()
@as_json
@click.argument("team")
@click.pass_context
def show_(context: click.Context, config_dir: Path, policies_dir: Path, data_dir: Path, json_: bool, team: str) -> None:
    """The policy that holds for TEAM, with each value's origin, as a running router has it: and how its budgets stand.

    With --policies the files of that folder are read, and no router is asked.
    """
    if context.get_parameter_source("policies_dir") is ParameterSource.COMMANDLINE:
        told = _from_files(config_dir, policies_dir, team)
    else:
        told = Remote(data_dir).call("GET", f"/admin/v1/policies/{quote(team, safe='')}")
    if json_:
        click.echo(msgspec.json.encode(told))
        return
    click.echo(f"Team {team}: {told['file']}")
    table = Table("field", "value", "origin")
    for row in told["fields"]:
        place = f"{row['origin']}:{row['line']}" if row["line"] else row["origin"]
        table.add_row(row["field"], _text(row["value"]), place)
    for more in told.get("grants", ()):
        whose = ".".join(filter(None, ("budget", more["scope"], more["target"], more["window"])))
        table.add_row(f"{whose}.usd", f"+{more['usd']}", f"{more['id']} until {more['until']} ({more['reason']})")
    console = plain_console(140)
    console.print(table)
    if "budgets" in told:
        console.print(_standing(told["budgets"]))


def _from_files(config_dir: Path, policies_dir: Path, team: str) -> dict[str, Any]:
    rules = load_rules(config_dir, policies_dir, datetime.now(UTC).date())
    return {"team": team, "file": str(policies_dir / f"{rules.file_of(team)}.toml"), "fields": effective(rules, team)}


def _standing(budgets: list[dict[str, Any]]) -> Table:
    table = Table("budget", "window", "mode", "limit", "spent", "reserved", "left", "renews")
    for one in budgets:
        amounts = (one[f"{name}_usd"] for name in ("limit", "spent", "reserved", "left"))
        table.add_row(f"{one['scope']} {one['id']}", one["window"], one["mode"], *amounts, one["resets_at"] or "-")
    return table


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
