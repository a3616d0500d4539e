"""mistral-router simulate: the simulated Mistral API alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import rich_click as click

from router.commands.options import address, folders, tethered
from router.server import PortTaken
from router.sim.server import run


@click.command()
@folders()
@address(8081)
@click.option(
    "--profile",
    type=click.Choice(["current", "seed"]),
    default="current",
    show_default=True,
    help="The API as it is, or as it was with the early models.",
)
@click.option("--wide", is_flag=True, help="Practically unlimited rate windows.")
@click.option("--latency-ms", type=click.FloatRange(0), default=0.0, help="Before the first token.")
@click.option("--token-ms", type=click.FloatRange(0), default=0.0, help="Per token.")
@click.option("--regional", is_flag=True, help="A regional endpoint: everything costs a tenth more.")
@tethered
def simulate(
    host: str,
    port: int,
    profile: Literal["current", "seed"],
    wide: bool,
    latency_ms: float,
    token_ms: float,
    regional: bool,
    die_with_parent: bool,
    **_folders: Path,
) -> None:
    """A simulated Mistral API: any key, real field checks, faults by script, a bill of its own. Of the folders it reads
    nothing: its prices are its own."""
    try:
        run(
            host=host,
            port=port,
            profile=profile,
            wide=wide,
            first_token_ms=latency_ms,
            per_token_ms=token_ms,
            regional=regional,
            die_with_parent=die_with_parent,
        )
    except OSError as error:
        raise PortTaken(f"Cannot listen on {host}:{port} ({error.strerror}): choose another with --port.") from None
