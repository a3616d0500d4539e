"""mistral-router reconcile: what nobody knows the cost of, and how it ends once the vendor's bill is there."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import rich_click as click
from rich.table import Table

from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.commands.remote import Remote
from router.core.money import parse_usd, usd
from router.core.reconcile import Compared, Finding, Ours, Place, Theirs, WrongExport, compare, read_export

DAYS_MAX = 400


@click.command()
@folders()
@as_json
@click.option("--team", help="Only this team.")
@click.option("--since", help="Only holds of the last days (7d) or hours (24h).")
@click.option("--release", multiple=True, metavar="ID", help="The vendor did not bill this hold; may be repeated.")
@click.option("--settle", multiple=True, metavar="ID=USD", help="The vendor billed this hold so; may be repeated.")
@click.option(
    "--export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare with this usage export (CSV).",
)
@click.option("--apply", is_flag=True, help="With --export: release what the vendor surely did not bill.")
def reconcile(
    data_dir: Path,
    json_: bool,
    team: str | None,
    since: str | None,
    release: tuple[str, ...],
    settle: tuple[str, ...],
    export: Path | None,
    apply: bool,
    **_: Any,
) -> None:
    """Unconfirmed charges of a running router (ROUTER_URL, ROUTER_ADMIN_KEY)."""
    words = {**dict.fromkeys(release, None), **dict(map(_word, settle))}
    if len(words) < len(release) + len(settle):
        raise click.UsageError("A hold is named twice: say what it cost, once.")
    if apply and export is None:
        raise click.UsageError("--apply needs --export FILE.csv.")
    if export is not None and (words or team or since):
        raise click.UsageError(
            "--export compares every team and hold: leave --team, --since, --release, --settle away."
        )
    from_ms = _since_ms(since)
    remote = Remote(data_dir)
    holds = [
        hold
        for hold in remote.call("GET", "/admin/v1/unconfirmed", query={"team": team})["unconfirmed"]
        if hold["at_ms"] >= from_ms
    ]
    if export is not None:
        _compare(remote, holds, export, apply=apply, json_=json_)
    elif words:
        _end_by_name(remote, holds, words, json_=json_)
    else:
        _list(holds, json_=json_)


def _word(text: str) -> tuple[str, int]:
    name, _, amount = text.rpartition("=")
    try:
        return name, parse_usd(amount)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write ID=USD.", param_hint="--settle") from None


def _since_ms(text: str | None) -> int:
    if text is None:
        return 0
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) < 5 and unit in ("d", "h")):
        raise click.BadParameter("write a number of days or hours, such as 7d or 24h.", param_hint="--since")
    span = timedelta(days=int(number)) if unit == "d" else timedelta(hours=int(number))
    return round((datetime.now(UTC) - span).timestamp() * 1000)


def _end(remote: Remote, hold: dict[str, Any], nano: int | None) -> dict[str, Any]:
    body = {"team": hold["team"], **({"release": True} if nano is None else {"nano_usd": nano})}
    ended: dict[str, Any] = remote.call("POST", f"/admin/v1/unconfirmed/{quote(hold['id'], safe='')}", body)
    return ended


def _end_by_name(remote: Remote, holds: list[dict[str, Any]], words: dict[str, int | None], *, json_: bool) -> None:
    known = {hold["id"]: hold for hold in holds}
    missing = [name for name in words if name not in known]
    if missing:
        raise click.ClickException(f"No unconfirmed hold is named {', '.join(missing)}; nothing was changed.")
    ended = [_end(remote, known[name], nano) for name, nano in words.items()]
    if json_:
        click.echo(json.dumps({"ended": ended}))
        return
    for one in ended:
        click.echo(f"{one['id']}  {usd(one['nano_usd'])} USD instead of {usd(known[one['id']]['nano_usd'])}")


def _list(holds: list[dict[str, Any]], *, json_: bool) -> None:
    sums: defaultdict[Place, list[int]] = defaultdict(list)
    for hold in holds:
        sums[hold["team"], hold["model"]].append(hold["nano_usd"])
    if json_:
        groups = [
            {"team": team, "model": model, "holds": len(held), "nano_usd": sum(held)}
            for (team, model), held in sorted(sums.items())
        ]
        click.echo(json.dumps({"unconfirmed": holds, "groups": groups}))
        return
    if not holds:
        click.echo("Nothing is unconfirmed.")
        return
    each = Table("hold", "team", "key", "model", "when", "USD", "tokens")
    for hold in holds:
        when = datetime.fromtimestamp(hold["at_ms"] / 1000, UTC).isoformat(timespec="seconds")
        tokens = "-" if hold["tokens"] is None else f"{hold['tokens']:,}"
        each.add_row(hold["id"], hold["team"], hold["key"], hold["model"], when, usd(hold["nano_usd"]), tokens)
    totals = Table("team", "model", "holds", "USD")
    for (team, model), held in sorted(sums.items()):
        totals.add_row(team, model, f"{len(held)}", usd(sum(held)))
    console = plain_console(160)
    console.print(each)
    console.print(totals)


def _compare(remote: Remote, holds: list[dict[str, Any]], export: Path, *, apply: bool, json_: bool) -> None:
    try:
        theirs = read_export(export.read_text(encoding="utf-8"))
    except (WrongExport, UnicodeDecodeError) as error:
        raise click.ClickException(f"{export}: {error}") from None
    days = sorted({day for day, _ in theirs})
    if len(days) > DAYS_MAX:
        raise click.ClickException(f"{export} has {len(days)} days; the router keeps sums of {DAYS_MAX}.")
    lines = compare({place: ours for day in days for place, ours in _ours(remote, day).items()}, theirs)
    sure = {(line.day, line.model) for line in lines if line.finding is Finding.NOT_BILLED}
    released = [_end(remote, hold, None) for hold in holds if apply and (_day(hold), hold["model"]) in sure]
    if json_:
        click.echo(json.dumps({"lines": msgspec.to_builtins(lines), "released": released}))
        return
    table = Table("day", "model", "ours", "theirs", "difference", "unconfirmed USD", "finding")
    for line in lines:
        table.add_row(line.day, line.model, *_figures(line), usd(line.ours.unconfirmed_nano_usd), line.finding.value)
    plain_console(140).print(table)
    if released:
        click.echo(f"{len(released)} holds were released.")
    elif sure:
        click.echo("--apply releases the unconfirmed holds of the lines that the vendor did not bill.")
    if any(line.finding is Finding.UNCLEAR for line in lines):
        click.echo(
            "Where a line is unclear the figures cannot tell which holds were billed: they stay as they are, until "
            "--settle ID=USD or --release ID ends each by the bill (reconcile alone lists them)."
        )


def _ours(remote: Remote, day: str) -> dict[Place, Ours]:
    """The ledger's figures of a day (UTC), by model."""
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    query = {"since": f"{day}T00:00:00Z", "until": (begin + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")}
    found = remote.call("GET", "/admin/v1/usage", query={**query, "group_by": "model"})
    return {
        (day, group["key"]["model"]): Ours(
            nano_usd=group["nano_usd"],
            unconfirmed_nano_usd=group["unconfirmed_nano_usd"],
            tokens=(group["input_tokens"], group["cached_tokens"], group["output_tokens"]),
        )
        for group in found["groups"]
        if group["key"]["model"]
    }


def _day(hold: dict[str, Any]) -> str:
    return datetime.fromtimestamp(hold["at_ms"] / 1000, UTC).date().isoformat()


def _figures(line: Compared) -> tuple[str, str, str]:
    match line.theirs:
        case Theirs(nano_usd=int(theirs)):
            return usd(line.ours.nano_usd), usd(theirs), usd(line.ours.nano_usd - theirs)
        case Theirs(tokens=tuple(tokens)):
            mine = line.ours.tokens
            gaps = (one - other for one, other in zip(mine, tokens, strict=True))
            return _tokens(*mine), _tokens(*tokens), _tokens(*gaps)
    raise AssertionError("a line has a cost or tokens")


def _tokens(*counts: int) -> str:
    return " / ".join(f"{count:,}" for count in counts)
