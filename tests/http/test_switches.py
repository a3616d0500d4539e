"""What an operator does at night: a model off, one model for all, and who did it; the same on every replica."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.store.shared import POLL_S
from tests import running
from tests.running import Router, Simulator, wait_for

PEPPER = "pepper-canary-5d1e"
HELD_S = 5.0
# Which of a router's workers answers is the kernel's choice, so that one may go unseen: by then each has looked.
HEARD_S = 2.0 * POLL_S + 0.5


@pytest.fixture(scope="module")
def two(simulated: Simulator) -> Iterator[tuple[Router, Router]]:
    """Two routers that share a store, and the keys in it."""
    with running.valkey() as url:
        environ = {"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": PEPPER}
        with (
            running.router(simulated.url, environ=environ) as one,
            running.router(simulated.url, "--workers", "2", environ=environ) as other,
        ):
            yield one, other


@pytest.fixture(autouse=True)
def all_on(two: tuple[Router, Router]) -> Iterator[None]:
    """Every test begins and ends with nothing switched."""
    yield
    one, other = two
    stands = one.admin("GET", "/models").json
    off = [model["model"] for model in stands["models"] if model["disabled"]]
    if stands["pin_all"]:
        one.admin("DELETE", "/pin-all")
    for model in off:
        one.admin("POST", f"/models/{model}/enable")
    for router in (one, other):
        wait_for(lambda router=router: not switched(router))
    if off or stands["pin_all"]:
        time.sleep(HEARD_S)


def everywhere(two: tuple[Router, Router], says: Callable[[set[str]], bool]) -> None:
    """Wait until all workers of both choose so."""
    for router in two:
        wait_for(lambda router=router: says(chosen(router)), HELD_S)
    time.sleep(HEARD_S)


def switched(router: Router) -> bool:
    """Whether any of a few requests, which any of the workers may get, meets a switch."""
    plans = [router.post("/v1/route", hello()).json for _ in range(8)]
    off = any(view["objection"] == "disabled" for plan in plans for view in plan["models"])
    return off or any(plan["reason"] == "pinned_by_operator" for plan in plans)


def hello(model: str = "auto") -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Say hello."}]}


def chosen(router: Router) -> set[str]:
    return {router.post("/v1/route", hello()).json["chosen"] for _ in range(8)}


def test_a_disabled_model_serves_nobody_on_any_replica_within_five_seconds(two: tuple[Router, Router]) -> None:
    one, other = two
    [usual] = chosen(one)
    told = one.admin("POST", f"/models/{usual}/disable", {"for_s": 600, "reason": "it answers nonsense"})
    assert told.status == 200, told.body
    assert told.json["disabled"]["reason"] == "it answers nonsense"
    began = time.monotonic()
    for router in two:
        wait_for(lambda router=router: usual not in chosen(router), HELD_S)
    assert time.monotonic() - began < HELD_S
    time.sleep(HEARD_S)
    answer = other.chat(max_tokens=5)
    assert answer.headers["x-router-model"] != usual
    views = {view["model"]: view["objection"] for view in other.record(answer)["router"]["models"]}
    assert views[usual] == "disabled", "the record says why"
    refused = other.chat(model=usual, max_tokens=5)
    assert (refused.status, refused.error["code"]) == (400, "no_suitable_model")
    until = told.json["disabled"]["until"]
    assert f"(disabled): ask for another model, or try again after {until}" in refused.error["message"]
    assert "it answers nonsense" in refused.error["message"]
    assert one.admin("POST", f"/models/{usual}/enable").json["disabled"] is None
    for router in two:
        wait_for(lambda router=router: chosen(router) == {usual}, HELD_S)


def test_a_switch_ends_by_itself(two: tuple[Router, Router]) -> None:
    one, other = two
    [usual] = chosen(one)
    one.admin("POST", f"/models/{usual}/disable", {"for_s": 2.5, "reason": "a short while"})
    wait_for(lambda: usual not in chosen(other), HELD_S)
    wait_for(lambda: chosen(other) == {usual}, HELD_S)
    states = {model["model"]: model["disabled"] for model in one.admin("GET", "/models").json["models"]}
    assert states[usual] is None


def test_every_chat_request_is_served_by_the_model_pinned_for_all_if_it_can(two: tuple[Router, Router]) -> None:
    one, other = two
    [usual] = chosen(one)
    pinned = "mistral-medium-3-5" if usual != "mistral-medium-3-5" else "mistral-large-2512"
    told = one.admin("POST", "/pin-all", {"model": pinned, "for_s": 600, "reason": "an incident"})
    assert told.json["pin_all"]["model"] == pinned
    everywhere(two, lambda names: names == {pinned})
    answer = other.chat(max_tokens=5)
    assert (answer.headers["x-router-model"], answer.headers["x-router-reason"]) == (pinned, "pinned_by_operator")
    assert other.record(answer)["router"]["reason"] == "pinned_by_operator"
    own = other.chat(model=usual, max_tokens=5)
    assert (own.headers["x-router-model"], own.headers["x-router-reason"]) == (usual, "pinned")
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    unable = other.post("/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": [audio]}]})
    assert (unable.status, unable.error["code"]) == (400, "no_suitable_model")
    assert "no_audio" in unable.error["message"]
    assert f"every chat request served by {pinned}" in unable.error["message"]
    off = one.admin("POST", f"/models/{pinned}/disable", {"for_s": 60, "reason": "x"})
    assert (off.status, off.error["code"]) == (400, "model_pinned_for_all")
    assert one.admin("DELETE", "/pin-all").json == {"pin_all": None}
    for router in two:
        wait_for(lambda router=router: chosen(router) == {usual}, HELD_S)


def test_a_model_that_is_off_is_not_pinned_for_all(two: tuple[Router, Router]) -> None:
    [usual] = chosen(two[0])
    two[0].admin("POST", f"/models/{usual}/disable", {"for_s": 60, "reason": "x"})
    refused = two[1].admin("POST", "/pin-all", {"model": usual, "for_s": 60, "reason": "x"})
    assert (refused.status, refused.error["code"]) == (400, "model_disabled")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/models/nobody/disable", {"for_s": 5, "reason": "x"}, 404),
        ("POST", "/models/nobody/enable", None, 404),
        ("POST", "/models/mistral-medium-3-5/disable", {"for_s": 0, "reason": "x"}, 400),
        ("POST", "/models/mistral-medium-3-5/disable", {"for_s": 1e9, "reason": "x"}, 400),
        ("POST", "/models/mistral-medium-3-5/disable", {"for_s": 5, "reason": " "}, 400),
        ("POST", "/models/mistral-medium-3-5/disable", {"for_s": 5, "reason": "a\nb"}, 400),
        ("POST", "/models/mistral-medium-3-5/disable", {"for_s": 5}, 400),
        ("POST", "/pin-all", {"model": "mistral-embed", "for_s": 5, "reason": "x"}, 400),
        ("POST", "/pin-all", {"model": "nobody", "for_s": 5, "reason": "x"}, 404),
        ("GET", "/audit?limit=0", None, 400),
        ("GET", "/audit?cursor=next", None, 400),
        ("GET", "/audit?cursor=0-0", None, 400),
        ("GET", "/audit?since=yesterday", None, 400),
    ],
)
def test_a_mistaken_switch_is_told_and_changes_nothing(
    two: tuple[Router, Router], method: str, path: str, body: object, status: int
) -> None:
    reply = two[0].admin(method, path, body)
    assert reply.status == status, reply.body
    assert reply.error["message"]
    assert not any(model["disabled"] for model in two[0].admin("GET", "/models").json["models"])


def test_who_means_a_retired_model_is_told_which_one_serves_now(two: tuple[Router, Router]) -> None:
    reply = two[0].admin("POST", "/models/open-mistral-7b/disable", {"for_s": 5, "reason": "x"})
    assert (reply.status, reply.error["param"]) == (404, "id")
    assert "open-mistral-7b is retired, and ministral-8b-2512 is served" in reply.error["message"]


def test_every_change_leaves_a_line_without_a_secret(two: tuple[Router, Router]) -> None:
    one, other = two
    made = one.admin("POST", "/keys", {"team": "apps", "name": "night shift"})
    rotated = one.admin("POST", f"/keys/{made.json['id']}/rotate", {"grace_s": 0})
    one.admin("DELETE", f"/keys/{made.json['id']}")
    one.admin("POST", "/models/mistral-large-2512/disable", {"for_s": 60, "reason": "too slow"})
    one.admin("POST", "/models/mistral-large-2512/enable")
    one.admin("POST", "/pin-all", {"model": "mistral-large-2512", "for_s": 60, "reason": "an incident"})
    one.admin("DELETE", "/pin-all")
    lines = other.admin("GET", "/audit?limit=7").json["changes"]
    assert [(line["what"], line["target"]) for line in reversed(lines)] == [
        ("key.created", made.json["id"]),
        ("key.rotated", made.json["id"]),
        ("key.revoked", made.json["id"]),
        ("model.disabled", "mistral-large-2512"),
        ("model.enabled", "mistral-large-2512"),
        ("pin_all.set", "mistral-large-2512"),
        ("pin_all.ended", "mistral-large-2512"),
    ]
    assert lines[-1]["request_id"] == made.headers["x-request-id"]
    assert lines[3]["details"] == {"for_s": 60.0, "reason": "too slow"}
    assert {line["by"] for line in lines} == {"82007d29"}, "the beginning of the SHA-256 of the admin key"
    assert {line["source"] for line in lines} == {"127.0.0.1"}
    said = f"{other.admin('GET', '/audit?limit=1000').body!r}{one.said}"
    assert "night shift" in said
    for secret in (running.ADMIN_KEY, PEPPER, made.json["key"], rotated.json["key"], made.json["key"][-43:]):
        assert secret not in said


def test_the_audit_is_read_page_by_page_and_by_time(two: tuple[Router, Router]) -> None:
    router = two[0]
    for _ in range(3):
        router.admin("DELETE", "/pin-all")
    whole = router.admin("GET", "/audit?limit=3").json["changes"]
    first = router.admin("GET", "/audit?limit=2").json
    second = router.admin("GET", f"/audit?limit=1&cursor={first['next']}").json
    assert first["changes"] + second["changes"] == whole
    since = whole[1]["at"]
    assert router.admin("GET", f"/audit?since={since}").json["changes"][:2] == whole[:2]
    assert router.admin("GET", "/audit?since=2999-01-01").json == {"changes": [], "next": None}
    assert router.admin("GET", "/audit?until=2020-01-01").json == {"changes": [], "next": None}


def test_a_switch_and_its_line_survive_a_restart(simulated: Simulator, tmp_path: Path) -> None:
    with running.router(simulated.url, home=tmp_path) as router:
        [usual] = chosen(router)
        router.admin("POST", f"/models/{usual}/disable", {"for_s": 600, "reason": "it answers nonsense"})
    with running.router(simulated.url, home=tmp_path) as again:
        wait_for(lambda: usual not in chosen(again), HELD_S)
        assert again.admin("GET", "/audit").json["changes"][1]["target"] == usual


def test_a_store_that_is_away_leaves_what_was_switched(simulated: Simulator) -> None:
    with running.valkey() as url:
        environ = {"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": PEPPER}
        with running.router(simulated.url, environ=environ) as router:
            [usual] = chosen(router)
            router.admin("POST", f"/models/{usual}/disable", {"for_s": 600, "reason": "x"})
            running.store_command(url, "SHUTDOWN", "NOSAVE")
            wait_for(lambda: router.admin("GET", "/models").status == 503)
            ends = time.monotonic() + 2.5  # more than two rounds of the watch
            while time.monotonic() < ends:
                assert usual not in chosen(router)
