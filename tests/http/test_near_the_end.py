"""Near a budget's end: the last cents are used, the rest is refused, and what the policy allows beyond happens."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import running
from tests.running import Reply, Router, Simulator

DEAR = "mistral-medium-3-5"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def budget(team: str, usd: str, **lines: str) -> str:
    rule = "".join(f"{name} = {value}\n" for name, value in lines.items())
    return f'team = "{team}"\n[[budget]]\nscope = "team"\nusd = "{usd}"\nwindow = "month"\n{rule}'


POLICIES = {
    # The longest answer of the dear model costs some 0.06 USD: more than there is, a short one much less.
    "last": budget("last", "0.01"),
    "agents": budget("agents", "2.00"),
    "callers": budget("callers", "2.00"),
    "fifty": budget("fifty", "25.00"),
    "lax": budget("lax", "1.00", overshoot_usd='"0.20"'),
    "thrifty": 'quality = "quality"\n' + budget("thrifty", "0.000001", on_exhausted='"economy"'),
}


@pytest.fixture(scope="module")
def near(simulated: Simulator) -> Any:
    with running.router(simulated.url, policies=POLICIES) as process:
        yield process


def test_the_last_request_is_kept_shorter_and_says_so(near: Router, upstream: Simulator) -> None:
    key = near.new_key("last")
    reply = near.chat(key=key, model=DEAR)
    assert reply.status == 200, reply.body
    tokens, _, why = reply.headers["x-router-max-tokens"].partition(";")
    assert why == "clamped"
    assert 256 <= int(tokens) < 8_192
    [sent] = upstream.requests
    assert sent["body"]["max_tokens"] == int(tokens)


@pytest.mark.parametrize(
    "fields", [{"max_tokens": 8_192}, {"tools": [TOOL]}, {"response_format": {"type": "json_object"}}]
)
def test_a_bound_of_the_apps_own_and_answers_that_must_be_whole_are_refused(
    near: Router, upstream: Simulator, fields: dict[str, Any]
) -> None:
    reply = near.chat(key=near.new_key("last"), model=DEAR, **fields)
    assert (reply.status, reply.error["code"]) == (402, "budget_exceeded")
    assert upstream.requests == []


def spend(router: Router, team: str, agents: int, **fields: Any) -> tuple[list[Reply], int]:
    """Agents ask one thing after another until each was refused: the refusals, and what was spent at the first one."""
    key, first, lock = router.new_key(team), [], threading.Lock()

    def agent(number: int) -> Reply:
        turn = 0
        while True:
            turn += 1
            reply = router.chat(f"Agent {number}, turn {turn}: " + "go on. " * 40, key=key, model=DEAR, **fields)
            if reply.status != 200:
                with lock:
                    first.append(reply)
                return reply

    with ThreadPoolExecutor(agents) as pool:
        refusals = list(pool.map(agent, range(agents)))
    told = first[0].error["budget"]
    return refusals, round(float(told["spent_usd"]) * 1e9)


@pytest.mark.parametrize(("team", "fields"), [("agents", {}), ("callers", {"tools": [TOOL]})])
def test_agents_without_a_bound_use_a_budget_up_before_the_first_is_refused(
    near: Router, upstream: Simulator, team: str, fields: dict[str, Any]
) -> None:
    upstream.faults({"fault": "answer", "times": None, "answer": {"content": "word " * 100, "output_tokens": 250}})
    refusals, spent = spend(near, team, 16, **fields)
    assert {reply.status for reply in refusals} == {402}
    assert spent > 0.95 * 2_000_000_000
    bill = upstream.bill["nano_usd"]
    assert bill <= 2_000_000_000
    assert running.wait_for(lambda: near.usage(team=team)["total"]["nano_usd"] == bill)


@pytest.mark.slow
def test_fifty_agents_use_twenty_five_dollars_up_before_the_first_is_refused(near: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "answer", "times": None, "answer": {"content": "word " * 250, "output_tokens": 1_000}})
    refusals, spent = spend(near, "fifty", 50, tools=[TOOL])
    assert {reply.status for reply in refusals} == {402}
    assert spent > 0.95 * 25_000_000_000
    assert upstream.bill["nano_usd"] <= 25_000_000_000


def test_a_budget_that_may_be_exceeded_is_exceeded_by_no_more_than_it_says(near: Router, upstream: Simulator) -> None:
    short = {"fault": "answer", "times": 60, "answer": {"content": "word", "output_tokens": 20}}
    long = {"fault": "answer", "times": None, "answer": {"content": "word " * 3_000, "output_tokens": 6_000}}
    upstream.faults(short, long)
    before = upstream.bill["nano_usd"]
    key = near.new_key("lax")
    for _ in range(60):
        assert near.chat(key=key, model=DEAR).status == 200
    # Usual answers are short by now, so many more are let in at once than could be paid for at full length.
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: near.chat(key=key, model=DEAR, tools=[TOOL]).status, range(64)))
    assert set(statuses) <= {200, 402}
    assert statuses.count(402) > 0
    assert upstream.bill["nano_usd"] - before <= 1_200_000_000


def test_beyond_its_budget_a_team_is_served_by_the_cheapest_mode(near: Router, upstream: Simulator) -> None:
    key = near.new_key("thrifty")
    dear = near.chat("Prove that there are infinitely many primes.", key=key)
    assert dear.status == 200
    assert "x-router-degraded" not in dear.headers
    near.settled(1, team="thrifty")
    cheap = near.chat("Prove that there are infinitely many primes.", key=key)
    assert cheap.status == 200
    assert cheap.headers["x-router-degraded"] == "budget"
    assert "over the soft limit" in cheap.headers["x-router-warning"]
    assert cheap.headers["x-router-model"] != dear.headers["x-router-model"]
    pinned = near.chat("Hi.", key=key, model=DEAR, max_tokens=5)
    assert (pinned.status, pinned.headers["x-router-model"]) == (200, DEAR)
