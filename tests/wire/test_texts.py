"""Embeddings and moderation: texts in every form that SDKs send, and advice for what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import BadRequest
from router.wire.answer import complete_answer, read_answer
from router.wire.body import mistral_body, path_of
from router.wire.chat import Dialect
from router.wire.reading import Bounds
from router.wire.requests import AnyRequest
from router.wire.texts import EmbeddingsRequest, ModerationRequest, parse_embeddings, parse_moderation

EMBEDDING = EmbeddingsRequest(model="m", texts=("a",))
MODERATION = ModerationRequest(model="m", texts=("a",))


def embeddings(**fields: Any) -> dict[str, Any]:
    return sent(parse_embeddings(json.dumps({"model": "mistral-embed", **fields}).encode(), Bounds()))


def moderation(**fields: Any) -> dict[str, Any]:
    return sent(parse_moderation(json.dumps(fields).encode(), Bounds()))


def sent(request: AnyRequest) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(mistral_body(request, model="m", max_tokens=0, reasons=False))
    return body


def test_texts_of_every_form_become_a_list() -> None:
    assert embeddings(input="a") == {"model": "m", "input": ["a"]}
    assert embeddings(input=["a", ""]) == {"model": "m", "input": ["a", ""]}
    parts = [{"type": "text", "text": "a"}, "b"]
    assert moderation(input=parts, model="omni-moderation-latest") == {"model": "m", "input": ["a", "b"]}
    assert path_of(EMBEDDING) == "/v1/embeddings"
    assert path_of(MODERATION) == "/v1/moderations"


def test_the_names_of_openai_are_translated_and_the_rest_is_named() -> None:
    made = embeddings(input="a", dimensions=256, encoding_format="base64", user="u", output_dtype="int8")
    assert made == {
        "model": "m",
        "input": ["a"],
        "output_dimension": 256,
        "encoding_format": "base64",
        "output_dtype": "int8",
    }
    request = parse_embeddings(b'{"model": "m", "input": "a", "user": "u", "metadata": {"tags": ["x"]}}', Bounds())
    assert (request.dropped, request.tags, request.metadata) == (("user",), ("x",), None)


def test_moderation_needs_no_model() -> None:
    assert parse_moderation(b'{"input": "a"}', Bounds()).model == "auto"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"model": "m"}, "missing_field", "input"),
        ({"model": "m", "input": []}, "empty_input", "input"),
        ({"model": "m", "input": [[1, 2], [3]]}, "tokens_not_text", "input[0]"),
        ({"model": "m", "input": ["a", 5]}, "tokens_not_text", "input[1]"),
        ({"model": "m", "input": [{"type": "image_url"}]}, "unsupported_content", "input[0]"),
        ({"model": "m", "input": ["a"] * 9}, "too_many_texts", "input"),
        ({"model": "m", "input": "a", "dimensions": 0}, "invalid_value", "output_dimension"),
        ({"model": "m", "input": "a", "output_dtype": "f"}, "invalid_value", "output_dtype"),
        ({"model": "m", "input": "a", "encoding_format": "hex"}, "invalid_value", "encoding_format"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(body: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_embeddings(json.dumps(body).encode(), Bounds(messages_max=8))
    assert (refused.value.code, refused.value.param) == (code, param)


def test_token_numbers_get_advice() -> None:
    with pytest.raises(BadRequest, match="check_embedding_ctx_length=False"):
        embeddings(input=[[1, 2]])


def test_a_finding_says_whether_anything_was_flagged() -> None:
    body = {"id": "x", "results": [{"categories": {"pii": True, "law": False}}, {"categories": {"pii": False}}]}
    answer = read_answer(MODERATION, json.dumps(body).encode())
    assert answer is not None
    complete_answer(answer, model="m", dialect=Dialect.OPENAI)
    assert [finding["flagged"] for finding in answer["results"]] == [True, False]
    assert answer["model"] == "m"


@pytest.mark.parametrize("request_", [EMBEDDING, MODERATION], ids=["embeddings", "moderation"])
@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": []}', b'{"results": [1], "data": [1]}', b"<html>"])
def test_what_holds_no_answer_is_none(request_: AnyRequest, body: bytes) -> None:
    assert read_answer(request_, body) is None
