"""A budget that nears its end or would not last: told in a header and a metric, refused where the policy says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, call, wait_for

# A day that is neither young nor about to end, wherever the clock stands.
ZONE = "UTC" if 2 <= datetime.now(UTC).hour < 22 else "Asia/Tokyo"
BUDGET = f'[[budget]]\nscope = "team"\nusd = "10.00"\nwindow = "day"\nzone = "{ZONE}"\n'


def pacing(team: str, step: str) -> str:
    return f'team = "{team}"\n{BUDGET}[[budget.pace]]\nabove = 0.00000001\nstep = "{step}"\n'


TEAMS = {
    "near": f'team = "near"\n{BUDGET}warn_at = [0.00000001, 0.9]\n',
    "fast": pacing("fast", "deny"),
    "thrifty": 'quality = "quality"\n' + pacing("thrifty", "economy"),
    "short": pacing("short", "smaller_outputs"),
    "told": pacing("told", "warn"),
}


@pytest.fixture(scope="module")
def router(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url, policies=TEAMS) as process:
        yield process


def spending(router: Router, team: str) -> str:
    """A key of the team, after a first request that nothing was said about."""
    key = router.new_key(team)
    first = router.chat(key=key, max_tokens=5)
    assert first.status == 200
    assert "x-router-warning" not in first.headers
    router.settled(1, team=team)
    return key


def test_a_threshold_is_told_in_header_and_metric(router: Router) -> None:
    answer = router.chat(key=spending(router, "near"), max_tokens=5)
    assert answer.status == 200
    assert answer.headers["x-router-warning"] == "team usd day is spent to more than 0 % of its limit"
    sample = 'router_budget_warnings_total{reason="threshold",scope="team",team="near"} 1.0'
    wait_for(lambda: sample in call(f"{router.url}/metrics", key=ADMIN_KEY).body.decode())


def test_a_pace_is_told(router: Router) -> None:
    answer = router.chat(key=spending(router, "told"), max_tokens=5)
    assert answer.status == 200
    assert answer.headers["x-router-warning"].endswith(" of its limit at this pace")


def test_a_pace_that_denies_refuses_and_holds_nothing(router: Router) -> None:
    key = spending(router, "fast")
    refused = router.chat(key=key, max_tokens=5)
    assert (refused.status, refused.error["code"]) == (402, "budget_exceeded")
    assert refused.headers["x-should-retry"] == "false"
    assert "at this pace" in refused.error["message"]
    assert refused.error["budget"]["forecast"] >= 0
    assert refused.error["budget"]["forecast_max"] == pytest.approx(1e-8)
    assert router.record(refused)["code"] == "budget_exceeded"
    wait_for(lambda: float(router.admin("GET", "/policies/fast").json["budgets"][0]["reserved_usd"]) == 0)


def test_a_pace_of_economy_chooses_by_the_cheapest_mode(router: Router) -> None:
    prove = "Prove that there are infinitely many primes."
    dear = router.chat(prove, key=router.new_key("thrifty"))
    router.settled(1, team="thrifty")
    cheap = router.chat(prove, key=router.new_key("thrifty"))
    assert (dear.status, cheap.status) == (200, 200)
    assert cheap.headers["x-router-degraded"] == "budget"
    assert cheap.headers["x-router-model"] != dear.headers["x-router-model"]


def test_a_pace_of_smaller_outputs_keeps_answers_shorter_where_the_bound_is_ours(
    router: Router, upstream: Simulator
) -> None:
    key = spending(router, "short")
    upstream.reset()
    short = router.chat(key=key)
    tokens, _, why = short.headers["x-router-max-tokens"].partition(";")
    assert why == "clamped"
    assert 256 <= int(tokens) < 8_192
    own = router.chat(key=key, max_tokens=9_000)
    whole = router.chat(key=key, response_format={"type": "json_object"})
    assert (own.status, whole.status) == (200, 200)
    assert [sent["body"]["max_tokens"] for sent in upstream.requests] == [int(tokens), 9_000, 8_192]
