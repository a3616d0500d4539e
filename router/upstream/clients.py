"""One client for each upstream, opened when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

from router.core.sites import MAIN, Site
from router.upstream.client import Upstream


class Clients:
    """`main` is Mistral's own API. `secret` looks up the API key that a site's row names; None when it is not set."""

    def __init__(self, main: Upstream, secret: Callable[[str], str | None]) -> None:
        self._main = main
        self._secret = secret
        self._others: dict[tuple[str, str | None], Upstream] = {}

    def of(self, site: Site) -> Upstream:
        """The client of that upstream; another address or key makes another client."""
        if site.name == MAIN and not site.lent:
            return self._main
        which = (site.url, site.key)
        found = self._others.get(which)
        if found is None:
            found = self._others[which] = Upstream(site.url, self._secret(site.key) if site.key else None)
        return found

    async def close(self) -> None:
        for upstream in (self._main, *self._others.values()):
            await upstream.close()
