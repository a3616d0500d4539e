"""Streams: what the last chunk tells, what is mended on the way, and how a broken one ends."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import openai
import pytest

from tests import running
from tests.running import Router, Simulator, wait_for

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_the_last_data_chunk_tells_what_the_stream_cost_and_what_the_router_did(
    router: Router, upstream: Simulator
) -> None:
    reply = router.stream("Tell me about rivers.", max_tokens=60)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.done
    assert not reply.cut
    assert reply.text
    last = reply.chunks[-1]
    assert last["choices"][0]["finish_reason"] in ("stop", "length")
    nano = upstream.bill["nano_usd"]
    assert last["usage"]["cost"] == nano / 1e9
    assert last["router"]["cost_usd"] == f"{nano / 1e9:.9f}"
    assert last["router"]["request_id"] == reply.headers["x-request-id"]
    assert last["router"]["attempts"][0]["outcome"] == "ok"
    assert all("usage" not in chunk and "router" not in chunk for chunk in reply.chunks[:-1])
    assert all("p" not in chunk for chunk in reply.chunks)
    for name in ("x-router-cost-usd", "x-router-saved-usd", "x-router-attempts"):
        assert name not in reply.headers, "not known when a stream begins"
    assert reply.headers["x-router-model"] == last["model"]


def test_include_usage_gets_its_extra_chunk(router: Router) -> None:
    reply = router.stream(max_tokens=5, stream_options={"include_usage": True})
    last, before = reply.chunks[-1], reply.chunks[-2]
    assert last["choices"] == []
    assert last["usage"]["cost"] > 0
    assert last["router"]["chosen"]
    assert before["choices"][0]["finish_reason"]
    assert {chunk["id"] for chunk in reply.chunks} == {last["id"]}


def test_explain_puts_the_whole_object_into_the_last_chunk(router: Router) -> None:
    reply = router.stream(max_tokens=5, headers={"x-router-explain": "enabled"})
    assert reply.chunks[-1]["router"]["models"]


def test_a_finish_that_comes_too_early_is_held_back(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "finish_early"})
    reply = router.stream("What is the weather in Lyon?", tools=[TOOL])
    finishes = [index for index, chunk in enumerate(reply.chunks) if chunk["choices"][0].get("finish_reason")]
    assert finishes == [len(reply.chunks) - 1]
    arguments = "".join(
        call["function"].get("arguments", "")
        for chunk in reply.chunks
        for call in chunk["choices"][0]["delta"].get("tool_calls") or ()
    )
    assert json.loads(arguments)["city"]


def test_events_cut_inside_a_character_arrive_whole(router: Router, upstream: Simulator) -> None:
    words = "Größe, façade, 東京 — 🙂 " * 20
    upstream.faults({"fault": "split", "answer": {"content": words}})
    assert router.stream().text == words


def test_two_answers_come_in_one_stream(router: Router, upstream: Simulator) -> None:
    reply = router.stream("Tell me about rivers.", n=2, max_tokens=20)
    assert {choice["index"] for chunk in reply.chunks for choice in chunk["choices"]} == {0, 1}
    assert reply.chunks[-1]["usage"]["cost"] == upstream.bill["nano_usd"] / 1e9


BREAKS = {
    "truncated": {"fault": "truncate", "after_bytes": 1500},
    "reset": {"fault": "reset", "after_bytes": 1500},
    "finished in error": {"fault": "error_finish"},
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_stream_that_breaks_after_content_ends_with_an_error_and_a_cut(
    battered: Router, upstream: Simulator, name: str
) -> None:
    upstream.faults(BREAKS[name])
    reply = battered.stream("Tell me about rivers.", max_tokens=60)
    assert reply.status == 200
    assert reply.text
    assert reply.cut, "a quiet end would be taken for success"
    assert not reply.done
    error = reply.chunks[-1]["error"]
    assert error["code"] == "stream_broken"
    assert error["source"] == "upstream"
    assert not any("finish_reason" in c and c["finish_reason"] for k in reply.chunks[:-1] for c in k["choices"])
    assert len(upstream.requests) == 1, "what the app has begun to read is never repeated"
    record = battered.record(reply)
    assert record["code"] == "stream_broken"
    assert record["nano_usd"] >= upstream.bill["nano_usd"]
    if name == "finished in error":
        assert record["nano_usd"] == upstream.bill["nano_usd"], "its usage arrived"
    else:
        assert record["unconfirmed_nano_usd"] == record["nano_usd"]


def test_a_stream_that_stalls_after_content_ends_with_an_error_and_a_cut(simulated: Simulator) -> None:
    simulated.reset()
    with running.router(simulated.url, settings="[timing]\nstream_idle = 0.5\n") as impatient:
        simulated.faults({"fault": "stall", "after_bytes": 1500})
        reply = impatient.stream("Tell me about rivers.", max_tokens=60)
        assert reply.cut
        assert reply.chunks[-1]["error"]["code"] == "stream_broken"


EARLY = {
    "truncated": {"fault": "truncate", "after_bytes": 300},
    "reset": {"fault": "reset", "after_bytes": 300},
    "reset at once": {"fault": "reset", "after_bytes": 0},
    "unavailable": {"fault": "status", "status": 503},
    "rate limited": {"fault": "rate_limited"},
    "a page": {"fault": "html"},
}


@pytest.mark.parametrize("name", EARLY)
def test_a_stream_that_breaks_before_content_is_tried_again_unseen(
    battered: Router, upstream: Simulator, name: str
) -> None:
    upstream.faults(EARLY[name])
    reply = battered.stream("Tell me about rivers.", key=battered.new_key("ladder"), max_tokens=30)
    assert reply.done
    assert reply.text
    assert len(upstream.requests) == 2
    assert len({chunk["id"] for chunk in reply.chunks}) == 1, "nothing of the first try is seen"
    assert [attempt["outcome"] for attempt in reply.chunks[-1]["router"]["attempts"]][1:] == ["ok"]


def test_a_stream_without_usage_keeps_its_whole_hold_as_unconfirmed(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "no_usage"})
    reply = router.stream("Tell me about rivers.", max_tokens=40)
    assert reply.done
    usage = reply.chunks[-1]["usage"]
    [billed] = upstream.bill["by_model"].values()
    assert usage["estimated"] is True
    assert usage["prompt_tokens"] == billed["input_tokens"]
    assert abs(usage["completion_tokens"] - billed["output_tokens"]) <= 1, "but for the end of the answer"
    record = router.record(reply)
    assert record["unconfirmed_nano_usd"] == record["nano_usd"] >= upstream.bill["nano_usd"] > 0


def leave(router: Router, upstream: Simulator, body: dict[str, object], after: int) -> None:
    """Ask, wait until the upstream is at work, read `after` bytes of the answer, hang up."""
    parts = urlsplit(router.url)
    sent = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "Tell me about rivers."}], **body})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {router.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall((head + sent).encode())
        wait_for(lambda: upstream.requests)
        got = 0
        while got < after:
            got += len(connection.recv(min(4096, after - got)))


def test_an_app_that_leaves_a_stream_ends_the_generation(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 50, "answer": {"content": "river " * 2_000}})
    before = router.usage()["total"]
    leave(router, upstream, {"stream": True}, after=1_200)
    after = router.settled(before["requests"] + 1)
    bill = wait_for(lambda: upstream.bill["generations"] and upstream.bill)
    assert bill["by_model"].popitem()[1]["output_tokens"] < 500
    assert after["nano_usd"] - before["nano_usd"] >= bill["nano_usd"]
    assert after["unconfirmed_nano_usd"] > before["unconfirmed_nano_usd"]
    assert upstream.bill["nano_usd"] == bill["nano_usd"], "nothing more was generated"


def test_an_app_that_leaves_before_its_stream_began_ends_the_generation(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 300, "answer": {"content": "river " * 2_000}})
    before = router.usage()["total"]
    leave(router, upstream, {"stream": True}, after=0)
    assert router.settled(before["requests"] + 1)["requests"] == before["requests"] + 1
    assert upstream.bill["nano_usd"] <= router.usage()["total"]["nano_usd"] - before["nano_usd"]


def test_a_plain_call_whose_app_left_is_finished_and_charged_exactly(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "slow", "delay_ms": 300})
    before = router.usage()["total"]
    leave(router, upstream, {"max_tokens": 30}, after=0)
    after = router.settled(before["requests"] + 1)
    assert after["nano_usd"] - before["nano_usd"] == upstream.bill["nano_usd"] > 0
    assert after["unconfirmed_nano_usd"] == before["unconfirmed_nano_usd"]


def test_a_stream_that_is_silent_for_a_while_carries_comments(simulated: Simulator) -> None:
    simulated.reset()
    with running.router(simulated.url, settings="[timing]\nkeep_alive = 0.05\n") as patient:
        simulated.faults({"fault": "slow", "delay_ms": 300, "times": None})
        reply = patient.stream("Tell me about rivers.", max_tokens=6)
        assert reply.done
        assert b"\n\n: keep-alive\n\n" in reply.body
        client = openai.OpenAI(base_url=f"{patient.url}/v1", api_key=patient.key)
        pieces = client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "Hi."}], max_tokens=4, stream=True
        )
        assert [choice.finish_reason for piece in pieces for choice in piece.choices][-1] == "length"
    simulated.reset()
