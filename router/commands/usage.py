"""mistral-router usage: what was spent and saved, by team, key, model, tag, kind, language or day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from router.commands.options import as_json, folders
from router.commands.remote import Remote
from router.core.money import usd
from router.store.records import GROUPS


@click.command()
@folders()
@as_json
@click.option("--since", help="Date or time; whole hours count.")
@click.option("--until", help="Date or time; whole hours count.")
@click.option("--group-by", type=click.Choice(GROUPS), default="team", show_default=True)
@click.option("--team", help="Only this team.")
def usage(
    data_dir: Path, json_: bool, since: str | None, until: str | None, group_by: str, team: str | None, **_: Any
) -> None:
    """Spend and savings of a running router (ROUTER_URL, ROUTER_ADMIN_KEY)."""
    query = {"since": since, "until": until, "group_by": group_by, "team": team}
    found = Remote(data_dir).call("GET", "/admin/v1/usage", query=query)
    if json_:
        click.echo(json.dumps(found))
        return
    table = Table(group_by, *(("requests", "input", "cached", "output", "USD", "saved USD", "unconfirmed USD")))
    for group in found["groups"]:
        table.add_row(group["key"][group_by] or "-", *_cells(group))
    table.add_section()
    table.add_row("total", *_cells(found["total"]))
    # A figure that is cut off is worse than a line that is too long.
    Console(width=max(120, Console().width)).print(table)


def _cells(sums: dict[str, Any]) -> list[str]:
    counts = [f"{sums[name]:,}" for name in ("requests", "input_tokens", "cached_tokens", "output_tokens")]
    return counts + [usd(sums[name], 6) for name in ("nano_usd", "saved_nano_usd", "unconfirmed_nano_usd")]
