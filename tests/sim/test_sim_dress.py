"""Streams in other dresses that the format allows, and answers that lack a part."""

import pytest


@pytest.mark.parametrize("fields", [{}, {"status": 520}])
def test_a_gateway_may_fail_without_a_word(sim, fields):
    sim.faults({"fault": "empty", **fields})
    answer = sim.chat()
    assert (answer.status_code, answer.content) == (fields.get("status", 504), b"")
    assert sim.bill()["generations"] == 0
    sim.faults({"fault": "empty", "match": {"path": "/v1/models"}})
    assert sim.http.get("/v1/models").status_code == 504


@pytest.mark.parametrize(("fault", "mark"), [("crlf", b"\r\n\r\n"), ("comments", b"\n\n: keep-alive\n\n")])
def test_a_stream_may_come_in_another_dress(sim, fault, mark):
    plain = sim.chat(stream=True).content
    sim.faults({"fault": fault})
    dressed = sim.chat(stream=True).content
    assert dressed.count(mark) > 10
    bare = dressed.replace(b": keep-alive\n\n", b"").replace(b"\r\n", b"\n")
    assert len(bare) == len(plain)
    assert bare.endswith(b"data: [DONE]\n\n")


def test_a_stream_may_lack_its_last_line_and_is_billed_in_full(sim):
    plain = sim.chunks()
    sim.http.post("/_sim/reset")
    sim.faults({"fault": "no_done"})
    text = sim.chat(stream=True).text
    assert "[DONE]" not in text
    assert text.endswith("\n\n")
    spent = sim.bill()["by_model"]["mistral-small-2603"]["output_tokens"]
    assert spent == plain[-1]["usage"]["completion_tokens"]


def test_the_usage_may_come_in_a_chunk_without_choices(sim):
    plain = sim.chunks()
    sim.faults({"fault": "usage_apart"})
    *chunks, last = sim.chunks()
    assert (last["choices"], last["usage"]) == ([], plain[-1]["usage"])
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert not [chunk for chunk in chunks if "usage" in chunk]
