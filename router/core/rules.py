"""The rules in force: catalogue, quality table and policies, as one frozen snapshot that serves a whole request."""

from __future__ import annotations

from datetime import date

import msgspec

from router.core.catalog import Shelf
from router.core.policy import Policy
from router.core.quality import QualityTable
from router.core.sites import Site


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`sites` are the upstreams beside Mistral's own. `version` is a hash of all the files it was made from; `checked`
    the day the prices were last held against the vendor's page; `day` the day whose prices stand in `shelf`."""

    shelf: Shelf
    sites: tuple[Site, ...]
    quality: QualityTable
    policies: dict[str, Policy]
    default: Policy
    version: str
    checked: date
    day: date

    def policy_of(self, team: str) -> Policy:
        """The team's own policy, or the default one under the team's name."""
        own = self.policies.get(team)
        return own if own is not None else msgspec.structs.replace(self.default, team=team)

    def sites_under(self, main: Site) -> tuple[Site, ...]:
        """Every upstream under every key that it is asked with: its own, and those that policies name."""
        keys = sorted({policy.upstream_key for policy in self.policies.values() if policy.upstream_key is not None})
        sites = (main, *self.sites)
        return (*sites, *(lent for key in keys for site in sites if (lent := site.under(key)).lent))
