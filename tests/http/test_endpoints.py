"""The endpoints beside chat: served, budgeted, limited, retried and recorded like it."""

from __future__ import annotations

import base64
import struct
from typing import Any

import mistralai.client
import openai
import pytest

from tests.running import Router, Simulator, stream

ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "fim": ("/v1/fim/completions", {"model": "codestral-latest", "prompt": "def f(", "suffix": "a", "max_tokens": 20}),
    "embeddings": ("/v1/embeddings", {"model": "mistral-embed", "input": ["a river", "a mountain"]}),
    "moderations": ("/v1/moderations", {"input": "a river"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_costs_what_the_vendor_bills_and_is_on_record(router: Router, upstream: Simulator, name: str) -> None:
    path, body = ASKED[name]
    before = router.usage()["total"]
    reply = router.post(path, body)
    assert reply.status == 200, reply.body
    [seen] = upstream.requests
    assert seen["path"] == path
    assert reply.headers["x-router-attempts"] == "1"
    assert reply.json["model"] == reply.headers["x-router-model"]
    assert reply.json["usage"]["cost"] == upstream.bill["nano_usd"] / 1e9
    after = router.settled(before["requests"] + 1)
    assert after["nano_usd"] - before["nano_usd"] == upstream.bill["nano_usd"]
    assert after["unconfirmed_nano_usd"] == before["unconfirmed_nano_usd"]
    record = router.record(reply)
    assert record["endpoint"] == name
    assert record["input_tokens"] == next(iter(upstream.bill["by_model"].values()))["input_tokens"]
    assert record["saved_nano_usd"] == 0, "no other model could have done it"


@pytest.mark.parametrize("name", ASKED)
def test_a_model_that_the_upstream_has_no_room_for_is_asked_again_or_told(
    battered: Router, upstream: Simulator, name: str
) -> None:
    path, body = ASKED[name]
    upstream.faults({"fault": "status", "status": 502})
    reply = battered.post(path, body)
    assert (reply.status, reply.headers["x-router-attempts"]) == (200, "2")
    upstream.faults({"fault": "rate_limited", "times": None})
    assert (refused := battered.post(path, body)).status == 429
    assert refused.error["code"] == "upstream_rate_limited"


@pytest.mark.parametrize("name", ASKED)
def test_no_budget_means_no_call(router: Router, upstream: Simulator, name: str) -> None:
    path, body = ASKED[name]
    long = {key: ["river " * 2_000] * 40 if key == "input" else value for key, value in body.items()}
    reply = router.post(path, {**long, "prompt": "river " * 2_000} if name == "fim" else long, router.new_key("poor"))
    if name == "moderations":  # it is free
        assert reply.status == 200
    else:
        assert (reply.status, reply.error["code"]) == (402, "budget_exceeded")
        assert upstream.requests == []


def test_a_key_is_kept_to_its_endpoints(router: Router) -> None:
    key = router.new_key("apps", endpoints=["embeddings"])
    assert router.post(*ASKED["embeddings"], key).status == 200
    for name in ("fim", "moderations"):
        assert router.post(*ASKED[name], key).error["code"] == "not_allowed"
    assert router.chat(key=key).error["code"] == "not_allowed"


def test_fim_streams(router: Router, upstream: Simulator) -> None:
    path, body = ASKED["fim"]
    reply = stream(f"{router.url}{path}", {**body, "stream": True}, router.key)
    assert reply.done
    assert reply.text
    assert reply.chunks[-1]["usage"]["cost"] == upstream.bill["nano_usd"] / 1e9


def test_a_chat_model_makes_no_vectors_and_an_embedding_model_no_talk(router: Router, upstream: Simulator) -> None:
    refused = router.post("/v1/embeddings", {"model": "mistral-small-2603", "input": "a"})
    assert (refused.status, refused.error["code"]) == (400, "no_suitable_model")
    assert {"model": "mistral-small-2603", "objection": "no_embeddings"} in refused.error["models"]
    refused = router.chat(model="mistral-embed")
    assert {"model": "mistral-embed-2312", "objection": "not_chat"} in refused.error["models"]
    refused = router.post("/v1/embeddings", {"model": "auto", "input": "a"})
    assert "cannot be compared" in refused.error["message"]
    assert upstream.requests == []


def test_openais_sdk_embeds_and_moderates(router: Router) -> None:
    client = openai.OpenAI(base_url=f"{router.url}/v1", api_key=router.key, organization="org-x", max_retries=0)
    made = client.embeddings.create(model="mistral-embed", input=["a river", "a mountain"])  # asks for base64
    assert [len(entry.embedding) for entry in made.data] == [1024, 1024]
    raw = router.post("/v1/embeddings", {"model": "mistral-embed", "input": "a river", "encoding_format": "base64"})
    values = struct.unpack("<1024f", base64.b64decode(raw.json["data"][0]["embedding"]))
    assert list(values) == pytest.approx(made.data[0].embedding)
    assert client.moderations.create(input=["a river"]).results[0].flagged is False
    with pytest.raises(openai.BadRequestError, match="token numbers"):
        client.embeddings.create(model="mistral-embed", input=[[1, 2]])


def test_mistrals_sdk_embeds_moderates_and_fills_in(router: Router) -> None:
    client = mistralai.client.Mistral(server_url=router.url, api_key=router.key)
    assert len(client.embeddings.create(model="mistral-embed", inputs=["a"]).data[0].embedding or ()) == 1024
    assert client.classifiers.moderate(model="mistral-moderation-latest", inputs=["a"]).results[0].categories
    filled = client.fim.complete(model="codestral-latest", prompt="def f(", suffix="return", max_tokens=9)
    assert filled.choices[0].message.content
    pieces = [event.data for event in client.fim.stream(model="codestral-latest", prompt="def f(", max_tokens=9)]
    assert pieces[-1].choices[0].finish_reason == "length"
