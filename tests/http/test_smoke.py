"""The line, end to end."""

from __future__ import annotations

from tests.running import Router, Simulator


def test_a_question_is_answered_by_the_cheapest_suitable_model_and_charged_what_the_vendor_bills(
    router: Router, upstream: Simulator
) -> None:
    before = router.usage()["total"]
    reply = router.chat("What is the capital of Portugal?", max_tokens=50)
    assert reply.status == 200, reply.body
    assert reply.headers["x-router-reason"] == "cheapest_suitable"
    after = router.settled(before["requests"] + 1)
    assert after["nano_usd"] - before["nano_usd"] == upstream.bill["nano_usd"]
