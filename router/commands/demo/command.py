"""mistral-router demo: simulator, embedded store and router on this machine, and a handful of contrasting requests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from router import children, server
from router.commands.demo.keys import keys_of
from router.commands.demo.requests import REQUESTS, Outcome, ask, post
from router.commands.demo.teams import FAULTS, POLICIES, TEAMS, go_on
from router.commands.options import address, apart, folders, log_to_stderr, tethered, workers
from router.core.money import usd
from router.rulebook import ConfigError, load_rules
from router.settings import Settings, load_settings

TEAM = "demo"


@click.command()
@folders("data/demo")
@address(8080)
@workers
@click.option("--once", is_flag=True, help="Stop after the table.")
@click.option("--alone", is_flag=True, help="Without the other teams and their requests.")
@apart
@tethered
def demo(
    config_dir: Path,
    policies_dir: Path,
    data_dir: Path,
    host: str,
    port: int,
    ops_port: int | None,
    workers: int,
    once: bool,
    alone: bool,
    die_with_parent: bool,
) -> None:
    """Show the whole line at work. Needs no key: the upstream is simulated."""
    os.environ.setdefault("ROUTER_LOG_LEVEL", "WARNING")
    log_to_stderr()
    server.hear_interrupts()
    if die_with_parent:
        children.die_with_parent()
    with (
        children.lock(data_dir),
        server.bind(host, port) as listener,
        _simulator() as simulator_url,
        server.operations(
            _settings(config_dir, policies_dir, data_dir, host, workers, simulator_url, alone=alone or once),
            ops_port,
            listener,
        ) as (plain, ops),
        server.store(plain) as settings,
    ):
        url = server.url_of(host, listener)
        click.echo("The upstream is SIMULATED: no request leaves this machine and no real money is spent.\n")
        ops_url = server.url_of(server.OPS_HOST, ops[0]) if ops else url
        server.run(settings, [listener, *ops], lambda: _show(settings, url, ops_url, simulator_url, once))


def _settings(
    config_dir: Path,
    policies_dir: Path,
    data_dir: Path,
    host: str,
    workers: int,
    simulator_url: str,
    *,
    alone: bool,
) -> Settings:
    """The demo's own: never a key, a store or an upstream from the environment. Unless `alone`, with its other teams'
    policies: whoever has a file of that name in `policies_dir` has the word. Raises ConfigError."""
    own = ("ROUTER_ADMIN_KEY", "ROUTER_KEY_PEPPER", "ROUTER_STORE_TIMEOUT")
    kept = {name: value for name, value in os.environ.items() if name.startswith(own)}
    environ = {**kept, "MISTRAL_API_KEY": "simulated", "ROUTER_UPSTREAM_URL": simulator_url}
    settings = load_settings(
        config_dir=config_dir,
        policies_dir=policies_dir,
        data_dir=data_dir,
        environ={**environ, "ROUTER_UPSTREAM_REGION": "global"},
        loopback=server.is_loopback(host),
        workers=workers,
    )
    beside = () if alone else (POLICIES,)
    today = datetime.now(UTC).date()
    # A wrong file stops the start, before anything runs.
    try:
        load_rules(config_dir, policies_dir, today, lambda name: settings.upstream_key(name) is not None, beside=beside)
    except ConfigError as error:
        if error.path.parent != POLICIES:
            raise
        beside = ()  # the catalogue is one of the operator's, and has other models
        click.echo(f"The other teams are left out: {error}.\n")
    return msgspec.structs.replace(settings, policies_beside=beside)


@contextmanager
def _simulator() -> Iterator[str]:
    """A simulated Mistral in a process of its own, and its URL."""
    command = [
        sys.executable,
        "-m",
        "router",
        "simulate",
        "--port",
        "0",
        "--wide",
        "--latency-ms",
        "30",
        "--token-ms",
        "1",
    ]
    child = children.start(command, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None, "it was asked for"
        for line in child.stdout:
            name, _, url = line.decode().strip().partition("=")
            if name == "SIMULATOR_URL":
                break
        else:
            raise RuntimeError("the simulator did not start")
        yield url
    finally:
        children.stop(child)


async def _show(settings: Settings, url: str, ops_url: str, simulator_url: str, once: bool) -> bool:
    others = [team.name for team in TEAMS] if settings.policies_beside else []
    keys = await keys_of(settings, [TEAM, *others])
    outcomes = [await ask(url, keys[TEAM], asked, simulator_url) for asked in REQUESTS]
    Console(width=max(100, Console().width)).print(_table(outcomes))
    if others:
        await asyncio.to_thread(post, f"{simulator_url}/_sim/faults", "", FAULTS)
        click.echo(_told_of(others))
    _print_addresses(settings, url, ops_url, simulator_url, keys[TEAM])
    if others:
        await go_on(url, keys)
    return once


def _told_of(others: list[str]) -> str:
    return f"""
The teams {", ".join(others[:-1])} and {others[-1]} go on asking while this runs, about
one request every three seconds, so that the dashboard has something to show. Their budgets are cents; some of
their requests are refused, and some fail at first, on purpose. Without them: --alone. Their policies:
{POLICIES}"""


def _table(outcomes: list[Outcome]) -> Table:
    baseline = sum(outcome.cost_nano + outcome.saved_nano for outcome in outcomes)
    cost = sum(outcome.cost_nano for outcome in outcomes)
    table = Table("request", show_footer=True)
    for name in ("model", "reason", "cost USD", "at baseline", "attempts"):
        table.add_column(name, no_wrap=True)  # on a narrow terminal the titles give way
    for outcome in outcomes:
        table.add_row(
            outcome.title,
            outcome.model,
            outcome.reason,
            usd(outcome.cost_nano, 6),
            usd(outcome.cost_nano + outcome.saved_nano, 6),
            str(outcome.attempts),
        )
    saved = f"{1 - cost / baseline:.0%} saved" if baseline else ""
    for column, footer in zip(table.columns, ("total", saved, "", usd(cost, 6), usd(baseline, 6), ""), strict=True):
        column.footer = footer
    return table


def _print_addresses(settings: Settings, url: str, ops_url: str, simulator_url: str, key: str) -> None:
    body = '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'
    click.echo(
        f"""
Dashboard: {ops_url}/dashboard   (sign in with the admin key below)
Try it:

curl {url}/v1/chat/completions -H "Authorization: Bearer {key}" -H "Content-Type: application/json" -d '{body}'

ROUTER_URL={ops_url}
OPENAI_BASE_URL={url}/v1
OPENAI_API_KEY={key}
ROUTER_ADMIN_KEY={settings.admin_key.reveal()}
SIMULATOR_URL={simulator_url}
"""
    )
