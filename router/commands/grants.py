"""mistral-router policy grant, grants and revoke: more money for a team of a running router, for a while."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import rich_click as click
from rich.table import Table

from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.commands.remote import Remote
from router.core.policy import Scope


@click.command()
@folders()
@as_json
@click.option("--usd", required=True, help="How much more, such as 50.")
@click.option("--until", required=True, help="When it ends, such as 2026-12-01T00:00Z.")
@click.option("--reason", required=True, help="Why; kept in the audit.")
@click.option(
    "--scope", type=click.Choice([scope.value for scope in Scope]), default="team", show_default=True, help="Whose."
)
@click.option("--id", "target", help="Which key, model or tag.")
@click.option("--window", help="Only the budget over this window, such as month; default: all of the scope.")
@click.argument("team")
def grant(data_dir: Path, json_: bool, team: str, **fields: Any) -> None:
    """Raise the budgets of TEAM until a time, on every replica within seconds."""
    del fields["config_dir"], fields["policies_dir"]
    told = Remote(data_dir).call("POST", _path(team), fields)
    click.echo(json.dumps(told) if json_ else f"{told['id']}: {_said(told)}")


@click.command()
@folders()
@as_json
@click.argument("team")
def grants(data_dir: Path, json_: bool, team: str, **_: Any) -> None:
    """The grants of TEAM that have not ended."""
    found = Remote(data_dir).call("GET", _path(team))["grants"]
    if json_:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo(f"Team {team} has no grant that has not ended.")
        return
    table = Table("id", "grant", "state")
    for one in found:
        table.add_row(one["id"], _said(one), f"revoked {one['revoked_at']}" if one["revoked_at"] else "holds")
    plain_console().print(table)


@click.command()
@folders()
@as_json
@click.argument("team")
@click.argument("grant_id")
def revoke(data_dir: Path, json_: bool, team: str, grant_id: str, **_: Any) -> None:
    """End a grant (GRANT_ID) of TEAM now; what is held under it stays held."""
    told = Remote(data_dir).call("DELETE", f"{_path(team)}/{quote(grant_id, safe='')}")
    click.echo(
        json.dumps(told) if json_ else f"{told['id']} of team {told['team']} was revoked at {told['revoked_at']}"
    )


def _path(team: str) -> str:
    return f"/admin/v1/policies/{quote(team, safe='')}/grants"


def _said(told: dict[str, Any]) -> str:
    whose = told["scope"] + (f" {told['target']}" if told["target"] else "")
    window = f", {told['window']}" if told["window"] else ""
    return f"+{told['usd']} USD for {whose}{window} until {told['until']} ({told['reason']}; by {told['by']})"
