"""The rules from their files: config/models.toml, config/quality.toml, policies/*.toml; loaded, checked, reloaded.

A wrong file stops the start with its name, the place and the mistake. At a reload it is refused whole and the rules in
force stay: no request ever sees half of a change.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import operator
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from router.core.asked import AUTO
from router.core.catalog import SPOKEN_BY_OPENAI, Catalogue, Shelf
from router.core.contradictions import check_rules
from router.core.policy import Budget, Limit, Policy, Scope
from router.core.policy_checks import check_policy
from router.core.quality import OTHER_GROUP, QualityFile, QualityTable, check_group
from router.core.rules import Rules
from router.core.sites import MAIN, Tongue, sites_of
from router.wire.choices import with_choices

log = logging.getLogger("router.rulebook")

MODELS: Final = "models.toml"
QUALITY: Final = "quality.toml"
DEFAULT: Final = "default.toml"
ROUTER: Final = "router.toml"
# Prices that nobody has held against the vendor's page for so long are told of.
PRICES_DAYS_MAX: Final = 30

T = TypeVar("T")


class ConfigError(Exception):
    """A file that cannot be meant: which, where in it, and the mistake."""

    def __init__(self, path: Path, mistake: str) -> None:
        super().__init__(f"{path}: {mistake}")
        self.path = path
        self.mistake = mistake


def load_rules(
    config_dir: Path,
    policies_dir: Path,
    today: date,
    given: Callable[[str], bool] = lambda name: True,
    beside: Sequence[Path] = (),
) -> Rules:
    """The snapshot made of both folders. Raises ConfigError.

    `given` says whether an environment variable holds a key; who asks no upstream need not know. `beside` are folders
    of further policies, for teams that have no file in `policies_dir`.
    """
    models_path, quality_path = config_dir / MODELS, config_dir / QUALITY
    catalogue = decode(models_path, Catalogue)
    try:
        shelf = Shelf(catalogue.models, today)
        sites = sites_of(catalogue.upstreams)
        _check_upstreams(catalogue)
    except ValueError as error:
        raise ConfigError(models_path, str(error)) from None
    try:
        quality = QualityTable(decode(quality_path, QualityFile))
    except ValueError as error:
        raise ConfigError(quality_path, str(error)) from None
    policies: dict[str, Policy] = {}
    texts: dict[str, str] = {}
    webhooks = _webhooks(config_dir / ROUTER)
    paths = sorted(policies_dir.glob("*.toml"))
    if policies_dir / DEFAULT not in paths:
        raise ConfigError(policies_dir / DEFAULT, "is missing: it holds for every team without a file of its own")
    own = {path.name for path in paths}
    paths += [path for folder in beside for path in sorted(folder.glob("*.toml")) if path.name not in own]
    for path in paths:
        policy = load_policy(path, shelf)
        if policy.upstream_key is not None and not given(policy.upstream_key):
            name = policy.upstream_key
            raise ConfigError(path, f"upstream_key: neither {name} nor {name}_FILE is set in the environment")
        for index, alarm in enumerate(policy.alarms):
            if alarm.webhook not in webhooks:
                mistake = f"alarm[{index}].webhook: {alarm.webhook!r} is not under [webhooks] of router.toml"
                raise ConfigError(path, mistake)
        policies[policy.team] = policy
        texts[policy.team] = path.read_text(encoding="utf-8")
    default = policies["default"]
    policies = {team: _with_organisation(policy, default) for team, policy in policies.items()}
    return Rules(
        shelf=shelf,
        sites=sites,
        quality=quality,
        policies=policies,
        default=default,
        version=_version([models_path, quality_path, *paths]),
        checked=catalogue.checked,
        day=today,
        texts=texts,
    )


class _Webhooks(msgspec.Struct):
    webhooks: dict[str, object] = {}


def _webhooks(path: Path) -> frozenset[str]:
    """The names that alarms can be sent to; the file itself is read and checked by router/settings.py."""
    return frozenset(decode(path, _Webhooks).webhooks) if path.exists() else frozenset()


def _with_organisation(policy: Policy, default: Policy) -> Policy:
    """The policy with the rules that count all teams, which the default one holds."""
    if policy is default or not default.counts_organisation:
        return policy
    return msgspec.structs.replace(
        policy,
        budgets=(*policy.budgets, *(rule for rule in default.budgets if rule.scope is Scope.ORGANISATION)),
        limits=(*policy.limits, *(rule for rule in default.limits if rule.scope is Scope.ORGANISATION)),
    )


def _check_upstreams(catalogue: Catalogue) -> None:
    """Raises ValueError for a model of an upstream that is not there, or that cannot say what the model can do."""
    for name, row in catalogue.models.items():
        if row.upstream not in (MAIN, *catalogue.upstreams):
            raise ValueError(f"models.{name}.upstream: {row.upstream!r} is not under [upstreams]")
        own = catalogue.upstreams.get(row.upstream)
        if own is not None and own.dialect is Tongue.OPENAI and (beyond := set(row.abilities) - SPOKEN_BY_OPENAI):
            named = ", ".join(sorted(ability.value for ability in beyond))
            raise ValueError(f"models.{name}.abilities: an upstream that speaks OpenAI's dialect has no {named}")


def load_policy(path: Path, shelf: Shelf) -> Policy:
    """The policy in force of the team that the file is named for. Raises ConfigError."""
    policy = decode(path, Policy)
    if policy.team != path.stem:
        raise ConfigError(path, f"team: is {policy.team!r}, but the file is named for {path.stem!r}")
    return _held_against(shelf, policy, path)


def load_draft(path: Path, shelf: Shelf) -> Policy:
    """A policy that is not in force, in a file of any name. Raises ConfigError."""
    return _held_against(shelf, decode(path, Policy), path)


def _held_against(shelf: Shelf, policy: Policy, path: Path) -> Policy:
    try:
        check_policy(policy)
    except ValueError as error:
        raise ConfigError(path, str(error)) from None
    if shelf.resolve(policy.baseline_model) is None:
        raise ConfigError(path, f"baseline_model: {_unknown(policy.baseline_model, shelf)}")
    for name, target in policy.models.map.items():
        if target not in AUTO and shelf.resolve(target) is None:
            raise ConfigError(path, f"models.map.{name!r}: {_unknown(target, shelf)}")
    scoped: list[tuple[str, Sequence[Budget | Limit]]] = [("budget", policy.budgets), ("limit", policy.limits)]
    for kind, rules in scoped:
        for index, rule in enumerate(rules):
            # Accounts go by catalogue id: a rule for an alias would count nothing.
            if rule.scope is Scope.MODEL and rule.id not in shelf.cards:
                raise ConfigError(path, f"{kind}[{index}].id: {_not_an_id(str(rule.id), shelf)}")
    for index, own in enumerate(policy.scores):
        if own.model not in shelf.cards:
            raise ConfigError(path, f"score[{index}].model: {_not_an_id(own.model, shelf)}")
        try:
            check_group(own.language or OTHER_GROUP)
        except ValueError as error:
            raise ConfigError(path, f"score[{index}].language: {error}") from None
    if not any(policy.allows(card) for card in shelf.cards):
        raise ConfigError(path, "models.allow: matches no model of the catalogue, so no request could be served")
    try:
        check_rules(policy, shelf)
    except ValueError as error:
        raise ConfigError(path, str(error)) from None
    return policy


def decode(path: Path, kind: type[T]) -> T:
    """A TOML file as `kind`, strictly: an unknown field is a mistake. Raises ConfigError."""
    try:
        content: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(path, "does not exist") from None
    except (msgspec.DecodeError, ValueError, RecursionError, OSError) as error:
        raise ConfigError(path, f"cannot be read: {error}") from None
    if mistake := _mistake(content, kind):
        what, place = mistake
        told = with_choices(what, kind, place)
        raise ConfigError(path, f"{_named(place, content, kind)}: {told}" if place else told)
    return _converted(content, kind)


def _converted(content: dict[str, Any], kind: type[T]) -> T:
    return msgspec.convert(content, kind, builtin_types=(datetime, date, time_of_day), str_keys=True)


def _mistake(content: dict[str, Any], kind: type[Any]) -> tuple[str, str] | None:
    """What is wrong, and where, as msgspec tells it; None when nothing is."""
    try:
        _converted(content, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).replace("`key` in `$", "`$").partition(" - at `$")
        return what, place.rstrip("`").lstrip(".")
    return None


def _named(place: str, content: dict[str, Any], kind: type[Any]) -> str:
    """`place` with the names that msgspec writes as [...]: each is the first that makes the mistake alone."""
    mistake = _mistake(content, kind)
    *tables, rest = place.split("[...]")
    path: list[str] = []
    for table in tables:
        path += [field for field in table.split(".") if field]
        names: dict[str, Any] = functools.reduce(operator.getitem, path, content)
        alone = (name for name in names if _mistake(_with(content, path, {name: names[name]}), kind) == mistake)
        path.append(next(alone))
    return ".".join(path) + rest


def _with(content: dict[str, Any], path: list[str], value: dict[str, Any]) -> dict[str, Any]:
    """`content` with `value` in place of the table at `path`."""
    return {**content, path[0]: _with(content[path[0]], path[1:], value)} if path else value


def _not_an_id(name: str, shelf: Shelf) -> str:
    resolved = shelf.resolve(name)
    return f"{name!r} is an alias; write {resolved.card.name!r}" if resolved else _unknown(name, shelf)


def _unknown(name: str, shelf: Shelf) -> str:
    near = shelf.nearest(name, AUTO)
    return f"{name!r} is not in the catalogue" + (f" (nearest: {', '.join(near)})" if near else "")


def _version(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name}:{len(content)}:".encode() + content)
    return digest.hexdigest()[:12]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A reload that was refused: when, in epoch seconds, and the mistake."""

    at: float
    mistake: str


