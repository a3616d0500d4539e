"""A key with a budget and limits of its own: refused by them, shown with them, granted more, kept in a backup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import running
from tests.http.test_grants import later
from tests.running import ADMIN_KEY, Router, Simulator, command, wait_for

FREE = 'team = "free"\n'


@pytest.fixture(scope="module")
def router(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url, policies={"free": FREE}) as process:
        yield process


def made(router: Router, **fields: Any) -> dict[str, Any]:
    reply = router.admin("POST", "/keys", {"team": "apps", "name": "own", **fields})
    assert reply.status == 201, reply.body
    return dict(reply.json)


def test_a_key_is_held_to_its_own_budget_until_it_is_granted_more(router: Router) -> None:
    key = made(router, budget_usd="0.000001", window="day")
    assert (key["budget_usd"], key["window"], key["concurrency"]) == ("0.000001", "day", None)
    refused = router.chat(key=key["key"], max_tokens=5)
    assert (refused.status, refused.error["budget"]["scope"]) == (402, "key")
    assert router.chat(max_tokens=5).status == 200, "another key of the team is free"
    body = {"usd": "1", "until": later(hours=1), "reason": "x", "scope": "key", "target": key["id"]}
    unknown = router.admin("POST", "/policies/apps/grants", {**body, "target": "nobody"})
    assert (unknown.status, unknown.error["param"]) == (404, "target")
    assert router.admin("POST", "/policies/apps/grants", body).status == 201
    wait_for(lambda: router.chat(key=key["key"], max_tokens=5).status == 200)
    shown = router.admin("GET", f"/keys/{key['id']}").json
    [budget] = shown["budgets"]
    assert (budget["scope"], budget["limit_usd"]) == ("key", "1.000001000")
    assert float(budget["spent_usd"]) > 0
    assert "key" not in shown, "the secret is told once"
    assert key["id"] in {one["id"] for one in router.admin("GET", "/policies/apps").json["budgets"]}
    assert router.admin("GET", "/keys/nobody").status == 404


def test_a_key_is_held_to_its_own_rate(router: Router) -> None:
    key = made(router, requests_per_minute=1)["key"]
    statuses = [router.chat(key=key, max_tokens=5).status for _ in range(2)]
    assert statuses == [200, 429]


def test_a_budget_of_its_own_is_a_budget(router: Router) -> None:
    body = {"team": "free", "name": "x"}
    refused = router.admin("POST", "/keys", body)
    assert (refused.status, refused.error["code"]) == (400, "no_budget")
    assert router.admin("POST", "/keys", {**body, "budget_usd": "1", "window": "day"}).status == 201


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"budget_usd": "1"}, "window"),
        ({"budget_usd": "a dollar", "window": "day"}, "budget_usd"),
        ({"budget_usd": "4000001", "window": "day"}, "budget_usd"),
        ({"budget_usd": "1", "window": "fortnight"}, "window"),
        ({"concurrency": -1}, "concurrency"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(router: Router, fields: dict[str, Any], param: str) -> None:
    refused = router.admin("POST", "/keys", {"team": "apps", "name": "x", **fields})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, "invalid_value", param)


def test_own_rules_outlive_a_rotation_and_are_in_a_backup(router: Router) -> None:
    key = made(router, budget_usd="0.000001", window="day", concurrency=3)
    turned = router.admin("POST", f"/keys/{key['id']}/rotate", {"grace_s": 0}).json
    assert router.chat(key=turned["key"], max_tokens=5).status == 402
    [kept] = [one for one in router.admin("GET", "/backup").json["keys"] if one["id"] == key["id"]]
    assert kept["own"] == {"usd": "0.000001", "window": "day", "concurrency": 3}


def test_the_same_on_the_command_line(router: Router) -> None:
    def said(*arguments: str) -> str:
        code, out, err = command(*arguments, environ={"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY})
        assert (code, err) == (0, ""), out + err
        return out

    rules = ("--budget-usd", "5", "--window", "24h", "--concurrency", "4")
    created = said("keys", "create", "--team", "apps", "--name", "laptop", *rules)
    assert created.endswith("It is held to the policy apps.toml.\n")
    assert said("keys", "create", "--team", "aps", "--name", "x").endswith("It is held to the policy default.toml.\n")
    name = created.split()[1]
    shown = said("keys", "show", name)
    assert "models               all" in shown
    assert "5 USD (24h), concurrency 4" in said("keys", "list")
    assert "budget_usd 5, window 24h, concurrency 4" in said("audit")
    standing = said("policy", "show", "apps")
    assert f"key {name}" in standing
    assert "5.000000000" in standing, "no figure is cut off"
    assert "…" not in standing
    assert said("policy", "grants", "aps") == "Team aps has no grant that has not ended.\n"
    assert "budget 24h           0.000000000 of 5.000000000 USD spent, 0.000000000 reserved" in shown
    assert "concurrency          4" in shown
    assert "works for 3600 s more" in said("keys", "rotate", name, "--grace", "1h")
    assert "works for 60 s more" in said("keys", "rotate", name, "--grace", "60")
    assert "is refused on every replica within seconds" in said("keys", "rotate", name, "--grace", "0")
