"""Every query of the dashboard and every rule against a real Prometheus that has scraped a demo in use."""

from __future__ import annotations

import math
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests import running
from tests.commands.test_demo import told
from tests.ops.promql import ALERTS, names, rules
from tests.ops.test_dashboard import DASHBOARD, PANELS, filled
from tests.pages import page
from tests.running import call, stream, wait_for

pytestmark = pytest.mark.slow

# Series that only trouble brings: their queries must be understood, and their metrics exported, but they have no data.
ONLY_IN_TROUBLE = {
    "router_lost_usd_total",  # routing that cost more than the baseline
    "router_store_failures_total",  # a store that does not answer
    "router_webhooks_total",  # an alarm of money
    "router_journal_replayed_total",  # a process that died
}
# A soft budget that the first request uses up, and a tag's that is too small for any: what is told of them has data.
POLICY = """
team = "demo"
baseline_model = "mistral-large-2512"

[[budget]]
scope = "team"
usd = "100.00"
window = "month"
warn_at = [0.000000001]

[[budget]]
scope = "team"
usd = "0.000001"
window = "day"
mode = "soft"

[[budget]]
scope = "tag"
id = "nightly"
usd = "0.000001"
window = "total"
"""
SCRAPES = 3
TARGETS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query. Fails with what Prometheus says of an expression that it does not take."""
        reply = call(f"{self.url}/api/v1/query?query={quote(expression)}")
        assert reply.status == 200, (expression, reply.body)
        return list(reply.json["data"]["result"])

    def value(self, expression: str) -> float:
        samples = self.ask(expression)
        return float(samples[0]["value"][1]) if samples else 0.0


@contextmanager
def prometheus(target: str, home: Path) -> Iterator[Prometheus]:
    """A Prometheus under the shipped configuration and rules, but faster, and scraping `target` alone."""
    program = shutil.which("prometheus")
    assert program is not None, "prometheus is missing: apt-get install prometheus (and stop its service)"
    config = yaml.safe_load(page("config/prometheus.yml"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(ALERTS)]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [target]}]
    del job["authorization"]  # loopback needs no key
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (home / "prometheus.log").open("wb") as log:
        child = subprocess.Popen(
            [
                program,
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = Prometheus(f"http://127.0.0.1:{port}")

    def ready() -> bool:
        assert child.poll() is None, (home / "prometheus.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0 and call(f"{server.url}/-/ready").status == 200

    try:
        wait_for(ready, 60)
        yield server
    finally:
        child.terminate()
        child.wait(30)


def use(base: str, key: str, simulator: str) -> None:
    """A little of everything, and some trouble."""
    chats = f"{base}/chat/completions"

    def asked(text: str, **fields: Any) -> dict[str, Any]:
        return {"model": "auto", "max_tokens": 30, "messages": [{"role": "user", "content": text}], **fields}

    fault = {"fault": "rate_limited", "times": 1}
    assert call(f"{simulator}/_sim/faults", "POST", {"rules": [fault]}).status == 200
    bodies = [
        asked("What is six times seven?"),
        asked("Write a Python function that adds two numbers."),
        asked("Prove that the square root of two is irrational.", model="auto:quality"),
        asked("Hello", model="mistral-large-2512"),
        asked("Hello", metadata={"tags": ["nightly"]}),
        asked("Hello", model="nope"),
    ]
    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(lambda body: call(chats, "POST", body, key).status, bodies))
    assert statuses >= {200, 404}
    assert stream(chats, asked("Tell me about rivers.", stream=True), key).done


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, str]]:
    """A Prometheus that has scraped a demo in use several times, and the demo's own /metrics."""
    home = tmp_path_factory.mktemp("watched")
    (home / "policies").mkdir()
    (home / "policies" / "default.toml").write_text(page("policies/default.toml"))
    (home / "policies" / "demo.toml").write_text(POLICY)
    # The other teams' troubles are on purpose, and would alarm.
    places = ["--data-dir", str(home / "data"), "--policies", str(home / "policies")]
    arguments = ["demo", "--alone", "--port", "0", *places]
    demo = running.start(arguments, r"SIMULATOR_URL=(\S+)", {}, home / "demo.log")
    try:
        addresses = told(demo.said)
        base, key = addresses["OPENAI_BASE_URL"], addresses["OPENAI_API_KEY"]
        target = base.removeprefix("http://").removesuffix("/v1")
        with prometheus(target, home) as server:
            wait_for(lambda: server.value("sum_over_time(up[1m])") >= SCRAPES, 60)

            # A counter has grown only when it was scraped before and after: several rounds, as many as it takes. What
            # still is missing then, each panel's own test tells.
            ends = time.monotonic() + 60
            while time.monotonic() < ends and any(not shows(server, expression) for _, expression in TARGETS):
                use(base, key, addresses["SIMULATOR_URL"])
                time.sleep(0.5)
            scraped = server.value("sum_over_time(up[5m])")
            wait_for(lambda: server.value("sum_over_time(up[5m])") >= scraped + SCRAPES, 60)
            yield server, call(f"http://{target}/metrics").body.decode()
    finally:
        demo.stop()


def shows(server: Prometheus, expression: str) -> bool:
    """Whether the query has data, or need not have any. Fails when Prometheus does not take it."""
    samples = server.ask(filled(expression, range="5m", step="1m"))
    known = any(not math.isnan(float(sample["value"][1])) for sample in samples)
    return known or bool(names(expression) & ONLY_IN_TROUBLE)


@pytest.mark.parametrize(("title", "expression"), TARGETS, ids=[f"{title}-{n}" for n, (title, _) in enumerate(TARGETS)])
def test_a_panel_shows_data(watched: tuple[Prometheus, str], title: str, expression: str) -> None:
    server, exposition = watched
    assert shows(server, expression), title
    for name in names(expression) & ONLY_IN_TROUBLE:
        assert f"# TYPE {name} " in exposition


def test_a_choice_at_the_top_has_values(watched: tuple[Prometheus, str]) -> None:
    server, _ = watched
    queries = [
        variable["query"]["query"] for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"
    ]
    assert queries
    for query in queries:
        series, label = query.removeprefix("label_values(").removesuffix(")").split(", ")
        assert any(sample["metric"].get(label) for sample in server.ask(series)), query


def test_every_rule_is_evaluated_and_only_what_is_so_alarms(watched: tuple[Prometheus, str]) -> None:
    server, _ = watched
    groups = call(f"{server.url}/api/v1/rules").json["data"]["groups"]
    told = [rule for group in groups for rule in group["rules"]]
    assert len(told) == len(rules())
    assert {(rule["name"], rule["health"]) for rule in told if rule["health"] != "ok" or rule.get("lastError")} == set()
    recorded = {rule["name"] for rule in told if rule["type"] == "recording"}
    assert {name for name in recorded if not server.ask(name)} == set()
    firing = {rule["name"] for rule in told if rule["type"] == "alerting" and rule["state"] == "firing"}
    assert firing == set()


def test_what_only_trouble_shows_is_still_on_a_panel() -> None:
    read = {name for _, expression in TARGETS for name in names(expression)}
    assert read >= ONLY_IN_TROUBLE
