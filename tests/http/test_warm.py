"""Conversations stay warm on every replica: the next turn goes where the last one was read, and is billed as cached."""

from __future__ import annotations

from typing import Any

from tests.running import Router, Simulator, wait_for

HISTORY = "The river runs to the sea, and the sea to the sky. " * 300


def turns(*texts: str) -> list[dict[str, Any]]:
    """A conversation in which user and assistant take turns, the user first."""
    return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)]


def asked(router: Router, messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """The record of one turn of that conversation."""
    reply = router.post("/v1/chat/completions", {"model": "auto", "max_tokens": 60, "messages": messages, **fields})
    assert reply.status == 200, reply.body
    return router.record(reply)


def test_the_next_turn_is_expected_at_the_cached_rate_where_the_last_was_answered(
    router: Router, upstream: Simulator
) -> None:
    first = asked(router, turns(HISTORY))
    second = wait_for(
        lambda: (found := asked(router, turns(HISTORY, "Yes.", "And then?")))["cached_tokens"] > 0 and found, 20
    )
    views = {view["model"]: view for view in second["router"]["models"]}
    assert views[first["model"]]["cached_tokens"] > 3_000
    assert all(view["cached_tokens"] == 0 for name, view in views.items() if name != first["model"])
    assert second["model"] == first["model"]
    sent = [seen["body"]["prompt_cache_key"] for seen in upstream.requests]
    assert len(set(sent)) == 1, "one key for the conversation"
    assert asked(router, turns("Another matter."))["router"]["models"][0]["cached_tokens"] == 0


def test_what_explain_prints_adds_up_to_what_is_expected(router: Router) -> None:
    asked(router, turns(HISTORY))
    for view in asked(router, turns(HISTORY, "Yes.", "And then?"))["router"]["models"]:
        if view["price"] is None:
            continue
        price = {name: int(text.replace(".", "")) for name, text in view["price"].items()}
        fresh = view["input_tokens"] - view["cached_tokens"]
        cost = (
            fresh * price["input"] + view["cached_tokens"] * price["cached"] + view["output_tokens"] * price["output"]
        )
        numerator, _, denominator = view["price_factor"].partition("/")
        assert view["expected_nano_usd"] == -(-cost * int(numerator) // (int(denominator or 1) * 1_000_000))


def test_an_affinity_header_names_the_conversation(router: Router, upstream: Simulator) -> None:
    body = {"model": "auto", "max_tokens": 5}
    for text in ("One.", "Two."):
        router.post("/v1/chat/completions", {**body, "messages": turns(text)}, headers={"x-affinity": "session-7"})
    one, other = (seen["body"]["prompt_cache_key"] for seen in upstream.requests)
    assert one == other
    assert "session-7" not in str(upstream.requests)
