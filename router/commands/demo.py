"""mistral-router demo: simulator, embedded store and router on this machine, and a handful of contrasting requests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.table import Table

from router import children, server
from router.commands.demo_requests import REQUESTS, Outcome, ask
from router.commands.options import address, apart, folders, log_to_stderr, tethered, workers
from router.core.money import usd
from router.errors import InvalidKey
from router.settings import Settings, load_settings
from router.store.connect import connect
from router.store.keyring import Keyring

TEAM = "demo"
KEY_FILE = "demo.key"


@click.command()
@folders("data/demo")
@address(8080)
@workers
@click.option("--once", is_flag=True, help="Stop after the table.")
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
            _settings(config_dir, policies_dir, data_dir, host, workers, simulator_url), ops_port, listener
        ) as (plain, ops),
        server.store(plain) as settings,
    ):
        url = server.url_of(host, listener)
        click.echo("The upstream is SIMULATED: no request leaves this machine and no real money is spent.\n")
        ops_url = server.url_of(server.OPS_HOST, ops[0]) if ops else url
        server.run(settings, [listener, *ops], lambda: _show(settings, url, ops_url, simulator_url, once))


def _settings(
    config_dir: Path, policies_dir: Path, data_dir: Path, host: str, workers: int, simulator_url: str
) -> Settings:
    """The demo's own: never a key, a store or an upstream from the environment."""
    own = ("ROUTER_ADMIN_KEY", "ROUTER_KEY_PEPPER", "ROUTER_STORE_TIMEOUT")
    kept = {name: value for name, value in os.environ.items() if name.startswith(own)}
    environ = {**kept, "MISTRAL_API_KEY": "simulated", "ROUTER_UPSTREAM_URL": simulator_url}
    return load_settings(
        config_dir=config_dir,
        policies_dir=policies_dir,
        data_dir=data_dir,
        environ={**environ, "ROUTER_UPSTREAM_REGION": "global"},
        loopback=server.is_loopback(host),
        workers=workers,
    )


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
    key = await _key(settings)
    outcomes = [await ask(url, key, asked, simulator_url) for asked in REQUESTS]
    Console(width=max(100, Console().width)).print(_table(outcomes))
    _print_addresses(settings, url, ops_url, simulator_url, key)
    return once


async def _key(settings: Settings) -> str:
    """The demo's virtual key: the one of the last run while it works, else a new one."""
    assert settings.redis_url is not None, "the store runs"
    path = settings.data_dir / KEY_FILE
    client = connect(settings.redis_url, timeout_s=settings.store_timeout_s)
    try:
        keyring = Keyring(client, settings.pepper.reveal().encode())
        if path.exists():
            kept = path.read_text().strip()
            if kept and await _works(keyring, kept):
                return kept
        _, key = await keyring.create(TEAM, "the demo's key")
    finally:
        await client.aclose()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key + "\n")
    return key


async def _works(keyring: Keyring, key: str) -> bool:
    try:
        await keyring.authenticate(key)
    except InvalidKey:
        return False
    return True


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
