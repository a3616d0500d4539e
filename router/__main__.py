"""The commands. Each is a thin shell around one module of router/commands."""

from __future__ import annotations

import sys

import rich_click as click

from router import __version__
from router.children import DataDirUnusable
from router.commands.audit import audit
from router.commands.backtest import backtest
from router.commands.backup import backup, restore
from router.commands.check import check
from router.commands.demo.command import demo
from router.commands.explain import explain
from router.commands.importing import import_
from router.commands.keys import keys
from router.commands.models import models
from router.commands.policy import policy
from router.commands.reconcile import reconcile
from router.commands.remote import RemoteError
from router.commands.serve import serve
from router.commands.simulate import simulate
from router.commands.usage import usage
from router.rulebook import ConfigError
from router.server import PortTaken, WrongStoreAddress
from router.settings import MissingExtra, MissingSecret
from router.store.embedded import StoreDidNotStart

# What a person can put right; anything else is a fault of ours and shows its traceback.
EXPECTED = (
    *(ConfigError, DataDirUnusable, MissingExtra, MissingSecret, PortTaken, RemoteError, StoreDidNotStart),
    WrongStoreAddress,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mistral-router")
def cli() -> None:
    """A cost-aware router in front of the Mistral API: routed, budgeted, accounted, explained."""


for command in (
    demo,
    serve,
    check,
    explain,
    backtest,
    policy,
    keys,
    models,
    usage,
    audit,
    reconcile,
    backup,
    restore,
    import_,
    simulate,
):
    cli.add_command(command)


def main() -> None:
    try:
        cli(prog_name="mistral-router")
    except EXPECTED as error:
        click.echo(f"mistral-router: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
