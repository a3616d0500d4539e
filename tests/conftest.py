"""Fixtures: a simulator and a router that the tests of one worker share, and a store for the ledger's tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from router import children
from router.store import embedded
from tests import clustered, running

# How long one example takes says more about a busy machine than about the code. The same examples each time, so that a
# failure belongs to the change that brought it; HYPOTHESIS=search looks for new ones.
settings.register_profile("tests", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS", "tests"))


@pytest.fixture(scope="session")
def simulated() -> Iterator[running.Simulator]:
    """A simulated Mistral with practically no rate windows."""
    with running.simulator("--wide") as process:
        yield process


@pytest.fixture
def upstream(simulated: running.Simulator) -> running.Simulator:
    """The same, forgetful: no faults, no bill, no requests of earlier tests."""
    simulated.reset()
    return simulated


@pytest.fixture(scope="session")
def shared_router(simulated: running.Simulator) -> Iterator[running.Router]:
    with running.router(simulated.url) as process:
        yield process


@pytest.fixture
def router(shared_router: running.Router, upstream: running.Simulator) -> running.Router:
    """A router in front of `upstream`, with a key of its own for the test's team "apps"."""
    return shared_router


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """A real Valkey, empty; or the cluster that TEST_STORE asks for."""
    if os.environ.get("TEST_STORE") == "cluster":
        with clustered.cluster(replicas=True) as cluster:
            yield cluster.url
        return
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home)
        path = embedded.socket_path(directory)
        child = children.start(embedded.command(directory, path))
        try:
            yield embedded.wait_until_up(directory, path)
        finally:
            children.stop(child)
