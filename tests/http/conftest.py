"""A router with one team for each kind of rule, shared by all tests of a worker: every account belongs to one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import running

MONEY = """
[[budget]]
scope = "team"
usd = "1000.00"
window = "month"
"""
TEAMS = {
    # Everything may serve, so that there is always a next model to escalate to.
    "ladder": f'team = "ladder"\nquality = 0\nescalation_cost_max = 1000.0\n{MONEY}',
    "poor": 'team = "poor"\n[[budget]]\nscope = "team"\nusd = "0.000010"\nwindow = "month"\n',
    "requests": f'team = "requests"\n{MONEY}[[limit]]\nscope = "key"\nrequests_per_minute = 3\n',
    "tokens": f'team = "tokens"\n{MONEY}[[limit]]\nscope = "team"\ntokens_per_minute = 500\n',
    "narrow": f'team = "narrow"\n{MONEY}[[limit]]\nscope = "team"\nconcurrency = 2\n',
    "single": f'team = "single"\n{MONEY}[[limit]]\nscope = "team"\nconcurrency = 1\n',
    "mapped": (
        'team = "mapped"\n[models]\nallow = ["mistral-*", "ministral-*"]\n'
        '[models.map]\n"mistral-large-latest" = "auto:quality"\n"gpt-4o*" = "auto:economy"\n' + MONEY
    ),
    "watching": f'team = "watching"\nrouting = "observe"\n{MONEY}',
    "eu": f'team = "eu"\nregion = "eu"\n{MONEY}',
    "tagged": f'team = "tagged"\n{MONEY}[[budget]]\nscope = "tag"\nid = "nightly"\nusd = "0.000010"\nwindow = "day"\n',
}


@pytest.fixture(scope="session")
def shared_router(simulated: running.Simulator) -> Iterator[running.Router]:
    with running.router(simulated.url, policies=TEAMS) as process:
        yield process


@pytest.fixture(scope="session")
def shared_battered(simulated: running.Simulator) -> Iterator[running.Router]:
    with running.router(simulated.url, policies=TEAMS) as process:
        yield process


@pytest.fixture
def battered(shared_battered: running.Router, upstream: running.Simulator) -> running.Router:
    """A second such router, for failures: models that failed rest for a while, which other tests must not see."""
    return shared_battered
