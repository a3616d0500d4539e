"""The contract itself: closed at every level, dated, and in step with the vendor's newest SDK."""

from __future__ import annotations

import datetime
import importlib.metadata
from collections.abc import Iterator
from typing import Any

import mistralai.client.models as sdk
import pytest
from pydantic import BaseModel

from tests.contract.contract import additions, from_the_file, schemas, validator
from tests.contract.judge import CHAT, problems_of

# Objects of any content, each by the vendor's own word: what an app or a model fills in.
OPEN = {
    *("ChatCompletionRequest.metadata", "EmbeddingRequest.metadata", "ClassificationRequest.metadata"),
    *("FIMCompletionRequest.metadata", "Function.parameters", "JsonSchema.schema", "FunctionCall.arguments"),
    *("ModerationObject.categories", "ModerationObject.category_scores", "ValidationError.ctx"),
}
USER = {"role": "user", "content": "hi"}


def objects(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield place, node
        for key, value in node.items():
            if key == "properties":
                for name, field in value.items():
                    yield from objects(field, f"{place}.{name}")
            else:
                yield from objects(value, place)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value, place)


def test_every_object_is_closed_but_those_the_vendor_leaves_open() -> None:
    open_ones = set()
    for name, schema in from_the_file()["$defs"].items():
        for place, found in objects(schema, name):
            is_union = "allOf" in found  # its members are closed
            if found.get("additionalProperties") is not False and not is_union:
                open_ones.add(place)
    assert open_ones == OPEN


def test_the_file_says_where_it_comes_from() -> None:
    source = from_the_file()["source"]
    assert {"repository", "file", "commit", "date", "licence", "made_by"} == source.keys()


def test_every_addition_is_dated_and_new() -> None:
    fields = additions()["field"]
    assert len({(field["of"], field["name"]) for field in fields}) == len(fields)
    for field in fields:
        assert field["seen"]
        assert isinstance(field["date"], datetime.date)
        assert field["of"] in from_the_file()["$defs"]


def test_the_list_was_made_from_the_sdk_that_is_installed() -> None:
    assert additions()["sdk"] == f"mistralai {importlib.metadata.version('mistralai')}"


@pytest.mark.parametrize("name", sorted(from_the_file()["$defs"]))
def test_what_the_sdk_declares_beyond_the_file_is_on_the_list(name: str) -> None:
    fields = additions()["field"]
    listed = {field["name"] for field in fields if (field["of"], field["seen"]) == (name, additions()["sdk"])}
    model = getattr(sdk, name, None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):  # an enumeration, or a name the SDK respells
        assert listed == set()
        return
    declared = {field.alias or attribute for attribute, field in model.model_fields.items()}
    assert declared - from_the_file()["$defs"][name]["properties"].keys() == listed


@pytest.mark.parametrize("path", sorted(from_the_file()["endpoints"]))
def test_every_schema_of_an_endpoint_resolves(path: str) -> None:
    for part in from_the_file()["endpoints"][path]:
        assert validator(path, part).is_valid("no object") is False
    assert schemas().keys() == from_the_file()["$defs"].keys()


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"seed": 1}, "'seed' was unexpected"),
        ({"messages": [{**USER, "name": "bob"}]}, "'name' was unexpected"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]}, "content"),
        ({"guardrails": [{"surprise": 1}]}, "guardrails"),
        ({"temperature": 1.6}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"stop": None}, "stop"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"tools": []}, "tools: empty"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"n": 2, "prediction": {"type": "content", "content": "x"}}, "n: not with prediction"),
        ({"messages": []}, "last role"),
        ({"messages": [{"role": "system", "content": "x"}]}, "last role"),
        ({"messages": [USER, {"role": "assistant", "content": ""}, USER]}, "content or tool_calls"),
        ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "Expected last role"),
        ({"messages": [USER, {"role": "tool", "tool_call_id": "aaaaaaaaa", "content": ""}]}, "Unexpected role"),
        ({"reasoning_effort": "high"}, "v13: reasoning_effort="),
        ({"response_format": {"type": "json_schema"}}, "must define the schema"),
    ],
)
def test_the_judge_finds_a_fault(fields: dict[str, Any], fault: str) -> None:
    assert fault in "\n".join(problems_of(CHAT, {"model": "m", "messages": [USER], **fields}))


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": None, "max_tokens": None, "n": None, "prompt_cache_key": None, "metadata": {"a": [1]}},
        {"top_k": 3, "service_tier": "auto", "stream_options": {"stream_tool_calls": True}},
        {"messages": [USER, {"role": "assistant", "content": "Dear", "prefix": True}]},
        {"messages": [{"role": "user", "content": [{"type": "document_url", "document_url": "u"}]}]},
    ],
)
def test_the_judge_lets_pass_what_the_vendor_documents(fields: dict[str, Any]) -> None:
    assert problems_of(CHAT, {"model": "m", "messages": [USER], **fields}) == []


def test_the_judge_knows_the_other_endpoints() -> None:
    assert problems_of("/v1/fim/completions", {"model": "m", "prompt": "def", "min_tokens": 1}) == []
    assert problems_of("/v1/fim/completions", {"model": "m"}) != []
    assert problems_of("/v1/embeddings", {"model": "m", "input": ["a"], "encoding_format": "base64"}) == []
    assert problems_of("/v1/embeddings", {"model": "m", "input": [[1, 2]]}) != []
    assert problems_of("/v1/moderations", {"model": "m", "input": "a"}) == []
    assert problems_of("/v1/moderations", {"model": "m", "input": "a", "user": "u"}) != []
