"""What follows each kind of failure: the next model, the same once more, or nothing; and that the money is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import running
from tests.http.conftest import TEAMS
from tests.running import Router, Simulator

# The fault, the outcome of the first attempt, whether the same model is asked again, whether it may be billed.
FAULTS = {
    "rate limited": ({"fault": "rate_limited"}, "rate_limited", False, False),
    "not on plan": ({"fault": "not_on_plan"}, "not_on_plan", False, False),
    "capacity": ({"fault": "capacity"}, "capacity", False, False),
    "capacity as 503": ({"fault": "capacity", "status": 503}, "capacity", False, False),
    "unavailable": ({"fault": "status", "status": 503}, "unavailable", False, False),
    "server error": ({"fault": "status", "status": 500}, "server_error", False, False),
    "bad gateway": ({"fault": "html", "status": 502}, "bad_gateway", True, False),
    "gateway timeout": ({"fault": "html", "status": 504}, "gateway_timeout", False, True),
    "forbidden": ({"fault": "status", "status": 403}, "forbidden", False, False),
    "model gone": ({"fault": "status", "status": 404}, "model_unknown", False, False),
    "reset": ({"fault": "reset", "after_bytes": 0}, "reset", False, True),
    "reset in the body": ({"fault": "reset", "after_bytes": 60}, "reset", False, True),
    "truncated": ({"fault": "truncate"}, "reset", False, True),
    "stalled": ({"fault": "stall"}, "timed_out", False, True),
    "finished in error": ({"fault": "error_finish"}, "finished_in_error", False, False),
}


@pytest.fixture(scope="module")
def module_router(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url, policies=TEAMS) as process:
        yield process


@pytest.fixture
def router(module_router: Router, upstream: Simulator) -> Router:
    """This file's own: a model that failed rests, and whatever the order of the tests, enough of them stay."""
    return module_router


@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_attempt_is_followed_by_the_next_model_or_the_same(
    router: Router, upstream: Simulator, name: str
) -> None:
    fault, outcome, same, unsure = FAULTS[name]
    upstream.faults(fault)
    headers = {"x-router-explain": "enabled", "x-router-timeout-ms": "2000"}
    reply = router.chat("Tell me about rivers.", key=router.new_key("ladder"), max_tokens=20, headers=headers)
    assert reply.status == 200, reply.body
    first, second = reply.json["router"]["attempts"]
    assert (first["outcome"], second["outcome"]) == (outcome, "ok")
    assert (first["model"] == second["model"]) is same
    assert first["unconfirmed"] is unsure
    assert reply.headers["x-router-attempts"] == "2"
    assert reply.headers["x-router-model"] == second["model"] == reply.json["router"]["chosen"]
    assert reply.headers["x-router-reason"] == reply.json["router"]["reason"]
    assert reply.json["router"]["reason"] != "escalated" if same else reply.json["router"]["reason"] == "escalated"
    cost = first["nano_usd"] + second["nano_usd"]
    assert reply.headers["x-router-cost-usd"] == f"{cost / 1e9:.9f}"
    bill = upstream.bill["nano_usd"]
    assert cost - (first["nano_usd"] if unsure else 0) <= bill <= cost
    if not unsure:
        assert bill == cost


def test_no_more_than_three_attempts_are_made(upstream: Simulator) -> None:
    upstream.faults({"fault": "status", "status": 500, "times": None})
    with running.router(upstream.url, policies=TEAMS) as router:
        reply = router.chat(key=router.new_key("ladder"), max_tokens=5)
    assert (reply.status, reply.error["code"]) == (503, "upstream_unavailable")
    assert reply.headers["x-router-attempts"] == "3"
    assert len(upstream.requests) == 3
    assert len({entry["body"]["model"] for entry in upstream.requests}) == 3


def test_what_every_model_would_refuse_is_sent_once(router: Router, upstream: Simulator) -> None:
    key = router.new_key("ladder")
    for count, status in enumerate((400, 401, 402, 413, 422), 1):
        upstream.faults({"fault": "status", "status": status, "times": None})
        assert router.chat(key=key, max_tokens=5).status >= 400
        assert len(upstream.requests) == count


def test_a_stream_names_the_model_that_answers_and_not_the_one_that_failed(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "rate_limited"})
    streamed = router.stream("Tell me about rivers.", key=router.new_key("ladder"), max_tokens=20)
    failed, answered = (entry["body"]["model"] for entry in upstream.requests)
    assert failed != answered
    assert streamed.headers["x-router-model"] == answered
    assert streamed.headers["x-router-reason"] == "escalated"


def test_a_pinned_model_is_never_exchanged_for_another(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "status", "status": 500, "times": None})
    reply = router.chat(model="mistral-medium-3-5", max_tokens=5)
    assert reply.status == 503
    assert {entry["body"]["model"] for entry in upstream.requests} == {"mistral-medium-3-5"}


def test_a_model_that_was_rate_limited_rests_and_the_explanation_says_so(router: Router, upstream: Simulator) -> None:
    key, headers = router.new_key("ladder"), {"x-router-explain": "enabled"}
    upstream.faults({"fault": "rate_limited"})
    limited = router.chat(key=key, max_tokens=5, headers=headers).json["router"]["attempts"][0]["model"]
    following = router.chat(key=key, max_tokens=5, headers=headers).json["router"]
    assert {view["objection"] for view in following["models"] if view["model"] == limited} == {"resting"}
    assert len(following["attempts"]) == 1
    states = router.admin("GET", "/upstream").json["models"]
    assert 0 < states[limited]["rests_s"] <= 30
