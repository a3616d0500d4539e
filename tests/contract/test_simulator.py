"""What the simulated Mistral answers, held against the vendor's contract. Differences are listed with their reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.contract import faults
from tests.contract.judge import CHAT
from tests.running import Reply, Simulator, call

Body = dict[str, Any]

KEY = "any-key"
USER = {"role": "user", "content": "Tell me a story."}
BOTH = {"role": "user", "content": "What is the weather and what is the time?"}
FIM, EMBEDDINGS, MODERATIONS = "/v1/fim/completions", "/v1/embeddings", "/v1/moderations"
SMALL, LARGE, ZAI = "mistral-small-2603", "mistral-large-2512", "zai-glm-5-3"
# Where the simulator differs from the vendor's file, and why.
DIFFERENCES = {
    "moderations": (r"\('usage' was unexpected\)", "what a moderation is billed by is told, as for every other answer"),
    "base64": (
        r"data\.0\.embedding: \"",
        "with encoding_format base64, which the file forgot",
    ),
}


def tool(name: str) -> Body:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


TOOLS = [tool("get_weather"), tool("get_time")]
# A spread of requests: every shape of answer that the simulator has.
ASKED: dict[str, Body] = {
    "text": {},
    "text that is cut": {"max_tokens": 2},
    "nothing at all": {"max_tokens": 0},
    "text that is stopped": {"stop": ["a", "e", "i", "o", "u"]},
    "several answers": {"n": 3},
    "a thought and text": {"reasoning_effort": "high"},
    "a thought that is cut": {"reasoning_effort": "high", "max_tokens": 3},
    "a call": {"tools": TOOLS[:1], "tool_choice": "any"},
    "two calls": {"messages": [BOTH], "tools": TOOLS},
    "a call that is cut": {"tools": TOOLS, "tool_choice": "any", "max_tokens": 2},
    "two calls in fragments": {"messages": [BOTH], "tools": TOOLS, "stream_options": {"stream_tool_calls": True}},
    "another vendor's calls": {"model": ZAI, "messages": [BOTH], "tools": TOOLS},
    "JSON": {"response_format": {"type": "json_object"}},
    "a priority answer": {"service_tier": "auto"},
    "a cached prompt": {"prompt_cache_key": "k"},
    "a model that does not reason": {"model": LARGE},
}


def posted(upstream: Simulator, body: Body, path: str = CHAT) -> Reply:
    reply = call(f"{upstream.url}{path}", "POST", body, KEY)
    assert reply.status == 200, reply.body
    return reply


def chunks(reply: Reply) -> Iterator[Body]:
    frames = reply.body.decode().split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    for frame in frames[:-2]:
        yield json.loads(frame.removeprefix("data: "))


@pytest.mark.parametrize("title", ASKED)
def test_a_plain_answer_keeps_the_contract(upstream: Simulator, title: str) -> None:
    reply = posted(upstream, {"model": SMALL, "messages": [USER], **ASKED[title]})
    assert faults(CHAT, "response", reply.json) == []


@pytest.mark.parametrize("title", ASKED)
def test_every_chunk_of_a_stream_keeps_the_contract(upstream: Simulator, title: str) -> None:
    reply = posted(upstream, {"model": SMALL, "messages": [USER], **ASKED[title], "stream": True})
    found = list(chunks(reply))
    assert found
    assert [fault for chunk in found for fault in faults(CHAT, "chunk", chunk)] == []


@pytest.mark.parametrize("fault", ["error_finish", "no_usage", "finish_early"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_by_script_keeps_the_contract(upstream: Simulator, fault: str, stream: bool) -> None:
    upstream.faults({"fault": fault})
    reply = posted(upstream, {"model": SMALL, "messages": [USER], "tools": TOOLS, "stream": stream})
    answers = list(chunks(reply)) if stream else [reply.json]
    part = "chunk" if stream else "response"
    assert [fault for answer in answers for fault in faults(CHAT, part, answer)] == []


@pytest.mark.parametrize(("stream", "told"), [(False, "model_length"), (True, "length")])
def test_an_answer_that_the_window_cuts_keeps_the_contract(upstream: Simulator, stream: bool, told: str) -> None:
    call(f"{upstream.url}/_sim/models", "POST", {SMALL: {"context": 30}})
    reply = posted(upstream, {"model": SMALL, "messages": [USER], "stream": stream})
    answers = list(chunks(reply)) if stream else [reply.json]
    assert answers[-1]["choices"][0]["finish_reason"] == told
    assert [fault for answer in answers for fault in faults(CHAT, "chunk" if stream else "response", answer)] == []


def test_models_keep_the_contract(upstream: Simulator) -> None:
    listed = call(f"{upstream.url}/v1/models", "GET", None, KEY).json
    assert faults("/v1/models", "response", listed) == []
    for card in listed["data"]:
        one = call(f"{upstream.url}/v1/models/{card['id']}", "GET", None, KEY).json
        assert faults("/v1/models/{model_id}", "response", one) == []


@pytest.mark.parametrize("stream", [False, True])
def test_code_is_filled_in_by_the_contract(upstream: Simulator, stream: bool) -> None:
    reply = posted(upstream, {"model": "codestral-2508", "prompt": "def f(", "suffix": ")", "stream": stream}, FIM)
    answers = list(chunks(reply)) if stream else [reply.json]
    assert [fault for answer in answers for fault in faults(FIM, "chunk" if stream else "response", answer)] == []


def test_embeddings_keep_the_contract(upstream: Simulator) -> None:
    body = {"model": "mistral-embed-2312", "input": ["a", "b"]}
    assert faults(EMBEDDINGS, "response", posted(upstream, body, EMBEDDINGS).json) == []


@pytest.mark.parametrize(
    ("difference", "path", "body"),
    [
        ("moderations", MODERATIONS, {"model": "mistral-moderation-2603", "input": "a"}),
        ("base64", EMBEDDINGS, {"model": "mistral-embed-2312", "input": "a", "encoding_format": "base64"}),
    ],
)
def test_a_difference_is_the_one_that_is_listed(upstream: Simulator, difference: str, path: str, body: Body) -> None:
    [fault] = faults(path, "response", posted(upstream, body, path).json)
    assert re.search(DIFFERENCES[difference][0], fault)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"model": SMALL, "messages": [{**USER, "name": "bob"}], "seed": 1, "temperature": 9}),
        (CHAT, {"messages": "hi", "stop": [1]}),
        (FIM, {"model": "codestral-2508"}),
        (EMBEDDINGS, {"model": "mistral-embed-2312", "input": [[1, 2]]}),
        (MODERATIONS, {"input": "a", "user": "u"}),
    ],
)
def test_an_invalid_body_is_answered_with_the_vendors_list_of_faults(
    upstream: Simulator, path: str, body: Body
) -> None:
    reply = call(f"{upstream.url}{path}", "POST", body, KEY)
    assert reply.status == 422
    assert faults(path, "request", body)
    # The file has the list at the top; since December 2025 it was seen inside the body of every other error.
    assert reply.json.keys() == {"object", "message", "type", "param", "code", "raw_status_code"}
    assert faults(path, "invalid", reply.json["message"]) == []
