"""Schemas and tool calls on their way through the router: what each model is sent, and what the app is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import running
from tests.http.conftest import MONEY
from tests.running import Router, Simulator

SMALL, LARGE, GLM = "mistral-small-2603", "mistral-large-2512", "zai-glm-5-3-flash"
TREE = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}
TEXTS = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}
PUT = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = {**PUT, "additionalProperties": False}
POLICIES = {
    "open": f'team = "open"\nquality = 0\nescalation_cost_max = 1000.0\n[models]\nallow = ["*"]\n{MONEY}',
    "narrow": f'team = "narrow"\nquality = 0\n[models]\nallow = ["{GLM}"]\n{MONEY}',
    "serial": f'team = "serial"\nparallel_tools = "serialise"\n[models]\nallow = ["*"]\n{MONEY}',
}


def tool(parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "look_up", "parameters": parameters, **fields}}


@pytest.fixture(scope="module")
def module_router(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url, policies=POLICIES) as process:
        yield process


@pytest.fixture
def router(module_router: Router, upstream: Simulator) -> Router:
    return module_router


def sent(upstream: Simulator) -> list[tuple[str, Any]]:
    """The model and the parameters of each attempt."""
    bodies = [entry["body"] for entry in upstream.requests]
    return [(body["model"], body["tools"][0]["function"]["parameters"]) for body in bodies]


def test_a_recursive_tool_goes_to_models_that_read_references(router: Router, upstream: Simulator) -> None:
    key = router.new_key("open")
    reply = router.chat(key=key, tools=[tool(TREE)], max_tokens=20, headers={"x-router-explain": "enabled"})
    assert reply.status == 200, reply.body
    objections = {view["model"]: view["objection"] for view in reply.json["router"]["models"]}
    assert objections[GLM] == objections["zai-glm-5-3"] == "unfit_schema"
    [(model, parameters)] = sent(upstream)
    assert objections[model] is None
    assert parameters == TREE


@pytest.mark.parametrize(("key", "model"), [("open", GLM), ("narrow", "auto")])
def test_where_no_model_takes_it_the_refusal_names_the_place(
    router: Router, upstream: Simulator, key: str, model: str
) -> None:
    reply = router.chat(key=router.new_key(key), model=model, tools=[tool(PUT), tool(TREE)], max_tokens=20)
    assert (reply.status, reply.json["error"]["code"]) == (400, "no_suitable_model")
    place = "tools[1].function.parameters/properties/kids/items"
    assert reply.json["error"]["param"] == place
    assert place in reply.json["error"]["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("model", [SMALL, GLM])
def test_references_are_put_in_place_for_everybody(router: Router, upstream: Simulator, model: str) -> None:
    reply = router.chat(key=router.new_key("open"), model=model, tools=[tool(TEXTS)], max_tokens=20)
    assert reply.status == 200, reply.body
    assert sent(upstream) == [(model, PUT)]
    assert "x-router-dropped-params" not in reply.headers


def test_the_prompt_is_counted_as_it_is_sent(router: Router) -> None:
    asked = {
        "key": router.new_key("open"),
        "model": SMALL,
        "max_tokens": 20,
        "headers": {"x-router-explain": "enabled"},
    }
    reply = router.chat(**asked, tools=[tool(TEXTS), tool(CLOSED)])
    assert reply.json["usage"]["prompt_tokens"] == reply.json["router"]["classification"]["input_tokens"]


def test_strict_that_was_taken_back_is_told_in_header_and_record(router: Router, upstream: Simulator) -> None:
    unique = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}}
    reply = router.chat(tools=[tool(CLOSED, strict=True), tool(unique, strict=True)], max_tokens=20, zebra=1)
    assert reply.status == 200, reply.body
    [body] = [entry["body"] for entry in upstream.requests]
    assert [each["function"].get("strict") for each in body["tools"]] == [True, None]
    assert reply.headers["x-router-dropped-params"] == "zebra,tools[1].function.strict"
    assert router.record(reply)["dropped"] == ["zebra", "tools[1].function.strict"]


CALLS = [
    {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    for call_id in ("aaaaaaaaa", "bbbbbbbbb")
]
HISTORY = [
    {"role": "user", "content": "Both, please."},
    {"role": "assistant", "content": "", "tool_calls": CALLS},
    *({"role": "tool", "tool_call_id": call["id"], "content": "Fine."} for call in CALLS),
]


def test_several_calls_are_made_one_by_one_where_the_policy_says_so(router: Router, upstream: Simulator) -> None:
    asked: dict[str, Any] = {"model": GLM, "messages": HISTORY, "tools": [tool(PUT)], "max_tokens": 20}
    refused = router.chat(key=router.new_key("open"), **asked)
    assert refused.json["error"]["code"] == "no_suitable_model"
    assert 'parallel_tools = "serialise"' in refused.json["error"]["remedy"]
    reply = router.chat(key=router.new_key("serial"), **asked, headers={"x-router-explain": "enabled"})
    assert reply.status == 200, reply.body
    [body] = [entry["body"] for entry in upstream.requests]
    assert body["parallel_tool_calls"] is False
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "tool", "assistant", "tool"]


def test_the_early_models_api_is_served_through_the_strict_subset() -> None:
    with running.simulator("--wide", "--profile", "seed") as early, running.router(early.url) as router:
        whole = router.chat(model=SMALL, tools=[tool(CLOSED)], max_tokens=20)
        assert not whole.json["choices"][0]["message"].get("tool_calls"), "it fails in silence"
        models = router.home / "config/models.toml"
        before = router.admin("GET", "/policies").json["rules"]
        block = f'[models."{SMALL}"]\n'
        models.write_text(models.read_text().replace(block, f'{block}schema_profile = "strict_subset"\n'))
        running.wait_for(lambda: router.admin("GET", "/policies").json["rules"] != before)
        reply = router.chat(model=SMALL, tools=[tool(TEXTS), tool(CLOSED)], max_tokens=20)
        assert reply.status == 200, reply.body
        assert reply.json["choices"][0]["message"]["tool_calls"]
        assert reply.headers["x-router-dropped-params"] == "tools[1].function.parameters.additionalProperties"
        assert [parameters for _, parameters in sent(early)[-1:]] == [PUT]
