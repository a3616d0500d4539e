"""mistral-router serve: the router for real traffic."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from router import children, server
from router.commands.options import address, apart, folders, log_to_stderr, tethered, workers
from router.rulebook import load_rules
from router.settings import load_settings


@click.command()
@folders()
@address(8080)
@workers
@apart
@tethered
def serve(
    config_dir: Path,
    policies_dir: Path,
    data_dir: Path,
    host: str,
    port: int,
    ops_port: int | None,
    workers: int,
    die_with_parent: bool,
) -> None:
    """Serve real traffic. Needs MISTRAL_API_KEY; `demo` needs nothing."""
    log_to_stderr()
    server.hear_interrupts()
    if die_with_parent:
        children.die_with_parent()
    settings = load_settings(
        config_dir=config_dir,
        policies_dir=policies_dir,
        data_dir=data_dir,
        environ=os.environ,
        loopback=server.is_loopback(host),
        workers=workers,
    )
    # A wrong file stops the start, before anything runs.
    load_rules(config_dir, policies_dir, datetime.now(UTC).date(), lambda name: settings.upstream_key(name) is not None)
    with (
        children.lock(data_dir),
        server.bind(host, port) as listener,
        server.operations(settings, ops_port, listener) as (settings, ops),
        server.store(settings) as settings,
    ):
        url = server.url_of(host, listener)

        def announce() -> None:
            for own in ops:
                click.echo(f"mistral-router is operated at {server.url_of(server.OPS_HOST, own)}")
            click.echo(f"mistral-router serves {url}/v1")

        server.serve(settings, [listener, *ops], on_ready=announce)
