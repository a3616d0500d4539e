"""The whole translation: one text in, files and findings out. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

import msgspec

from router.commands.litellm.drafts import lines_of as policy_lines
from router.commands.litellm.drafts import quoted
from router.commands.litellm.listing import Models
from router.commands.litellm.models import ModelReader
from router.commands.litellm.policies import PolicyReader
from router.commands.litellm.reading import read_yaml
from router.commands.litellm.report import Finding, Report, written
from router.commands.litellm.settings import SettingsReader
from router.commands.litellm.settings import lines_of as setting_lines
from router.core.catalog import Shelf

REPORT: Final = "import-report.md"


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """`files` are texts by their path below the output folder."""

    files: dict[str, str]
    findings: list[Finding]


def translate(
    text: str, source: str, catalogue: str, quality: str, shelf: Shelf, today: date, environ: Mapping[str, str]
) -> Translation:
    """`catalogue` and `quality` are the texts of the models.toml and quality.toml that the result stands on, `shelf` is
    the catalogue read. Raises Unreadable."""
    root, report = read_yaml(text), Report()
    root.fields()
    models = ModelReader(shelf, environ, report).read(root)
    lines = SettingsReader(root, models, report).read()
    _mirror(models)
    drafts = PolicyReader(root, models, shelf, report).read()
    addition = list(_addition(models, source, today))
    files = {
        "config/models.toml": "\n".join([catalogue.rstrip(), "", *addition]) + "\n" if addition else catalogue,
        "config/quality.toml": quality,
        "config/router.toml": "\n".join(setting_lines(lines, source)) + "\n",
    }
    for draft in drafts:
        files[f"policies/{draft.team}.toml"] = "\n".join(policy_lines(draft, source)) + "\n"
    findings = report.close(root)
    files[REPORT] = written(findings, source)
    return Translation(files=files, findings=findings)


def _mirror(models: Models) -> None:
    """A server that offers just what an earlier one offers is its mirror: where one fails the other is tried."""
    own = [upstream for upstream in models.upstreams.values() if upstream.serves]
    for index, upstream in enumerate(own):
        twin = next((one for one in own[:index] if one.serves == upstream.serves and one.mirrors is None), None)
        if twin is None:
            continue
        upstream.mirrors = twin.name
        for served in upstream.serves:
            there, here = models.rows[(twin.name, served)], models.rows.pop((upstream.name, served))
            models.deployments = [
                msgspec.structs.replace(one, target=there.id) if one.target == here.id else one
                for one in models.deployments
            ]


def _addition(models: Models, source: str, today: date) -> Iterator[str]:
    """Upstreams and rows, to stand behind a catalogue."""
    if models.upstreams or models.rows:
        yield f"# --- Made from {source} by `mistral-router import litellm` ---"
    for upstream in models.upstreams.values():
        yield from ("", f"# {source}:{upstream.node.line} {upstream.node.path}", f"[upstreams.{quoted(upstream.name)}]")
        yield f"url = {quoted(upstream.url)}"
        for field in ("key", "dialect", "region", "mirrors"):
            value = getattr(upstream, field)
            if value is not None:
                yield f"{field} = {quoted(value)}"
    for row in models.rows.values():
        yield from ("", f"# {source}:{row.node.line} {row.node.path}", f"[models.{quoted(row.id)}]")
        yield f"upstream = {quoted(row.upstream)}"
        yield f"served_as = {quoted(row.served_as)}"
        yield f"context_tokens = {row.context_tokens}"
        yield f"abilities = [{', '.join(quoted(ability) for ability in row.abilities)}]"
        yield 'template = "other"'
        price = f"input = {quoted(f'{row.input_usd:f}')}, output = {quoted(f'{row.output_usd:f}')}"
        # A server of one's own has no cheaper rate for what it remembers.
        cached = f"cached = {quoted(f'{row.input_usd:f}')}"
        yield f"prices = [{{ since = {today}, {price}, {cached}, source = {quoted(source)} }}]"
