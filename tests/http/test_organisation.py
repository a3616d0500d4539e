"""Rules for all teams together: they stand in default.toml, count every team, and refuse in words of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import running
from tests.http.test_grants import later
from tests.running import ADMIN_KEY, Router, Simulator, command, wait_for

TEAM = '[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'
ALL = '[[budget]]\nscope = "organisation"\nusd = "{usd}"\nwindow = "month"\n'
RATE = '[[limit]]\nscope = "organisation"\nrequests_per_minute = 3\nmode = "{mode}"\n'


def default(usd: str = "500.00", mode: str = "shadow") -> str:
    return f'team = "default"\n{TEAM}{ALL.format(usd=usd)}{RATE.format(mode=mode)}'


@pytest.fixture(scope="module")
def router(simulated: Simulator) -> Iterator[Router]:
    policies = {"default": default(), "own": f'team = "own"\n{TEAM}'}
    with running.router(simulated.url, policies=policies) as process:
        yield process


def spent(router: Router, team: str, scope: str) -> tuple[float, float]:
    """(spent, reserved) of the team's budget of that scope."""
    [budget] = [one for one in router.admin("GET", f"/policies/{team}").json["budgets"] if one["scope"] == scope]
    return float(budget["spent_usd"]), float(budget["reserved_usd"])


def test_every_team_is_counted_with_its_file_and_without(router: Router) -> None:
    before, _ = spent(router, "own", "organisation")
    keys = [router.new_key(team) for team in ("own", "nobody-wrote-me-a-file")]
    answers = [router.chat(key=key, max_tokens=5) for key in keys for _ in range(2)]
    assert [answer.status for answer in answers] == [200] * 4
    cost = sum(float(answer.headers["x-router-cost-usd"]) for answer in answers)
    wait_for(lambda: spent(router, "own", "organisation") == (pytest.approx(before + cost), 0.0))
    assert spent(router, "own", "team")[0] == pytest.approx(cost / 2)
    streamed = router.stream(key=keys[0], max_tokens=5)
    assert streamed.done
    wait_for(lambda: spent(router, "own", "organisation")[1] == 0)
    assert spent(router, "own", "organisation")[0] > before + cost


def test_the_rule_is_shown_with_the_file_it_comes_from(router: Router) -> None:
    shown = router.admin("GET", "/policies/own").json
    rows = {row["field"]: (row["value"], row["origin"], row["line"]) for row in shown["fields"]}
    assert rows["budget.team.month.usd"] == ("1000.00", "own.toml", 4)
    assert rows["budget.organisation.month.usd"] == ("500.00", "default.toml", 8)
    code, out, err = command("policy", "show", "own", environ={"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY})
    assert code == 0, err
    assert "default.toml:8" in out
    files = ("--policies", str(router.home / "policies"), "--config", str(router.home / "config"))
    assert "default.toml:8" in command("policy", "show", "own", *files)[1]


def test_the_organisation_refuses_every_team_until_it_is_granted_more(router: Router) -> None:
    keys = [router.new_key(team) for team in ("own", "late-comer")]
    router.set_policy("default", default(usd="0.000001"))
    try:
        for key in keys:
            refused = router.chat(key=key, max_tokens=50)
            assert (refused.status, refused.error["code"]) == (402, "budget_exceeded")
            assert refused.error["budget"]["scope"] == "organisation"
            assert refused.error["message"].startswith("The organisation has spent ")
            assert "default.toml" in refused.error["message"]
        wait_for(lambda: spent(router, "own", "team")[1] == 0)
        body: dict[str, Any] = {"usd": "5", "until": later(hours=1), "reason": "the launch", "scope": "organisation"}
        wrong = router.admin("POST", "/policies/own/grants", body)
        assert (wrong.status, wrong.error["param"]) == (400, "scope")
        given = router.admin("POST", "/policies/default/grants", body)
        assert given.status == 201, given.body
        for key in keys:
            wait_for(lambda key=key: router.chat(key=key, max_tokens=50).status == 200)
        assert router.admin("DELETE", f"/policies/default/grants/{given.json['id']}").status == 200
    finally:
        router.set_policy("default", default())


def test_a_rate_of_all_teams_together_refuses_and_the_team_keeps_its_place(router: Router) -> None:
    keys = [router.new_key(team) for team in ("own", "another")]
    router.set_policy("default", default(mode="hard"))
    try:
        answers = [router.chat(key=keys[index % 2], max_tokens=5) for index in range(5)]
        refused = [answer for answer in answers if answer.status != 200]
        assert refused
        assert {answer.error["code"] for answer in refused} == {"rate_limit_exceeded"}
        assert refused[0].error["message"].startswith("The organisation has used or reserved ")
        assert " of 3 requests a minute" in refused[0].error["message"]
        wait_for(lambda: spent(router, "own", "team")[1] == 0)
    finally:
        router.set_policy("default", default())
