"""The documentation against the code: what exists is documented, and what is documented exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from router.__main__ import cli
from router.core.attempts import CHARGES, MOVES, Outcome
from router.core.budget_lines import Alarm, Pace
from router.core.policy import Budget, Limit, Models, OwnScore, Policy
from router.core.reasons import Reason, Why
from router.ops.metrics import METRICS
from router.settings import RouterFile
from tests.pages import (
    FENCE,
    HEADING,
    LINK,
    PAGES,
    ROUTER,
    TICKED,
    anchors,
    first_cells,
    page,
    section,
    sources,
    table_rows,
)
from tests.running import ROOT

# --- Vocabularies -----------------------------------------------------------------------------------------------------


def strings(node: ast.expr | None) -> Iterator[str]:
    """The constant strings that an expression can be."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from strings(body)
            yield from strings(orelse)


def class_codes(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                yield from strings(value)
            case ast.AnnAssign(target=ast.Name(id="code"), value=value):
                yield from strings(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for name, value in zip(names, values, strict=True):
                    if isinstance(name, ast.Name) and name.id == "code":
                        yield from strings(value)


def assigned_codes(node: ast.Assign) -> Iterator[str]:
    """`outcome, status, code = …` in a function."""
    match node:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and name.id == "code":
                    yield from strings(value)


def error_codes() -> set[str]:
    """Every code that an error, a record or a metric can carry."""
    found: set[str] = set()
    for path, text in sources():
        if path.name == "language.py":  # its codes are languages
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.ClassDef():
                    found.update(class_codes(node))
                case ast.Assign():
                    found.update(assigned_codes(node))
                case ast.Call(func=func, args=arguments, keywords=keywords):
                    for keyword in keywords:
                        if keyword.arg == "code":
                            found.update(strings(keyword.value))
                    if isinstance(func, ast.Attribute) and func.attr == "refusal" and arguments:
                        found.update(strings(arguments[0]))
    return found


def test_the_error_table_lists_every_code_and_no_other() -> None:
    codes = error_codes()
    assert {"budget_exceeded", "schema_recursive", "stream_broken", "invalid_json"} <= codes
    assert first_cells(section("docs/api.md", "Errors")) == codes


@pytest.mark.parametrize(
    ("title", "members"),
    [("reason", Reason), ("objection", Why), ("outcome", Outcome)],
    ids=["reason", "objection", "outcome"],
)
def test_each_closed_vocabulary_is_listed_whole(title: str, members: type[Reason | Why | Outcome]) -> None:
    assert first_cells(section("docs/api.md", title)) == {member.value for member in members}


def test_the_outcome_table_says_what_the_code_does() -> None:
    told = {}
    for outcome, _, moves, hold in table_rows(section("docs/api.md", "outcome")):
        told[outcome.strip("`")] = (tuple(re.findall(r"retry|escalate|elsewhere", moves)), hold)
    does = {
        outcome.value: (tuple(move.value for move in MOVES[outcome]), CHARGES[outcome].value) for outcome in Outcome
    }
    assert told == does


def test_every_header_is_documented() -> None:
    told = set(TICKED.findall(section("docs/api.md", "Headers").replace(": ", "` `")))
    used = {
        header
        for _, text in sources()
        for header in re.findall(r'"(x-(?:router|stainless|should|affinity|session)[a-z-]*)"', text)
    }
    assert used
    assert used <= told


# --- Operations -------------------------------------------------------------------------------------------------------


def test_every_metric_is_listed_with_its_kind_and_labels() -> None:
    told = {
        TICKED.findall(name)[0]: (kind, tuple(TICKED.findall(labels)))
        for name, kind, labels, _ in table_rows(section("docs/operations.md", "Metrics"))
    }
    assert told == {metric.name: (metric.kind, metric.labels) for metric in METRICS}


def test_every_environment_variable_is_listed() -> None:
    read: set[str] = set()
    for _, text in sources():
        read.update(re.findall(r'"((?:ROUTER|MISTRAL|PROMETHEUS)_[A-Z_]+)"', text))
        for name in re.findall(r'(?:secret|_given_or_made)\("([A-Z_]+)"', text):
            read.update({name, f"{name}_FILE"})
    assert first_cells(section("docs/operations.md", "Environment")) == read


def settings_of(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from settings_of(field.type, f"{prefix}{field.encode_name}.")
        else:
            # An open table, such as that of webhooks, is made anew for each file.
            made = field.default_factory is not msgspec.NODEFAULT
            yield f"{prefix}{field.encode_name}", field.default_factory() if made else field.default


def test_every_setting_is_listed_with_its_default() -> None:
    told = {
        TICKED.findall(name)[0]: default.strip("`").replace(",", "")
        for name, default, _ in table_rows(section("docs/operations.md", "Settings"))
    }
    assert told == {name: str(default) for name, default in settings_of(RouterFile)}


def test_the_shipped_router_toml_holds_the_defaults() -> None:
    assert msgspec.toml.decode(page("config/router.toml"), type=RouterFile) == RouterFile()


def commands(
    command: click.Command, path: tuple[str, ...] = ("mistral-router",)
) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.commands:
            yield from commands(command.commands[name], (*path, name))
    else:
        yield " ".join(path), command


def test_every_command_and_option_is_documented() -> None:
    common = first_cells(section("docs/operations.md", "Options of every command"))
    for path, command in commands(cli):
        text = section("docs/operations.md", path)
        told = set(re.findall(r"--[a-z][a-z-]*", text))
        options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
        assert options >= common, path
        assert options - common == told - common - {"--data-dir"}, path
        for argument in (parameter for parameter in command.params if isinstance(parameter, click.Argument)):
            assert (argument.name or "").upper() in text, path


def test_no_section_is_about_a_command_that_is_gone() -> None:
    there = {path for path, _ in commands(cli)}
    titles = {found[2].strip("`") for found in HEADING.finditer(section("docs/operations.md", "Commands"))}
    assert {title for title in titles if title.startswith("mistral-router ")} == there


# --- Files that people write ------------------------------------------------------------------------------------------


def names_of(struct: type[msgspec.Struct], prefix: str = "") -> set[str]:
    return {f"{prefix}{field.encode_name}" for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("[models]", names_of(Models, "models.")),
        ("[[score]]", names_of(OwnScore)),
        ("[[budget]]", names_of(Budget)),
        ("[[limit]]", names_of(Limit)),
        ("[[budget.pace]]", names_of(Pace)),
        ("[[alarm]]", names_of(Alarm)),
    ],
)
def test_every_field_of_a_policy_table_is_explained(title: str, names: set[str]) -> None:
    assert first_cells(section("policies/README.md", title)) == names


def test_every_field_of_a_policy_is_explained_with_its_default() -> None:
    rows = table_rows(section("policies/README.md", "Fields").partition("###")[0])
    told = {TICKED.findall(name)[0]: default.strip('`"') for name, default, _ in rows}
    expected = {
        field.encode_name: "none" if field.default is None else str(getattr(field.default, "value", field.default))
        for field in msgspec.structs.fields(Policy)
        if field.encode_name not in ("models", "score", "budget", "limit", "alarm")
    }
    assert told == expected


# --- Routes -----------------------------------------------------------------------------------------------------------


def test_every_route_is_documented() -> None:
    told = {
        (method, re.sub(r"\{[^}]*\}", "{}", path))
        for method, path in re.findall(r"`(GET|POST|DELETE) (/[^`]*)`", page("docs/api.md"))
    }
    operations = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path))
        for _, text in sources()
        for method, path in re.findall(r'@(get|post|put|patch|delete)\(\s*"([^"]+)"', text)
    }
    assert operations
    assert operations <= told
    planes = set(re.findall(r'"(/v1/[^"{]+)":', (ROUTER / "api" / "data_plane.py").read_text()))
    assert planes
    assert {path for _, path in told if path.startswith("/v1/")} >= planes


# --- Links and names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(FENCE.sub("", path.read_text())):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{path}: {target}"
        assert ROOT in there.parents, f"{path}: {target}"
        if anchor:
            assert anchor in anchors(there), f"{path}: {target}"


def test_every_decision_is_on_the_list() -> None:
    listed = {target for target in LINK.findall(page("docs/decisions/README.md")) if target[0].isdigit()}
    assert listed == {path.name for path in ROOT.glob("docs/decisions/0*.md")}


def test_architecture_names_only_files_that_exist() -> None:
    named = re.findall(
        r"`((?:router/|core/|store/|wire/|upstream/|api/)[\w/]+\.(?:py|lua))`", page("docs/architecture.md")
    )
    assert named
    for name in named:
        assert (ROOT / name).exists() or (ROUTER / name).exists(), name


def test_every_make_target_is_listed() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", page("Makefile"), re.MULTILINE)[0].split()
    listed = first_cells(page("CONTRIBUTING.md").partition("## The house")[0])
    assert listed == {f"make {target}" for target in targets}
