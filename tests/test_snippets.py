"""What the pages show, tried: policies load, command lines parse, addresses are routes, Python compiles."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import pytest

from router.__main__ import cli
from router.api.data_plane import CALL_PATHS
from router.core.catalog import Catalogue, Shelf
from router.core.rules import Rules
from router.core.sites import sites_of
from router.rulebook import load_draft, load_rules
from router.settings import RouterFile
from tests.pages import FENCE, PAGES, TICKED, page, section, sources, table_rows
from tests.running import ROOT

# The last on a line: before it the same word names images, folders and services.
COMMAND = re.compile(r"^(?:.*[\s/;&(])?mistral-router ([a-z].*)$", re.MULTILINE)
# What the program prints, and not what it is told.
PRINTED = ("mistral-router serves ", "mistral-router is ")
ADDRESS = re.compile(r"(?:OPENAI_BASE_URL|ROUTER_URL|127\.0\.0\.1:\d+)(/[\w/.{}-]*)?")
# Stands for a command in what says something of all of them.
ANY = re.compile(r"[A-Z…].*")


def blocks(*kinds: str) -> Iterator[tuple[Path, str]]:
    for path in PAGES:
        for kind, body in FENCE.findall(path.read_text()):
            if kind in kinds:
                yield path, body


def shown(path: Path, body: str) -> str:
    return f"{path.relative_to(ROOT)}: {body[:60]}"


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(ROOT / "config", ROOT / "policies", datetime.now(UTC).date())


TOML = list(blocks("toml"))


@pytest.mark.parametrize(("path", "body"), TOML, ids=[shown(*block) for block in TOML])
def test_every_toml_example_is_read_as_what_it_is(path: Path, body: str, rules: Rules, tmp_path: Path) -> None:
    content = msgspec.toml.decode(body)
    if "config" in path.parts and set(content) & {"upstreams", "models"}:
        catalogue = msgspec.convert({"checked": "2026-11-23", "models": {}, **content}, Catalogue)
        sites_of(catalogue.upstreams)
        # A row may name a replacement that only a whole catalogue has.
        rows = {name: msgspec.structs.replace(row, retires=None) for name, row in catalogue.models.items()}
        assert Shelf(rows, datetime.now(UTC).date()).cards
    elif set(content) & {"edge", "timing", "store", "upstream", "webhooks"}:
        msgspec.convert(content, RouterFile)
    else:
        draft = tmp_path / "draft.toml"
        draft.write_text(body)
        load_draft(draft, rules.shelf)


def command_lines() -> Iterator[tuple[str, str]]:
    """Every `mistral-router …` of a shell example, and every one in backticks of the text."""
    for path in PAGES:
        text = path.read_text()
        name = str(path.relative_to(ROOT))
        for kind, body in FENCE.findall(text):
            if kind == "sh":
                yield from ((name, found) for found in COMMAND.findall(re.sub(r"#.*|\\\n", "", body)))
        for ticked in TICKED.findall(FENCE.sub("", text)):
            if "mistral-router " in ticked and not ticked.startswith(PRINTED):
                yield from ((name, found) for found in COMMAND.findall(ticked))


LINES = sorted(set(command_lines()))


@pytest.mark.parametrize(("name", "line"), LINES, ids=[f"{name}: {line}" for name, line in LINES])
def test_every_command_line_is_one_that_the_program_takes(name: str, line: str) -> None:
    words = [word for word in shlex.split(re.split(r"[|;)]", line)[0]) if word not in ("|", "…", "...")]
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-") and not ANY.match(words[0]):
        assert words[0] in command.commands, f"{name}: there is no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h", "--version"}
    given = [word.partition("=")[0] for word in words if word.startswith("-") and len(word) > 1]
    assert set(given) <= known, f"{name}: {line}"
    if isinstance(command, click.Group):
        return  # the text speaks of a group of commands
    flags = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.is_flag
        for option in parameter.opts
    }
    values = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if (not word.startswith("-") or word == "-") and not (before.startswith("--") and before not in flags)
    ]
    takes = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    assert len(values) <= len(takes), f"{name}: {line} has too much: {values}"


def test_there_are_command_lines_to_try() -> None:
    assert len(LINES) > 40
    assert any("import litellm" in line for _, line in LINES)


def routes() -> set[str]:
    declared = {
        re.sub(r"\{[^}]*\}", "{}", path)
        for _, text in sources()
        for path in re.findall(r'@(?:get|post|delete)\(\s*"([^"]+)"', text)
    }
    wired = set(re.findall(r'"(/v1/[^"{]+)"', page("router/api/data_plane.py")))
    return declared | {path for path, _ in CALL_PATHS} | wired | {"/v1/models/{}"}


def test_every_address_of_an_example_is_a_route() -> None:
    """A base URL ends with /v1, or is the router's own."""
    seen = 0
    for path, body in blocks("sh", "python"):
        for found in ADDRESS.finditer(body):
            tail = (found[1] or "").rstrip(".").rstrip("/")
            whole = f"/v1{tail}" if found[0].startswith("OPENAI_BASE_URL") else tail
            seen += 1
            assert whole in {"", "/v1"} | routes(), shown(path, body)
    assert seen > 5


def test_every_path_that_a_page_names_is_a_route() -> None:
    known = routes() | {"/v1", "/admin", "/admin/v1", "/dashboard"}
    for path in PAGES:
        if "sim" in path.parts:
            continue  # the simulator's own page
        for method, named in re.findall(r"`(GET|POST|DELETE) (/[\w/.{}-]*)", path.read_text()):
            plain = re.sub(r"\{[^}]*\}", "{}", named)
            assert plain in known, f"{path}: {method} {named}"


def test_every_header_that_is_told_is_one_that_the_code_knows() -> None:
    told = {
        name.partition(":")[0].strip().lower()
        for row in table_rows(section("docs/api.md", "Headers"))
        for name in TICKED.findall(row[0])
    }
    assert len(told) > 20
    code = "\n".join(text for _, text in sources()).lower()
    for name in told:
        stem = re.sub(r"(?<=x-ratelimit-(?:limit|reset)-).*|(?<=x-ratelimit-remaining-).*", "", name)
        assert stem in code, name


def test_every_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    for path in PAGES:
        for ticked in TICKED.findall(FENCE.sub("", path.read_text())):
            for word in re.findall(r"^make ((?:[a-z-]+ ?)+)$", ticked):
                assert set(word.split()) <= targets, f"{path}: {ticked}"
