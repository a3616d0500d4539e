"""An app that hangs up on a plain call and asks again does not pay twice."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.running import Router, Simulator, call


def hang_up_on(
    router: Router, upstream: Simulator, body: dict[str, object], key: str, more: Mapping[str, str] | None = None
) -> None:
    """Send a request, and leave once it has reached the upstream, before its answer."""
    parts = urlsplit(router.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", **(more or {})}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    ends = time.monotonic() + 10
    while not upstream.requests and time.monotonic() < ends:
        time.sleep(0.01)
    connection.close()
    time.sleep(0.2)  # no SDK tries again sooner; until then the router has seen that the app is gone


def retry(router: Router, body: dict[str, object], key: str, count: int = 1, **more: str) -> tuple[int, str | None]:
    headers = {"x-stainless-retry-count": str(count), **{name.replace("_", "-"): value for name, value in more.items()}}
    reply = call(f"{router.url}/v1/chat/completions", "POST", body, key, headers)
    return reply.status, reply.headers.get("x-router-cache")


def question(text: str) -> dict[str, object]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": 40}


def test_a_retry_collects_the_answer_that_its_first_try_left_and_the_vendor_bills_one(
    router: Router, upstream: Simulator
) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 1500})
    body, key = question("a slow one"), router.new_key("apps")
    hang_up_on(router, upstream, body, key)
    status, cache = retry(router, body, key)
    assert status == 200
    assert cache is not None
    assert cache.startswith("collected req_")
    assert upstream.bill["generations"] == 1
    # Each answer is collected once: the next retry is a request of its own.
    assert retry(router, body, key) == (200, None)
    assert upstream.bill["generations"] == 2


def test_an_answer_is_left_only_for_the_same_key_the_same_body_and_a_call_that_says_it_is_a_retry(
    router: Router, upstream: Simulator
) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 1000})
    body, key, other = question("another slow one"), router.new_key("apps"), router.new_key("apps")
    hang_up_on(router, upstream, body, key)
    assert retry(router, body, key, count=0) == (200, None)
    assert retry(router, question("not the same"), key) == (200, None)
    assert retry(router, body, other) == (200, None)
    assert len(upstream.requests) == 4


def test_a_retry_that_wants_no_left_answer_gets_one_of_its_own(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 1000})
    body, key = question("one more slow one"), router.new_key("apps")
    hang_up_on(router, upstream, body, key)
    assert retry(router, body, key, x_router_cache="off") == (200, None)
    assert len(upstream.requests) == 2
    status, cache = retry(router, body, key)
    assert (status, cache is not None) == (200, True), "what was left waits on"


def test_a_retry_that_hangs_up_as_well_leaves_the_answer_for_the_next(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 1500})
    body, key = question("an app without patience"), router.new_key("apps")
    hang_up_on(router, upstream, body, key)
    hang_up_on(router, upstream, body, key, {"x-stainless-retry-count": "1"})
    status, cache = retry(router, body, key, count=2)
    assert (status, cache is not None) == (200, True)
    assert len(upstream.requests) == 1
