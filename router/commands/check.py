"""mistral-router check: is everything in place? Files, prices, store and upstream; non-zero when something is not."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import rich_click as click
from redis.asyncio import RedisCluster

from router.commands.options import as_json, folders
from router.core.differences import Listing, differences
from router.core.rules import Rules
from router.core.sites import Site
from router.core.tokenizer import Tokenizer
from router.errors import StoreUnavailable
from router.rulebook import ConfigError, decode, load_rules
from router.settings import ROUTER, MissingSecret, RouterFile, load_settings, secret
from router.store.connect import STORE_ERRORS, Door, connect
from router.store.ledger import Ledger
from router.upstream.client import AttemptFailed, Upstream
from router.upstream.clients import Clients
from router.vocabulary import VOCABULARY, WITHOUT

PRICES_DAYS_MAX: Final = 30


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is ok, failed, warning or skipped."""

    part: str
    state: str
    what: str


@click.command()
@folders()
@as_json
def check(config_dir: Path, policies_dir: Path, data_dir: Path, json_: bool) -> None:
    """Check configuration, policies, prices, store and upstream."""
    findings = list(_findings(config_dir, policies_dir, data_dir))
    if json_:
        click.echo(msgspec.json.encode(findings))
    else:
        for finding in findings:
            click.echo(f"{finding.state:8} {finding.part:9} {finding.what}")
    sys.exit(any(finding.state == "failed" for finding in findings))


def _findings(config_dir: Path, policies_dir: Path, data_dir: Path) -> Iterator[Finding]:
    today = datetime.now(UTC).date()
    try:
        path = config_dir / ROUTER
        if path.exists():
            decode(path, RouterFile)
        rules = load_rules(config_dir, policies_dir, today, lambda name: secret(name, os.environ) is not None)
    except (ConfigError, MissingSecret) as error:
        yield Finding(part="files", state="failed", what=str(error))
        return
    yield Finding(
        part="files",
        state="ok",
        what=f"{len(rules.shelf.cards)} models, {len(rules.policies)} policies, rules {rules.version}",
    )
    yield _prices(rules, today)
    yield vocabulary(VOCABULARY)
    yield from _outside(config_dir, policies_dir, data_dir, rules)


def _prices(rules: Rules, today: date) -> Finding:
    age = (today - rules.checked).days
    if age > PRICES_DAYS_MAX:
        what = f"config/models.toml was last held against the vendor's prices {age} days ago ({rules.checked})"
        return Finding(part="prices", state="warning", what=what)
    return Finding(part="prices", state="ok", what=f"checked {rules.checked}")


def vocabulary(path: Path) -> Finding:
    """Whether the file at `path` can count tokens."""
    try:
        Tokenizer(path.read_bytes())
    except (OSError, ValueError) as error:
        return Finding(part="tokens", state="warning", what=f"{path} cannot be used ({error}): {WITHOUT}")
    return Finding(part="tokens", state="ok", what="counted as Mistral counts them")


def _outside(config_dir: Path, policies_dir: Path, data_dir: Path, rules: Rules) -> Iterator[Finding]:
    redis_url = secret("ROUTER_REDIS_URL", os.environ)
    if redis_url is None:
        yield Finding(
            part="store", state="skipped", what="ROUTER_REDIS_URL is not set: serve starts the embedded store"
        )
    else:
        yield _try("store", lambda: asyncio.run(_store(redis_url.reveal())))
    try:
        settings = load_settings(
            config_dir=config_dir, policies_dir=policies_dir, data_dir=data_dir, environ={**os.environ, **_NO_STORE}
        )
    except MissingSecret as error:
        yield Finding(part="upstream", state="skipped", what=str(error))
        return
    clients = Clients(Upstream(settings.upstream_url, settings.api_key.reveal()), settings.upstream_key)
    for site in rules.sites_under(settings.main):
        if site.key is not None and settings.upstream_key(site.key) is None:
            yield Finding(part="upstream", state="failed", what=f"{site.account}: {site.key} is not set")
        else:
            yield from asyncio.run(_upstream(site, clients.of(site), rules))


# Only the upstream's address and key are of interest here, so nothing may be made up for the store.
_NO_STORE: Final = {"ROUTER_KEY_PEPPER": "-", "ROUTER_ADMIN_KEY": "-"}


def _try(part: str, ask: Callable[[], Finding]) -> Finding:
    try:
        return ask()
    except (*STORE_ERRORS, ValueError, StoreUnavailable) as error:
        return Finding(part=part, state="failed", what=f"{type(error).__name__}: {error}")


async def _store(url: str) -> Finding:
    client: Any = connect(url)
    try:
        await client.ping()
        await Ledger(Door(client)).peek("check", [])  # the rights to run scripts on a team's keys
        node = {"target_nodes": client.get_random_node()} if isinstance(client, RedisCluster) else {}
        wrong = []
        for name, wanted in (("maxmemory-policy", "noeviction"), ("appendonly", "yes")):
            found = (await client.config_get(name, **node)).get(name)
            if found != wanted:
                wrong.append(f"{name} is {found!r}, but a ledger needs {wanted!r}")
    finally:
        await client.aclose()
    if wrong:
        return Finding(part="store", state="failed", what="; ".join(wrong))
    return Finding(part="store", state="ok", what="answers, keeps what it acknowledges, takes our scripts")


async def _upstream(site: Site, upstream: Upstream, rules: Rules) -> list[Finding]:
    """Whether it answers, and every difference between what it offers and the catalogue."""
    try:
        answered = await upstream.get("/v1/models", timeout_s=10.0)
    except AttemptFailed as error:
        return [Finding(part="upstream", state="failed", what=f"{site.account} ({site.url}): {error}")]
    finally:
        await upstream.close()
    where = f"{site.account} ({site.url})"
    if answered.status != 200:
        return [Finding(part="upstream", state="failed", what=f"{where} answered {answered.status} to GET /v1/models")]
    try:
        listing = msgspec.json.decode(answered.body, type=Listing)
    except msgspec.DecodeError:
        what = f"{where} does not answer GET /v1/models with a list of models"
        return [Finding(part="upstream", state="failed", what=what)]
    told = differences(rules.shelf, site.mirrors or site.name, listing)
    if not told:
        return [Finding(part="upstream", state="ok", what=f"{where} offers what the catalogue says")]
    return [Finding(part="upstream", state="warning", what=f"{where}: {difference}") for difference in told]
