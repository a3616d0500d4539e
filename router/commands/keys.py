"""mistral-router keys: create, list, rotate and revoke virtual keys of a running router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import rich_click as click
from rich.table import Table

from router.commands.durations import duration
from router.commands.options import as_json, folders
from router.commands.printing import plain_console
from router.commands.remote import Remote
from router.core.key_rules import RATES


def _grace(text: str) -> float:
    """Seconds, or a duration: the type of an option. Raises BadParameter."""
    try:
        return float(text)
    except ValueError:
        return float(duration(text))


@click.group()
def keys() -> None:
    """Virtual keys of a running router (ROUTER_URL, ROUTER_ADMIN_KEY)."""


@keys.command()
@folders()
@as_json
@click.option("--team", required=True, help="The team that pays.")
@click.option("--name", required=True, help="What the key is for.")
@click.option("--model", "models", multiple=True, help="Glob of catalogue ids the key may use; may be repeated.")
@click.option(
    "--endpoint", "endpoints", multiple=True, help="Endpoint the key may use (chat, models, …); may be repeated."
)
@click.option("--expires-at", help="When it ends, such as 2027-01-31T00:00:00Z.")
@click.option("--budget-usd", help="The key's own budget, such as 5.00, with --window.")
@click.option("--window", help="Over which window: hour, day, week, month, total, or 24h, 7d.")
@click.option("--requests-per-minute", type=int, help="The key's own limit.")
@click.option("--tokens-per-minute", type=int, help="The key's own limit.")
@click.option("--concurrency", type=int, help="Requests of the key under way at once.")
@click.option("--unlimited", is_flag=True, help="Allow a key although the team's policy has no hard budget.")
def create(data_dir: Path, json_: bool, models: tuple[str, ...], endpoints: tuple[str, ...], **fields: Any) -> None:
    """Make a key; its secret is printed this once."""
    del fields["config_dir"], fields["policies_dir"]
    body = {**fields, "models": list(models), "endpoints": list(endpoints)}
    made = Remote(data_dir).call("POST", "/admin/v1/keys", body)
    if json_:
        click.echo(json.dumps(made))
        return
    click.echo(f"id    {made['id']}\nteam  {made['team']}\nkey   {made['key']}\nThe key is shown this once.")
    # A misspelt team is a new one, which lives under the default policy.
    told = Remote(data_dir).call("GET", f"/admin/v1/policies/{quote(made['team'], safe='')}")
    click.echo(f"It is held to the policy {told['file']}.")


@keys.command("list")
@folders()
@as_json
def list_(data_dir: Path, json_: bool, **_: Any) -> None:
    """Every key, without its secret."""
    found = Remote(data_dir).call("GET", "/admin/v1/keys")["keys"]
    if json_:
        click.echo(json.dumps(found))
        return
    table = Table("id", "team", "name", "scope", "own rules", "created", "state")
    for key in found:
        scope = ", ".join([*key["models"], *key["endpoints"]]) or "all"
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else f"until {key['expires_at'] or 'revoked'}"
        table.add_row(key["id"], key["team"], key["name"], scope, _own(key), key["created_at"], state)
    plain_console(170).print(table)


def _own(key: dict[str, Any]) -> str:
    """The budget and the limits that a key was given when it was made."""
    budget = [f"{key['budget_usd']} USD ({key['window']})"] if key["budget_usd"] else []
    rates = [f"{name.replace('_', ' ')} {key[name]}" for name in RATES if key[name] is not None]
    return ", ".join([*budget, *rates]) or "-"


@keys.command()
@folders()
@as_json
@click.argument("key_id")
def show(data_dir: Path, json_: bool, key_id: str, **_: Any) -> None:
    """A key: what it may do, and how its own budgets stand."""
    found = Remote(data_dir).call("GET", f"/admin/v1/keys/{quote(key_id, safe='')}")
    if json_:
        click.echo(json.dumps(found))
        return
    budgets = found.pop("budgets")
    for name, value in found.items():
        told = ", ".join(value) or "all" if isinstance(value, list) else value
        click.echo(f"{name:<20} {'-' if told in (None, '') else told}")
    for one in budgets:
        spent, limit = one["spent_usd"], one["limit_usd"]
        click.echo(f"{'budget ' + one['window']:<20} {spent} of {limit} USD spent, {one['reserved_usd']} reserved")


@keys.command()
@folders()
@as_json
@click.argument("key_id")
@click.option(
    "--grace",
    "--grace-s",
    "grace_s",
    type=_grace,
    default="3600",
    show_default=True,
    help="How long the old secret works on: seconds, or such as 10m, 1h, 7d.",
)
def rotate(data_dir: Path, json_: bool, key_id: str, grace_s: float, **_: Any) -> None:
    """Give a key a new secret; the old one works on for a while."""
    made = Remote(data_dir).call("POST", f"/admin/v1/keys/{key_id}/rotate", {"grace_s": grace_s})
    old = f"works for {grace_s:.0f} s more" if grace_s else "is refused on every replica within seconds"
    click.echo(json.dumps(made) if json_ else f"key   {made['key']}\nThe old secret {old}.")


@keys.command()
@folders()
@as_json
@click.argument("key_id")
def revoke(data_dir: Path, json_: bool, key_id: str, **_: Any) -> None:
    """Refuse a key from now on, on every replica within seconds."""
    gone = Remote(data_dir).call("DELETE", f"/admin/v1/keys/{key_id}")
    click.echo(
        json.dumps(gone) if json_ else f"{gone['id']} of team {gone['team']} was revoked at {gone['revoked_at']}"
    )
