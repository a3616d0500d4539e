"""Times, sizes, the store and the proxy's secrets: what becomes a line of router.toml, and what a person must set."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from router.commands.litellm.listing import Models, Upstream
from router.commands.litellm.reading import Node
from router.commands.litellm.report import Fate, Report

REQUEST_MAX_S: Final = 600
_USUAL: Final = "https://api.mistral.ai"
_SECRETS: Final = (
    (("general_settings", "master_key"), "ROUTER_ADMIN_KEY", "the key of the operations plane; apps have virtual keys"),
    (("router_settings", "redis_url"), "ROUTER_REDIS_URL", "the store, for several replicas"),
    (("router_settings", "redis_host"), "ROUTER_REDIS_URL", "the store, for several replicas (redis://HOST:PORT)"),
    (("router_settings", "redis_port"), "ROUTER_REDIS_URL", "the port in it"),
    (("router_settings", "redis_password"), "ROUTER_REDIS_URL", "the password in it"),
)

# Of router.toml: table, field, value as TOML, where it comes from.
Line = tuple[str, str, str, Node]


class SettingsReader:
    def __init__(self, root: Node, models: Models, report: Report) -> None:
        self._root = root
        self._models = models
        self._report = report

    def read(self) -> list[Line]:
        """The lines, sorted by table."""
        lines = [*self._times(), *self._size(), *self._upstream()]
        for path, variable, what in _SECRETS:
            node = self._root.get(*path)
            if node is not None:
                self._report.say(Fate.TO_DO, node, f"set {variable}: {what}. Its value was not copied.")
        return sorted(lines, key=lambda line: (line[0], line[1]))

    def _times(self) -> list[Line]:
        """router_settings go before litellm_settings, as there."""
        lines: list[Line] = []
        whole = self._first(("router_settings", "timeout"), ("litellm_settings", "request_timeout"))
        if whole is not None:
            lines.append(("timing", "deadline", self._seconds(whole, "timing.deadline"), whole))
        stream = self._first(("router_settings", "stream_timeout"), ("litellm_settings", "stream_timeout"))
        if stream is not None:
            lines.append(("timing", "first_byte", self._seconds(stream, "timing.first_byte"), stream))
        return lines

    def _seconds(self, node: Node, name: str) -> str:
        seconds = node.number()
        if not seconds:
            raise node.wrong("a number of seconds above 0")
        if seconds > REQUEST_MAX_S:
            self._report.say(Fate.CHANGED, node, f"{name}: {REQUEST_MAX_S} s, the longest that a request may take.")
        else:
            self._report.say(Fate.CARRIED, node, f"{name}: {seconds.normalize():f} s.")
        return f"{float(min(seconds, Decimal(REQUEST_MAX_S)))}"

    def _first(self, *paths: tuple[str, ...]) -> Node | None:
        found = [node for path in paths if (node := self._root.get(*path)) is not None]
        for node in found[1:]:
            self._report.say(Fate.DROPPED, node, f"{found[0].path} goes before it.")
        return found[0] if found else None

    def _size(self) -> list[Line]:
        node = self._root.get("general_settings", "max_request_size_mb")
        if node is None:
            return []
        self._report.say(Fate.CARRIED, node, "edge.body_bytes_max.")
        return [("edge", "body_bytes_max", str(max(1, int(node.number() * 1024 * 1024))), node)]

    def _upstream(self) -> list[Line]:
        """Where Mistral's API is. The first site is the router's own, each further one mirrors it, with its own key."""
        sites = self._models.vendor_sites
        lines: list[Line] = []
        if not sites:
            return lines
        node = self._root.fields()["model_list"]
        url, key = sites[0]
        if url not in (None, _USUAL):
            lines.append(("upstream", "url", f'"{url}"', node))
            lines.append(("upstream", "region", f'"{_region(url)}"', node))
        if key not in (None, "MISTRAL_API_KEY"):
            self._say_of(node, f"set MISTRAL_API_KEY to what {key} holds: Mistral's own API has that variable.")
        for number, (other, variable) in enumerate(sites[1:], 2):
            name = f"mistral-{number}"
            self._models.upstreams[name] = Upstream(
                name=name,
                url=other or _USUAL,
                node=node,
                dialect="mistral",
                key=variable or "MISTRAL_API_KEY",
                region=_region(other),
                mirrors="mistral",
            )
            self._say_of(node, f"Mistral stands in the file at several places or keys: {name} mirrors the first.")
        return lines

    def _say_of(self, node: Node, what: str) -> None:
        first = node.entries()[0].fields()["model_name"]
        self._report.say(Fate.TO_DO, first, what)


def _region(url: str | None) -> str:
    return next((region for region in ("eu", "us") if url is not None and f".{region}." in url), "global")


def lines_of(lines: list[Line], source: str) -> list[str]:
    """router.toml: only what the file sets; all else keeps its default."""
    said: list[str] = [f"# Made from {source} by `mistral-router import litellm`. What is not here keeps its default."]
    tables: dict[str, list[Any]] = {}
    for table, field, value, node in lines:
        tables.setdefault(table, []).append(f"{field} = {value}  # {source}:{node.line} {node.path}")
    for table, fields in tables.items():
        said += ["", f"[{table}]", *fields]
    return said
