"""The examples of the documentation: each is well-formed, and those of the README run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from router.rulebook import load_policy, load_rules
from tests.pages import FENCE, PAGES, TICKED, page, section, table_rows
from tests.running import ROOT, Process, call, start

pytestmark = pytest.mark.xdist_group("readme")  # they share one demo


@pytest.mark.parametrize("name", ["README.md", "policies/README.md"])
def test_a_policy_to_copy_is_in_force_when_copied(name: str, tmp_path: Path) -> None:
    found = [body for kind, body in FENCE.findall(page(name)) if kind == "toml" and body.startswith("team = ")]
    assert found
    rules = load_rules(ROOT / "config", ROOT / "policies", datetime.now(UTC).date())
    for body in found:
        team = re.findall('team = "(.+?)"', body)[0]
        path = tmp_path / f"{team}.toml"
        path.write_text(body)
        assert load_policy(path, rules.shelf).has_hard_budget


def test_shell_and_json_examples_are_well_formed() -> None:
    for path in PAGES:
        for kind, body in FENCE.findall(path.read_text()):
            if kind == "sh":
                text = re.sub(r"<[^>]+>", "URL", body)
                assert subprocess.run(["bash", "-n"], input=text.encode(), check=False).returncode == 0, body
            if kind == "json":
                msgspec.json.decode(body)
            if kind == "python":
                compile(body, str(path), "exec")


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Process, dict[str, str]]]:
    """The demo, and the variables that it prints."""
    with tempfile.TemporaryDirectory() as home:
        process = start(
            ["demo", "--port", "0", "--data-dir", f"{home}/data"],
            r"(?m)^SIMULATOR_URL=(\S+)$",
            {},
            Path(home) / "log",
        )
        try:
            environ = dict(re.findall(r"(?m)^([A-Z_]+)=(\S+)$", process.said))
            wait_until_rested(environ)
            yield process, environ
        finally:
            assert process.stop() == 0


def wait_until_rested(environ: dict[str, str]) -> None:
    """The demo's last request lets a model rest for two seconds, and nobody types that fast."""
    ends = time.monotonic() + 10
    upstream = environ["OPENAI_BASE_URL"].removesuffix("/v1") + "/admin/v1/upstream"
    while any(model["rests_s"] for model in call(upstream, key=environ["ROUTER_ADMIN_KEY"]).json["models"].values()):
        assert time.monotonic() < ends
        time.sleep(0.05)


def run(command: list[str], environ: dict[str, str]) -> str:
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def readme(kind: str, holding: str) -> list[str]:
    return [body for found, body in FENCE.findall(page("README.md")) if found == kind and holding in body]


def test_the_demo_prints_the_table_of_the_readme(demo: tuple[Process, dict[str, str]]) -> None:
    process, _ = demo
    table = next(body for body in readme("text", "Short question"))
    cells = re.findall(r"│ (\w[^│]*?) +│ ([\w.-]+) +│ (\w+) +│", table)
    assert len(cells) == 10
    for title, model, reason in cells:
        assert re.search(rf"│ {re.escape(title)} +│ {re.escape(model)} +│ {reason} +│", process.said), title


def test_the_curl_examples_of_the_readme_work(demo: tuple[Process, dict[str, str]]) -> None:
    _, environ = demo
    examples = [re.sub(r"(?m)^export .*$", "", body) for body in readme("sh", "curl ")]
    assert len(examples) == 2
    answers = [run(["bash", "-ec", body], environ) for body in examples]
    shown = next(body for body in readme("text", "HTTP/1.1 200 OK"))
    for header in re.findall(r"(?m)^(x-[a-z-]+):", shown):
        assert f"{header}:" in answers[0]
    for exact in ("x-router-model", "x-router-reason", "x-router-cost-usd", "x-router-saved-usd"):
        assert re.findall(rf"(?m)^{exact}: .*$", shown)[0] in answers[0].replace("\r", "")
    assert msgspec.json.decode(answers[1])["chosen"] == "ministral-8b-2512"


def test_the_python_examples_of_the_readme_work(demo: tuple[Process, dict[str, str]]) -> None:
    _, environ = demo
    examples = readme("python", "client")
    assert len(examples) == 2
    for body in examples:
        said = run([sys.executable, "-c", body], environ).split()
        expected = re.findall(r"print\(.*\)  # (.*)", body)
        assert not expected or said == expected[0].split()


def test_the_commands_about_a_running_router_work_as_shown(demo: tuple[Process, dict[str, str]]) -> None:
    _, environ = demo
    there = {**environ, "ROUTER_URL": environ["OPENAI_BASE_URL"]}
    for body in readme("sh", "mistral-router keys"):
        for line in body.splitlines():
            told = line.replace(".venv/bin/mistral-router", f"{sys.executable} -m router").replace("search", "demo")
            assert run(["bash", "-ec", f"cd {ROOT} && {told}"], there)


# What the lines of the clients' table need in Python. What is not installed here is tried by `make test-clients`.
ASKED = {
    "OpenAI, Python": (
        "from openai import OpenAI",
        "{}.chat.completions.create(model='auto', messages=messages).model",
    ),
    "Mistral, Python": (
        "from mistralai.client import Mistral",
        "{}.chat.complete(model='auto', messages=messages).model",
    ),
    "Anthropic, Python": (
        "from anthropic import Anthropic",
        "{}.messages.create(model='auto', max_tokens=50, messages=messages).model",
    ),
}


@pytest.mark.parametrize("client", ASKED)
def test_the_line_of_each_client_points_it_here(demo: tuple[Process, dict[str, str]], client: str) -> None:
    _, environ = demo
    lines = {row[0]: TICKED.findall(row[1])[0] for row in table_rows(section("README.md", "Point your app at it"))}
    imported, asked = ASKED[client]
    program = (
        f"{imported}\nURL, KEY = {environ['OPENAI_BASE_URL'].removesuffix('/v1')!r}, {environ['OPENAI_API_KEY']!r}\n"
        "messages = [{'role': 'user', 'content': 'Name three rivers of France.'}]\n"
        f"print({asked.format(lines[client])})"
    )
    assert run([sys.executable, "-c", program], {}).strip() == "ministral-8b-2512"


def test_every_python_line_of_the_clients_table_is_an_expression() -> None:
    rows = table_rows(section("README.md", "Point your app at it"))
    lines = [line for row in rows for line in TICKED.findall(row[1]) if re.match(r"[A-Za-z.]+\(", line)]
    assert len(lines) > 6
    for line in lines:
        if "{ " not in line:  # those are for Node
            compile(line, "README.md", "eval")
