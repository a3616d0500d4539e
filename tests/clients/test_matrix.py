"""Every client goes through every scenario it has a way to go through: see matrix.py."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.clients.matrix import CLIENTS, FAILURES, ODD, SCENARIOS, Scenario, rules_for
from tests.clients.process import Adapter
from tests.running import Router, Simulator, wait_for

CELLS = [
    pytest.param(client, scenario, id=f"{client}: {scenario}", marks=pytest.mark.xdist_group(client))
    for client, row in CLIENTS.items()
    for scenario, column in SCENARIOS.items()
    if column.verb in row.verbs and (row.environment != "node" or shutil.which("node"))
]


@pytest.mark.parametrize(("client", "scenario"), CELLS)
def test_a_client_gets_the_whole_answer_or_an_error(
    client: str,
    scenario: str,
    adapter_of: Callable[[str], Adapter],
    router: Router,
    battered: Router,
    upstream: Simulator,
    commented: str,
    record_property: Callable[[str, str], None],
) -> None:
    row, column = CLIENTS[client], SCENARIOS[scenario]
    record_property("client", client)
    record_property("scenario", scenario)
    adapter = adapter_of(client)
    record_property("version", adapter.ready)
    assert sorted(adapter.verbs) == sorted(row.verbs)
    asked = battered if scenario in FAILURES else router
    key = asked.new_key(column.team) if column.team else "sk-mr-wrong"
    with held(asked, upstream, key, column):
        upstream.faults(*rules_for(row, column))
        url = commented if column.through == "comments" else asked.url
        got = adapter.do(column.verb, url=url, key=key, model=column.model or row.model)
    odd = ODD.get((client, scenario))
    made = odd.made if odd else column.made
    if made is not None and (row.retries or not column.held):
        assert got == made
    else:
        assert "raised" in got, f"half an answer was taken for a whole one: {got}"
        assert odd or column.status in (None, got["status"]), got


@contextmanager
def held(router: Router, upstream: Simulator, key: str, column: Scenario) -> Iterator[None]:
    """The one slot of the team, taken by somebody else for longer than a client takes to ask."""
    if not column.held:
        yield
        return
    upstream.faults({"fault": "slow", "delay_ms": 1_200})
    other = threading.Thread(target=router.chat, kwargs={"key": key, "max_tokens": 5})
    other.start()
    wait_for(lambda: upstream.requests)
    yield
    other.join()
