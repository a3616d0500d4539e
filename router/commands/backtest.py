"""mistral-router backtest: what past requests would have cost, and where they would have gone, under another policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import rich_click as click

from router.commands.cases import Cases, asking, from_lines, recorded
from router.commands.comparing import as_policy_of, compare, show
from router.commands.desk import Desk
from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.core.policy import Policy
from router.rulebook import load_draft

SINCE: Final = "7d"


@click.command()
@folders()
@as_json
@click.option(
    "--policy",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The policy to try, a file of any name.",
)
@click.option("--since", help=f"Date, time, or a length back from now such as 24h or 7d.  [default: {SINCE}]")
@click.option("--until", help="The same; default: now.")
@click.option("--team", help="Only this team; default: those that the policy would hold for.")
@click.option("--model", help="Plan as though every request asked for this model, such as auto.")
@click.argument("file", type=click.File("rb"), required=False)
def backtest(
    config_dir: Path, policies_dir: Path, data_dir: Path, json_: bool, path: Path, file: Any, **wanted: str | None
) -> None:
    """Plan past requests again under the policy in force and another one, without calling anyone.

    The requests are the records of a running router (ROUTER_URL, ROUTER_ADMIN_KEY), or the lines of FILE: chat bodies,
    or {"request": body, "usage": {…}}.
    """
    desk = Desk(config_dir, policies_dir)
    draft = load_draft(path, desk.rules.shelf)
    cases = gathered(desk, draft, data_dir, file, **wanted)
    found = compare(cases, desk, desk.rules.policy_of, as_policy_of(draft))
    if json_:
        click.echo(msgspec.json.encode(found))
    else:
        show(found, plain_console())


def gathered(
    desk: Desk,
    draft: Policy,
    data_dir: Path,
    file: Any,
    *,
    since: str | None,
    until: str | None,
    team: str | None,
    model: str | None,
) -> Cases:
    """The requests that are asked for. Raises RemoteError, and UsageError for a span of a file."""
    if file is None:
        default, policies = draft.team == "default", desk.rules.policies
        names = None if team or default else draft.team
        cases = recorded(
            data_dir,
            # The default policy holds for the teams without a file of their own.
            lambda name: team is not None or not default or name == "default" or name not in policies,
            team=team or names,
            since=since or SINCE,
            until=until,
        )
    elif since or until:
        raise click.UsageError("--since and --until choose among records; a file is read whole.")
    else:
        cases = from_lines(file.name, file, desk, team or draft.team)
    return asking(cases, model) if model is not None else cases
