"""A policy in the making, and how it is written."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from router.commands.litellm.reading import Node
from router.core import policy
from router.core.policy import Policy


class Budget(msgspec.Struct, kw_only=True):
    """A `[[budget]]` in the making; `node` is where it stands."""

    scope: str
    id: str | None
    usd: Decimal
    window: str
    node: Node

    def rule(self, zone: str) -> policy.Budget:
        """The rule as it will be loaded."""
        return policy.Budget(
            scope=policy.Scope(self.scope), id=self.id, usd=f"{self.usd:f}", window=self.window, zone=zone
        )


class Limit(msgspec.Struct, kw_only=True):
    scope: str
    id: str | None
    node: Node
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.requests_per_minute is None and self.tokens_per_minute is None and self.concurrency is None

    def rule(self) -> policy.Limit:
        """The rule as it will be loaded."""
        return policy.Limit(
            scope=policy.Scope(self.scope),
            id=self.id,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            concurrency=self.concurrency,
        )


class Draft(msgspec.Struct, kw_only=True):
    """A policy in the making. `map` is what a name stands for, with where that stands."""

    team: str
    zone: str = "UTC"
    pins: str = "stay"
    when_store_away: str = "deny"
    allow: list[str] = msgspec.field(default_factory=list)
    map: dict[str, tuple[str, Node]] = msgspec.field(default_factory=dict)
    budgets: dict[tuple[str, str | None, str], Budget] = msgspec.field(default_factory=dict)
    limits: dict[tuple[str, str | None], Limit] = msgspec.field(default_factory=dict)


def lines_of(draft: Draft, source: str) -> Iterator[str]:
    """The file's lines, each rule under a comment that says where it comes from."""

    def origin(node: Node) -> str:
        return f"# {source}:{node.line} {node.path}"

    yield f"# Made from {source} by `mistral-router import litellm`. Every field is explained in policies/README.md."
    yield ""
    yield f"team = {quoted(draft.team)}"
    yield 'routing = "observe"  # names are served as asked; records tell what routing would save. Then: "on"'
    for field in ("pins", "when_store_away"):
        yield f"{field} = {quoted(getattr(draft, field))}"
    if draft.allow:
        allow = ", ".join(quoted(glob) for glob in (*Policy().models.allow, *draft.allow))
        yield from ("", "[models]", f"allow = [{allow}]")
    if draft.map:
        yield from ("", "[models.map]")
        yield from (f"{quoted(name)} = {quoted(target)}  {origin(node)}" for name, (target, node) in draft.map.items())
    for budget in draft.budgets.values():
        yield from ("", origin(budget.node), "[[budget]]", f"scope = {quoted(budget.scope)}")
        yield from [f"id = {quoted(budget.id)}"] if budget.id is not None else []
        yield f"usd = {quoted(f'{budget.usd.normalize():f}')}"
        yield f"window = {quoted(budget.window)}"
        if draft.zone != "UTC":
            yield f"zone = {quoted(draft.zone)}"
    for limit in draft.limits.values():
        yield from ("", origin(limit.node), "[[limit]]", f"scope = {quoted(limit.scope)}")
        yield from [f"id = {quoted(limit.id)}"] if limit.id is not None else []
        for field in ("requests_per_minute", "tokens_per_minute", "concurrency"):
            if getattr(limit, field) is not None:
                yield f"{field} = {getattr(limit, field)}"


def quoted(text: str) -> str:
    """A TOML string."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
