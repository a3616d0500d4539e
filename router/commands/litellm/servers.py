"""Servers of one's own in model_list: an upstream for each address, and a row for each of its models."""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import msgspec

from router.commands.litellm.figures import Figures
from router.commands.litellm.keys import Keys, free
from router.commands.litellm.listing import Deployment, Models, Row, Upstream
from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report
from router.core.asked import AUTO
from router.core.catalog import Shelf

CONTEXT_ASSUMED: Final = 32_768


class Servers:
    """Adds to `models` what its entries on such servers need."""

    def __init__(self, shelf: Shelf, models: Models, keys: Keys, report: Report) -> None:
        self.models = models
        self._shelf = shelf
        self._keys = keys
        self._report = report

    def deployed(self, name: str, node: Node, params: Node, model: str, address: str) -> Deployment:
        where = params.fields()["model"]
        upstream = self._upstream(params, address)
        upstream.serves.add(model)
        row = self.models.rows.get((upstream.name, model))
        if row is None:
            twin = self._twin(name, model)
            row = self._row(name, node, params, model, upstream, twin)
            self.models.rows[(upstream.name, model)] = row
            place = f"is the model {row.id} of" if twin is None else f"is {twin.id}, which is also served by"
            self._report.say(Fate.CARRIED, where, f"{place} the upstream {upstream.name}.")
        else:
            self._report.say(Fate.CARRIED, where, f"is the model {row.id} of the upstream {upstream.name}, as above.")
        return Deployment(name=name, node=node, target=row.id, own=True)

    def _upstream(self, params: Node, address: str) -> Upstream:
        found = next((one for one in self.models.upstreams.values() if one.url == address), None)
        if found is None:
            parts = urlsplit(address)
            host = parts.hostname or "own"
            numeric = _is_ip(host)
            name = re.sub(
                r"[^A-Za-z0-9]+", "-", f"{host}-{parts.port or ''}" if numeric else f"{host.partition('.')[0]}"
            )
            name = free(name.strip("-").lower() or "own", {*self.models.upstreams, "mistral"})
            key = self._keys.of(params, f"{name.upper().replace('-', '_')}_API_KEY")
            found = Upstream(name=name, url=address, node=params, key=key, region=self._region(params))
            self.models.upstreams[name] = found
        elif (key_node := params.get("api_key")) is not None:
            if self._keys.of(params, found.key or f"{found.name.upper()}_API_KEY") != found.key:
                self._report.say(
                    Fate.CHANGED, key_node, f"the upstream {found.name} has one key, that of its first entry."
                )
            else:
                self._report.known(key_node)
        return found

    def _region(self, params: Node) -> str:
        node = params.get("region_name")
        if node is None:
            return "global"
        region = node.text().lower().partition("-")[0]
        if region in ("eu", "us"):
            self._report.say(Fate.CARRIED, node, f"the upstream computes in {region}.")
            return region
        self._report.say(Fate.DROPPED, node, "is neither eu nor us.")
        return "global"

    def _twin(self, name: str, model: str) -> Row | None:
        """The same model under the same name on another server: what was said of it there holds here too."""
        same = {one.target for one in self.models.deployments if one.name == name and one.own}
        return next((row for row in self.models.rows.values() if row.served_as == model and row.id in same), None)

    def _row(self, name: str, node: Node, params: Node, model: str, upstream: Upstream, twin: Row | None) -> Row:
        slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "model"
        taken = {row.id for row in self.models.rows.values()}
        known = self._shelf.resolve(slug) is not None or slug in AUTO
        id_ = free(f"{slug}-{upstream.name}" if known or slug in taken else slug, taken)
        if twin is not None:
            return msgspec.structs.replace(twin, id=id_, node=node, upstream=upstream.name)
        fields = Figures(node, params, self._report)
        embeds = fields.mode() == "embedding" or "embed" in model.lower()
        context = fields.whole("max_input_tokens") or fields.whole("max_tokens")
        if context is None:
            what = f"no window is given: {CONTEXT_ASSUMED:,} tokens are assumed for {id_}; set context_tokens."
            self._report.say(Fate.TO_DO, node.fields()["model_name"], what)
        return Row(
            id=id_,
            node=node,
            upstream=upstream.name,
            served_as=model,
            context_tokens=context or CONTEXT_ASSUMED,
            abilities=("embeddings",) if embeds else fields.abilities(id_),
            input_usd=fields.price("input", id_),
            output_usd=Decimal(0) if embeds else fields.price("output", id_),
        )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
