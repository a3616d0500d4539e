"""mistral-router usage: what was spent and saved, by team, key, model, tag, kind, language or day."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import rich_click as click
from rich.table import Table

from router.commands import focus
from router.commands.cases import moment
from router.commands.options import as_json, folders
from router.commands.printing import plain_console, printable
from router.commands.remote import Remote
from router.core.charges import FOREVER_MS
from router.core.instants import instant
from router.core.money import usd
from router.store.records import GROUPS
from router.store.totals import DAY_MS

_PATH: Final = "/admin/v1/usage"
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
    remote, query = Remote(data_dir), {"since": moment(since), "until": moment(until), "team": team}
    if focus_:
        _print_csv(focus.COLUMNS, (tuple(row.values()) for row in _focus_rows(remote, query)))
        return
    found = remote.call("GET", _PATH, query={**query, "group_by": ",".join(groups)})
    if json_:
        click.echo(json.dumps(found))
    elif csv_:
        money = [name.replace("nano_usd", "usd") for name in _MONEY]
        rows = ((*group["key"].values(), *_exact(group)) for group in found["groups"])
        _print_csv((*groups, *_COUNTS, *money), rows)
    else:
        _print_table(found, groups)


def _focus_rows(remote: Remote, query: Mapping[str, str | None]) -> Iterator[dict[str, str]]:
    """Asked day by day and printed as they come: a year of many teams is neither one long question nor held at once."""
    told = remote.call("GET", _PATH, query={**query, "group_by": "day"})
    since_ms, until_ms = instant("since", query["since"], 0), instant("until", query["until"], FOREVER_MS)
    days = {instant("day", group["key"]["day"], 0) for group in told["groups"]}
    # What a day's last hours hold is kept a little longer than the sums of the day.
    spans = [
        (max(since_ms, day), min(until_ms, day + DAY_MS)) for day in sorted({*days, *(day - DAY_MS for day in days)})
    ]
    asked = [{"since": str(begin), "until": str(end)} for begin, end in spans if begin < end]
    groups = ",".join(focus.GROUPS)
    found = (remote.call("GET", _PATH, query={**query, **span, "group_by": groups}) for span in asked)
    return chain.from_iterable(focus.focus_rows(one["groups"]) for one in found)


def _print_csv(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(heads)
    out.writerows([_inert(cell) for cell in row] for row in rows)


def _inert(cell: str) -> str:
    """Tags are what apps say: one that a spreadsheet would take for a formula is marked as text, as OWASP advises."""
    if cell[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return cell
    number = cell.removeprefix("-").replace(".", "", 1).isdigit()
    return cell if number else f"'{cell}"


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
