"""What the router is told from outside: config/router.toml, the environment, the command line; as one frozen value.

A secret is read from its variable or, with `_FILE` appended, from the file the variable names. With the embedded store
the pepper and the admin key are made on first use and kept in the data directory (mode 0600).
"""

from __future__ import annotations

import logging
import math
import os
import secrets
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from router.core.attempts import Timing
from router.core.sites import REGION_FACTORS, Site, main_site
from router.rulebook import ROUTER, ConfigError, decode
from router.store.connect import TIMEOUT_S
from router.store.journal import SEGMENT_BYTES
from router.wire.reading import Bounds

log = logging.getLogger("router.settings")
STORE_TIMEOUT_MAX_S: Final = 30.0


class Secret:
    """Text that no log, repr or traceback shows. `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"


class Edge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one request may be."""

    body_bytes_max: int = 4 * 1024 * 1024
    depth_max: int = 64
    messages_max: int = 2_048
    tools_max: int = 128
    headers_max: int = 100
    header_bytes_max: int = 32_768
    body_read_s: float = 10.0

    @property
    def bounds(self) -> Bounds:
        return Bounds(messages_max=self.messages_max, tools_max=self.tools_max)


class UpstreamAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str = "https://api.mistral.ai"
    region: str = "global"


class StoreTimes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long one exchange with the store may take, in seconds."""

    timeout: float = TIMEOUT_S


class WebhookRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where alarms go: an address, or the variable that holds it, and the variable that holds what they are signed
    with. All are checked by hand, for the decoder does not tell whose webhook a mistake is in."""

    secret_env: str | None = None
    url: str | None = None
    url_env: str | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address may hold a token, so it is as secret as the secret."""

    url: Secret
    secret: Secret


class JournalKept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether what requests cost is written to the data directory first, and how large one file of it grows."""

    mode: Literal["on", "off"] = "on"
    segment_bytes: Annotated[int, msgspec.Meta(ge=4_096)] = SEGMENT_BYTES


class RouterFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """config/router.toml."""

    edge: Edge = Edge()
    timing: Timing = Timing()
    upstream: UpstreamAddress = UpstreamAddress()
    store: StoreTimes = StoreTimes()
    webhooks: dict[str, WebhookRow] = {}
    journal: JournalKept = JournalKept()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`redis_url` is None while the embedded store is meant; `workers` share one port, and `ops_port`, which alone
    serves the operations plane when it is set. `upstream_key` looks up the key
    that a further upstream's row names. `traces` says whether OpenTelemetry's are made. `policies_beside` are folders
    of further policies, for teams without a file in `policies_dir`."""

    config_dir: Path
    policies_dir: Path
    data_dir: Path
    edge: Edge
    timing: Timing
    upstream_url: str
    region: str
    redis_url: str | None
    store_timeout_s: float
    journal: JournalKept
    api_key: Secret
    upstream_key: Callable[[str], str | None]
    pepper: Secret
    admin_key: Secret
    webhooks: dict[str, Webhook] = {}
    loopback: bool = True
    workers: int = 1
    ops_port: int | None = None
    traces: bool = False
    policies_beside: tuple[Path, ...] = ()

    @property
    def main(self) -> Site:
        return main_site(self.upstream_url, self.region)


class MissingSecret(Exception):
    """A secret that must be given was not; the message says which and what else there is."""


class MissingExtra(Exception):
    """Packages that a wish needs are not installed; the message says how they are."""


def load_settings(
    *,
    config_dir: Path,
    policies_dir: Path,
    data_dir: Path,
    environ: Mapping[str, str],
    loopback: bool = True,
    workers: int = 1,
) -> Settings:
    """Raises ConfigError for a wrong file, MissingSecret for a secret that cannot be made up, and MissingExtra."""
    path = config_dir / ROUTER
    file = decode(path, RouterFile) if path.exists() else RouterFile()
    redis_url = secret("ROUTER_REDIS_URL", environ)  # it may hold a password
    region = region_of(file, path, environ)
    url = environ.get("ROUTER_UPSTREAM_URL") or file.upstream.url
    if not url.startswith(("http://", "https://")):
        raise ConfigError(path, f"{_place('upstream.url', environ)}: {url!r} is not an http or https address")
    api_key = secret("MISTRAL_API_KEY", environ)
    if api_key is None:
        raise MissingSecret(
            "MISTRAL_API_KEY is not set. Set it (or MISTRAL_API_KEY_FILE) to serve real traffic, "
            "or run `mistral-router demo`, which needs no key."
        )
    own = None if redis_url else data_dir
    return Settings(
        config_dir=config_dir,
        policies_dir=policies_dir,
        data_dir=data_dir,
        edge=file.edge,
        timing=file.timing,
        upstream_url=url.rstrip("/").removesuffix("/v1"),
        region=region,
        redis_url=redis_url.reveal() if redis_url else None,
        store_timeout_s=_store_timeout(file, path, environ),
        journal=file.journal,
        api_key=api_key,
        upstream_key=lambda name: found.reveal() if (found := secret(name, environ)) else None,
        pepper=_given_or_made("ROUTER_KEY_PEPPER", environ, own, "pepper.key"),
        admin_key=_given_or_made("ROUTER_ADMIN_KEY", environ, own, "admin.key"),
        webhooks={name: _webhook(name, row, path, environ) for name, row in file.webhooks.items()},
        loopback=loopback,
        workers=workers,
        traces=_traces(environ),
    )


def _place(field: str, environ: Mapping[str, str]) -> str:
    """The field, and the variable that goes before the file where it is set."""
    variable = f"ROUTER_{field.replace('.', '_').upper()}"
    return f"{field} (from {variable})" if environ.get(variable) else field


def region_of(file: RouterFile, path: Path, environ: Mapping[str, str]) -> str:
    """Where the upstream computes. Raises ConfigError for a region without a price factor."""
    region = environ.get("ROUTER_UPSTREAM_REGION") or file.upstream.region
    if region not in REGION_FACTORS:
        place = _place("upstream.region", environ)
        raise ConfigError(path, f"{place}: {region!r} is not one of {', '.join(REGION_FACTORS)}")
    return region


def _webhook(name: str, row: WebhookRow, path: Path, environ: Mapping[str, str]) -> Webhook:
    place = f"webhooks.{name}"
    if (row.url is None) is (row.url_env is None):
        raise ConfigError(path, f"{place}: needs either url or url_env")
    url = Secret(row.url) if row.url is not None else secret(str(row.url_env), environ)
    if url is None:
        raise ConfigError(path, f"{place}.url_env: {row.url_env} is not set")
    if not url.reveal().startswith(("http://", "https://")):
        raise ConfigError(path, f"{place}.{'url' if row.url else 'url_env'}: is not an http or https address")
    if row.secret_env is None:
        raise ConfigError(path, f"{place}.secret_env: is missing; it names the variable that messages are signed with")
    key = secret(row.secret_env, environ)
    if key is None:
        raise ConfigError(path, f"{place}.secret_env: {row.secret_env} is not set")
    return Webhook(url=url, secret=key)


def _store_timeout(file: RouterFile, path: Path, environ: Mapping[str, str]) -> float:
    text = environ.get("ROUTER_STORE_TIMEOUT", "")
    try:
        timeout_s = float(text) if text else file.store.timeout
    except ValueError:
        timeout_s = math.nan
    if not 0 < timeout_s <= STORE_TIMEOUT_MAX_S:
        text = text or str(file.store.timeout)
        place = _place("store.timeout", environ)
        raise ConfigError(path, f"{place}: {text!r} is not a number of seconds above 0, up to {STORE_TIMEOUT_MAX_S:g}")
    return timeout_s


def _traces(environ: Mapping[str, str]) -> bool:
    """Whether traces are wanted. An endpoint alone may have been set for everything on the machine, so that without the
    packages it is no reason not to start; ROUTER_OTEL=1 is."""
    word, endpoint = environ.get("ROUTER_OTEL", ""), environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if word == "0" or not (word or endpoint):
        return False
    try:
        installed = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        installed = False
    if installed:
        return True
    text = (
        "Traces are asked for, but the packages of the extra `otel` are not installed: "
        "pip install --require-hashes --no-deps --requirement constraints-otel.txt"
    )
    if word:
        raise MissingExtra(f"{text}, or unset ROUTER_OTEL.")
    log.warning("%s. None are made; ROUTER_OTEL=0 says that none are wanted.", text)
    return False


def secret(name: str, environ: Mapping[str, str]) -> Secret | None:
    """The secret in `name`, or in the file that `name`_FILE names. Raises MissingSecret when that can't be read."""
    text = environ.get(name, "").strip()
    if text:
        return Secret(text)
    path = environ.get(f"{name}_FILE", "").strip()
    if not path:
        return None
    try:
        text = Path(path).read_text().strip()
    except OSError as error:
        raise MissingSecret(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
    if not text:
        raise MissingSecret(f"{name}_FILE names {path}, which is empty.")
    return Secret(text)


def _given_or_made(name: str, environ: Mapping[str, str], directory: Path | None, filename: str) -> Secret:
    given = secret(name, environ)
    if given is not None:
        return given
    if directory is None:
        raise MissingSecret(
            f"{name} is not set. With a store of your own (ROUTER_REDIS_URL) it must be the same on every replica, so "
            f"it is not made up: set {name} or {name}_FILE, for example to the output of `openssl rand -base64 32`."
        )
    kept = kept_secret(directory / filename)
    if not kept:  # an empty secret would let everybody in
        raise MissingSecret(f"{directory / filename} is empty: restore it, or remove it to have a new one made.")
    return Secret(kept)


def kept_secret(path: Path) -> str:
    """The secret in a file of the data directory, made on first use. Raises MissingSecret."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        try:
            return path.read_text().strip()
        except OSError as unread:
            why = unread if os.path.lexists(path) else error
            text = f"{path} can be neither read nor made ({why.strerror}): name another --data-dir, or mend its rights."
            raise MissingSecret(text) from None
    text = secrets.token_urlsafe(32)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return text


def default_dir(name: str) -> Path:
    """`config` or `policies`: in the working directory if it is there, else the one that came with the package."""
    here = Path.cwd() / name
    if here.is_dir():
        return here
    shipped = Path(__file__).parent / "defaults" / name
    return shipped if shipped.is_dir() else Path(__file__).parent.parent / name
