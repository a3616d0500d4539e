"""mistral-router audit: who changed what through the operations plane of a running router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click
from rich.table import Table

from router.commands.cases import moment
from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.commands.remote import Remote


@click.command()
@folders()
@as_json
@click.option("--since", help="Date, time, or a length back from now such as 24h or 7d.")
@click.option("--until", help="The same.")
def audit(data_dir: Path, json_: bool, since: str | None, until: str | None, **_: Any) -> None:
    """The newest hundred changes, newest first (ROUTER_URL, ROUTER_ADMIN_KEY)."""
    found = Remote(data_dir).call("GET", "/admin/v1/audit", query={"since": moment(since), "until": moment(until)})
    if json_:
        click.echo(json.dumps(found))
        return
    table = Table("at", "by", "from", "what", "target", "details")
    for line in found["changes"]:
        details = ", ".join(f"{name} {value}" for name, value in line["details"].items() if value is not None)
        table.add_row(line["at"], line["by"], line["source"], line["what"], line["target"], details)
    plain_console(140).print(table)
