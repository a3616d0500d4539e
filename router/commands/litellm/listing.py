"""What model_list comes to: each of its entries, the servers of one's own that it needs, and their models."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from router.commands.litellm.reading import Node


class Upstream(msgspec.Struct, kw_only=True):
    """An upstream that the file needs beside Mistral's own. `node` is where it stands."""

    name: str
    url: str
    node: Node
    dialect: str = "openai"
    key: str | None = None
    region: str = "global"
    mirrors: str | None = None
    serves: set[str] = msgspec.field(default_factory=set)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A model of such an upstream; prices in USD per million tokens."""

    id: str
    node: Node
    upstream: str
    served_as: str
    context_tokens: int
    abilities: tuple[str, ...]
    input_usd: Decimal
    output_usd: Decimal


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of model_list. `target` is what answers here, None when nothing can; `own` is on a server of one's own,
    `foreign` at a vendor that is not asked here."""

    name: str
    node: Node
    target: str | None
    own: bool = False
    foreign: bool = False


class Models(msgspec.Struct, kw_only=True):
    """What model_list comes to. `rows` go by upstream and the name there; `vendor_sites` are Mistral's address and the
    variable of its key, once for each pair."""

    deployments: list[Deployment] = msgspec.field(default_factory=list)
    upstreams: dict[str, Upstream] = msgspec.field(default_factory=dict)
    rows: dict[tuple[str, str], Row] = msgspec.field(default_factory=dict)
    vendor_sites: list[tuple[str | None, str | None]] = msgspec.field(default_factory=list)

    def groups(self) -> dict[str, list[Deployment]]:
        found: dict[str, list[Deployment]] = {}
        for deployment in self.deployments:
            found.setdefault(deployment.name, []).append(deployment)
        return found
