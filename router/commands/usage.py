"""mistral-router usage: what was spent and saved, by team, key, model, tag, kind, language or day."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import rich_click as click
from rich.table import Table

from router.commands import focus
from router.commands.cases import moment
from router.commands.options import as_json, folders
from router.commands.printing import plain_console, printable
from router.commands.remote import Remote
from router.core.money import usd
from router.store.records import GROUPS

_COUNTS: Final = ("requests", "input_tokens", "cached_tokens", "output_tokens")
_MONEY: Final = ("nano_usd", "saved_nano_usd", "unconfirmed_nano_usd")


def _groups(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    groups = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if unknown := [name for name in groups if name not in GROUPS]:
        raise click.BadParameter(f"{unknown[0]!r} is not one of {', '.join(GROUPS)}; join several with commas.")
    return groups


@click.command()
@folders()
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Print CSV, money as exact USD.")
@click.option("--focus", "focus_", is_flag=True, help="Print CSV with FOCUS 1.2 columns, by day, team, key and model.")
@click.option("--since", help="Date, time, or a length back from now such as 24h or 7d; whole hours count.")
@click.option("--until", help="The same.")
@click.option(
    "--group-by", "groups", callback=_groups, default="team", show_default=True, help="One or several, with commas."
)
@click.option("--team", help="Only this team.")
def usage(
    data_dir: Path,
    json_: bool,
    csv_: bool,
    focus_: bool,
    since: str | None,
    until: str | None,
    groups: tuple[str, ...],
    team: str | None,
    **_: Any,
) -> None:
    """Spend and savings of a running router (ROUTER_URL, ROUTER_ADMIN_KEY)."""
    if json_ + csv_ + focus_ > 1:
        raise click.UsageError("Choose one of --json, --csv and --focus.")
    if focus_:
        groups = focus.GROUPS
    query = {"since": moment(since), "until": moment(until), "group_by": ",".join(groups), "team": team}
    found = Remote(data_dir).call("GET", "/admin/v1/usage", query=query)
    if json_:
        click.echo(json.dumps(found))
    elif focus_:
        _print_csv(focus.COLUMNS, (tuple(row.values()) for row in focus.focus_rows(found["groups"])))
    elif csv_:
        money = [name.replace("nano_usd", "usd") for name in _MONEY]
        rows = ((*group["key"].values(), *_exact(group)) for group in found["groups"])
        _print_csv((*groups, *_COUNTS, *money), rows)
    else:
        _print_table(found, groups)


def _print_csv(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(heads)
    out.writerows([_inert(cell) for cell in row] for row in rows)


def _inert(cell: str) -> str:
    """Tags are what apps say: one that a spreadsheet would take for a formula is marked as text, as OWASP advises."""
    number = cell.removeprefix("-").replace(".", "", 1).isdigit()
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not number else cell


def _print_table(found: dict[str, Any], groups: Sequence[str]) -> None:
    table = Table(*groups, *("requests", "input", "cached", "output", "USD", "saved USD", "unconfirmed USD"))
    for group in found["groups"]:
        table.add_row(*(printable(name) or "-" for name in group["key"].values()), *_cells(group))
    table.add_section()
    table.add_row("total", *[""] * (len(groups) - 1), *_cells(found["total"]))
    plain_console(120 + 30 * (len(groups) - 1)).print(table)


def _cells(sums: dict[str, Any]) -> list[str]:
    return [f"{sums[name]:,}" for name in _COUNTS] + [usd(sums[name], 6) for name in _MONEY]


def _exact(sums: dict[str, Any]) -> list[str]:
    return [str(sums[name]) for name in _COUNTS] + [usd(sums[name]) for name in _MONEY]
