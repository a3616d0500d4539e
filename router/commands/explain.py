"""mistral-router explain: which model would serve a request, and why, without a running router."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from router.commands.desk import Desk
from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.core.asked import Wishes, understand
from router.core.explain import RouterObject
from router.core.explain import explain as explain_plan
from router.core.money import usd
from router.core.plan import make_plan
from router.errors import RouterError


@click.command()
@folders()
@as_json
@click.option("--team", default="default", show_default=True, help="Under whose policy.")
@click.option("--quality", help="economy, balanced, quality, or a number from 0 to 1.")
@click.argument("file", type=click.File("rb"))
def explain(
    config_dir: Path, policies_dir: Path, json_: bool, team: str, quality: str | None, file: Any, **_: Any
) -> None:
    """Explain a chat request's routing. FILE is its JSON body; - reads standard input."""
    try:
        told = _explained(config_dir, policies_dir, team, quality, file.read())
    except RouterError as error:
        click.echo(f"mistral-router: {error.message}", err=True)
        sys.exit(1)
    if json_:
        click.echo(msgspec.json.encode(told))
    else:
        show(told, plain_console())


def _explained(config_dir: Path, policies_dir: Path, team: str, quality: str | None, body: bytes) -> RouterObject:
    desk = Desk(config_dir, policies_dir)
    policy = desk.rules.policy_of(team)
    request, ask = desk.read(body)
    wishes = Wishes(quality=_number(quality))
    asked = understand(request.model, desk.rules, policy, wishes)
    plan = make_plan(ask, asked, rules=desk.rules, policy=policy, wishes=wishes, sites=desk.sites, resting={})
    return explain_plan("explain", ask, plan)


def _number(text: str | None) -> str | float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return text


def show(told: RouterObject, console: Console) -> None:
    """The `router` object as a person reads it."""
    facts = {name: value for name, value in told.classification.items() if value not in ([], None)}
    shown = {name: ", ".join(value) if isinstance(value, list) else value for name, value in facts.items()}
    console.print(
        f"policy of team {told.policy['team']}; " + ", ".join(f"{name} {value}" for name, value in shown.items())
    )
    table = Table("model", "score", "expected USD", "at most USD", "verdict")
    order = {name: place for place, name in enumerate(told.order, 1)}
    rows = sorted(told.models, key=lambda view: (order.get(view.model, 99), view.expected_nano_usd or 0, view.model))
    for view in rows:
        verdict = view.objection or f"{order[view.model]}. choice"
        costs = [usd(nano) if nano is not None else "-" for nano in (view.expected_nano_usd, view.max_nano_usd)]
        table.add_row(view.model, f"{view.score:.1f}" if view.score is not None else "-", *costs, verdict)
    console.print(table)
    bar = f"; threshold {told.threshold:.1f}" if told.threshold is not None else ""
    console.print(f"chosen: {told.chosen or 'none'} ({told.reason}){bar}; rules {told.rules}")
