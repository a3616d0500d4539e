"""Rate limits: refused exactly, with the time to wait, and free again when it has passed."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tests.running import Reply, Router, Simulator, wait_for


def limited(reply: Reply, param: str) -> int:
    """The wait in ms that a 429 names, in both headers alike."""
    assert reply.status == 429, reply.body
    assert reply.error["type"] == "rate_limit_error"
    assert reply.error["code"] == "rate_limit_exceeded"
    assert reply.error["param"] == param
    assert reply.error["source"] == "router"
    wait_ms = int(reply.headers["retry-after-ms"])
    assert reply.headers["retry-after"] == str(math.ceil(wait_ms / 1000))
    return wait_ms


def test_requests_per_minute_are_counted_to_the_one_and_the_wait_is_true(router: Router, upstream: Simulator) -> None:
    key = router.new_key("requests")
    began = time.monotonic()
    left = []
    for _ in range(3):
        reply = router.chat(key=key, max_tokens=5)
        assert reply.status == 200
        left.append(reply.headers["x-ratelimit-remaining-requests"])
    assert left == ["2", "1", "0"]
    first = limited(router.chat(key=key, max_tokens=5), "requests")
    assert 50_000 < first <= 66_000
    time.sleep(0.3)
    second = limited(router.chat(key=key, max_tokens=5), "requests")
    passed_ms = (time.monotonic() - began) * 1000
    assert 300 <= first - second <= passed_ms + 1, "the wait ends at one instant, however often one asks"
    assert len(upstream.requests) == 3
    assert "x-should-retry" not in router.chat(key=key, max_tokens=5).headers, "waiting a minute helps"
    assert router.chat(key=router.new_key("requests"), max_tokens=5).status == 200, "another key has its own count"


def test_the_fourth_of_many_at_once_is_refused_too(router: Router) -> None:
    key = router.new_key("requests")
    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(lambda _: router.chat(key=key, max_tokens=5).status, range(20)))
    assert statuses == [200] * 3 + [429] * 17


def test_tokens_per_minute_are_held_at_the_bound_and_settled_at_what_was_used(
    router: Router, upstream: Simulator
) -> None:
    key = router.new_key("tokens")
    upstream.faults({"fault": "answer", "times": None, "answer": {"content": "ok", "output_tokens": 20}})
    reply = router.chat("Hi.", key=key, max_tokens=400)
    assert reply.status == 200
    assert reply.headers["x-ratelimit-limit-tokens"] == "500"
    used = reply.json["usage"]["total_tokens"]
    assert wait_for(lambda: router.chat("Hi.", key=key, max_tokens=400).status == 200), "the rest was given back"
    refused = router.chat("Hi.", key=key, max_tokens=500 - 2 * used)
    assert limited(refused, "tokens") > 50_000
    assert router.chat("Hi.", key=key, max_tokens=30).status == 200


def test_a_request_larger_than_the_limit_is_told_that_waiting_does_not_help(router: Router) -> None:
    reply = router.chat("Hi.", key=router.new_key("tokens"), max_tokens=5_000)
    assert (reply.status, reply.error["param"]) == (429, "tokens")
    assert "retry-after" not in reply.headers
    assert reply.headers["x-should-retry"] == "false"


def test_concurrency_is_a_place_that_is_free_again_when_its_request_ends(router: Router, upstream: Simulator) -> None:
    key = router.new_key("narrow")
    upstream.faults({"fault": "slow", "delay_ms": 1_000, "times": 2})
    held = [threading.Thread(target=router.chat, kwargs={"key": key, "max_tokens": 5}) for _ in range(2)]
    for thread in held:
        thread.start()
    wait_for(lambda: len(upstream.requests) == 2)
    assert limited(router.chat(key=key, max_tokens=5), "concurrency") == 1_000
    for thread in held:
        thread.join()
    wait_for(lambda: router.chat(key=key, max_tokens=5).status == 200)


def test_a_stream_holds_its_place_until_its_end(router: Router, upstream: Simulator) -> None:
    key = router.new_key("narrow")
    upstream.faults({"fault": "slow", "delay_ms": 40, "times": 2, "answer": {"content": "river " * 40}})
    held = [threading.Thread(target=router.stream, kwargs={"key": key}) for _ in range(2)]
    for thread in held:
        thread.start()
    wait_for(lambda: len(upstream.requests) == 2)
    time.sleep(0.2)
    assert limited(router.chat(key=key, max_tokens=5), "concurrency") == 1_000
    for thread in held:
        thread.join()
    wait_for(lambda: router.chat(key=key, max_tokens=5).status == 200)


def test_one_request_after_another_never_meets_its_own_place(router: Router) -> None:
    key = router.new_key("single")
    statuses = {router.chat(key=key, max_tokens=5, stream=number % 2 == 1).status for number in range(60)}
    assert statuses == {200}
