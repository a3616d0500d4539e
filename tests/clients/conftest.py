"""Fixtures: adapters that live as long as their worker, a router for answers, one for failures; the matrix, printed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests import running
from tests.clients.comments import commenting
from tests.clients.matrix import CLIENTS, SCENARIOS
from tests.clients.process import Adapter, adapter

MONEY = '[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'
POLICIES = {
    "poor": 'team = "poor"\n[[budget]]\nscope = "team"\nusd = "0.000001"\nwindow = "month"\n',
    "narrow": f'team = "narrow"\n{MONEY}[[limit]]\nscope = "team"\nconcurrency = 1\n',
}
MARKS = {"passed": "✓", "failed": "✗"}


@pytest.fixture(scope="session")
def adapter_of() -> Iterator[Callable[[str], Adapter]]:
    """A client's adapter, started when it is first asked for."""
    started: dict[str, Adapter] = {}
    with ExitStack() as stack:

        def find(client: str) -> Adapter:
            if client not in started:
                started[client] = stack.enter_context(adapter(CLIENTS[client].command))
            return started[client]

        yield find


@pytest.fixture(scope="session")
def shared_router(simulated: running.Simulator) -> Iterator[running.Router]:
    with running.router(simulated.url, policies=POLICIES) as process:
        yield process


@pytest.fixture(scope="session")
def battered(simulated: running.Simulator) -> Iterator[running.Router]:
    """A second one, for failures: models that failed rest for a while. It waits a second for a stream that stalls."""
    with running.router(simulated.url, settings="[timing]\nstream_idle = 1.0\n") as process:
        yield process


@pytest.fixture(scope="session")
def commented(shared_router: running.Router) -> Iterator[str]:
    with commenting(shared_router.url) as url:
        yield url


def pytest_terminal_summary(terminalreporter: Any) -> None:
    cells: dict[str, dict[str, str]] = {}
    for outcome, mark in MARKS.items():
        for report in terminalreporter.stats.get(outcome, ()):
            if found := dict(report.user_properties):
                row = cells.setdefault(f"{found['client']} ({found.get('version', 'did not start')})", {})
                row[found["scenario"]] = mark
    if cells:
        terminalreporter.section("client × scenario")
        width = max(map(len, cells))
        for number, scenario in enumerate(SCENARIOS, 1):
            terminalreporter.write_line(f"{'':{width}} {number:2} {scenario}")
        terminalreporter.write_line(" " * width + "".join(f"{number:3}" for number in range(1, len(SCENARIOS) + 1)))
        for row in sorted(cells):
            marks = "".join(f"{cells[row].get(scenario, '·'):>3}" for scenario in SCENARIOS)
            terminalreporter.write_line(f"{row:{width}}{marks}")
    if shutil.which("node") is None:
        terminalreporter.write_line("Node.js is not on this machine: its clients were left out.", yellow=True)
