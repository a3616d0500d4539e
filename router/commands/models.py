"""mistral-router models: switch models of a running router off and on, and have one serve every chat request."""

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

for_ = click.option("--for", "for_s", type=duration, required=True, help="How long, such as 30s, 10m, 1h or 7d.")
reason_ = click.option("--reason", required=True, help="Why; told to apps that are refused, and kept in the audit.")


@click.group()
def models() -> None:
    """Models of a running router (ROUTER_URL, ROUTER_ADMIN_KEY): which serve, and which are switched off."""


@models.command("list")
@folders()
@as_json
def list_(data_dir: Path, json_: bool, **_: Any) -> None:
    """Every model, whether it is switched off, and whether it rests."""
    found = Remote(data_dir).call("GET", "/admin/v1/models")
    if json_:
        click.echo(json.dumps(found))
        return
    table = Table("model", "stage", "state")
    for model in found["models"]:
        table.add_row(model["model"], model["stage"], _state(model))
    plain_console(140).print(table)
    if found["pin_all"]:
        click.echo(_pinned(found["pin_all"]))


@models.command()
@folders()
@as_json
@click.argument("name")
@for_
@reason_
def disable(data_dir: Path, json_: bool, name: str, for_s: float, reason: str, **_: Any) -> None:
    """Have no request served by a model for a while, on every replica within seconds."""
    body = {"for_s": for_s, "reason": reason}
    told = Remote(data_dir).call("POST", f"/admin/v1/models/{quote(name, safe='')}/disable", body)
    click.echo(json.dumps(told) if json_ else f"{told['model']} is {_state(told)}")


@models.command()
@folders()
@as_json
@click.argument("name")
def enable(data_dir: Path, json_: bool, name: str, **_: Any) -> None:
    """Let a model serve again, on every replica within seconds."""
    told = Remote(data_dir).call("POST", f"/admin/v1/models/{quote(name, safe='')}/enable")
    click.echo(json.dumps(told) if json_ else f"{told['model']} is {_state(told)}")


@models.command("pin-all")
@folders()
@as_json
@click.argument("model")
@for_
@reason_
def pin_all(data_dir: Path, json_: bool, model: str, for_s: float, reason: str, **_: Any) -> None:
    """Have every chat request that pins no model itself served by this one for a while."""
    body = {"model": model, "for_s": for_s, "reason": reason}
    told = Remote(data_dir).call("POST", "/admin/v1/pin-all", body)
    click.echo(json.dumps(told) if json_ else _pinned(told["pin_all"]))


@models.command()
@folders()
@as_json
def unpin(data_dir: Path, json_: bool, **_: Any) -> None:
    """Route every request again."""
    told = Remote(data_dir).call("DELETE", "/admin/v1/pin-all")
    click.echo(json.dumps(told) if json_ else "every request is routed again")


def _state(model: dict[str, Any]) -> str:
    off = model["disabled"]
    if off:
        return f"off until {off['until']} ({off['reason']}; by {off['by']})"
    rests_s = max(model["rests_s"].values(), default=0.0)
    return f"resting for {rests_s:.0f} s more" if rests_s else "on"


def _pinned(pin: dict[str, Any]) -> str:
    return f"every chat request is served by {pin['model']} until {pin['until']} ({pin['reason']}; by {pin['by']})"