class Rulebook:
    """Holds the snapshot in force, since `applied_at` (epoch seconds, as `clock` gives). `on_reload` is told "applied"
    or "refused", `given` and `beside` are load_rules' own; `last_refused` is remembered after it was mended, too."""

    def __init__(
        self,
        config_dir: Path,
        policies_dir: Path,
        today: Callable[[], date],
        on_reload: Callable[[str], None],
        given: Callable[[str], bool] = lambda name: True,
        clock: Callable[[], float] = time.time,
        beside: Sequence[Path] = (),
    ) -> None:
        self.config_dir = config_dir
        self.policies_dir = policies_dir
        self.beside = tuple(beside)
        self._today = today
        self._on_reload = on_reload
        self._given = given
        self._clock = clock
        self.current = load_rules(config_dir, policies_dir, today(), given, self.beside)
        self.applied_at = clock()
        self.refused: str | None = None
        self.last_refused: Refused | None = None
        self._warn_of_prices()

    def reload(self) -> None:
        """Swap in what the files say now, or keep what holds and say why."""
        try:
            rules = load_rules(self.config_dir, self.policies_dir, self._today(), self._given, self.beside)
        except Exception as error:
            # Whatever is wrong with a file, the rules in force stay, and the next change is looked at again.
            self.refused = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
            self.last_refused = Refused(at=self._clock(), mistake=self.refused)
            log.error("the new rules were refused, the old ones stay: %s", self.refused)
            self._on_reload("refused")
            return
        self.refused = None
        if rules.version != self.current.version or rules.day != self.current.day:
            log.info("rules %s of %s are in force", rules.version, rules.day)
            self.current = rules
            self.applied_at = self._clock()
        self._on_reload("applied")

    def turn_day(self) -> None:
        """Prices take effect by date: at midnight UTC the shelf is made anew."""
        if self._today() != self.current.day:
            self.reload()
            self._warn_of_prices()

    def _warn_of_prices(self) -> None:
        """Once a day: a price that is out of date makes every budget wrong."""
        age = (self.current.day - self.current.checked).days
        if age > PRICES_DAYS_MAX:
            log.warning("the prices of %s were last held against the vendor's %d days ago", MODELS, age)
