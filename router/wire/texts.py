"""Requests about given texts, which generate none: embeddings and moderation.

Field lists: Mistral's OpenAPI file of 2026-08-21 (EmbeddingRequest, ClassificationRequest, no unknown fields).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.reading import Bounds, Request, check_model, decode, named, split_tags

DTYPES: Final = ("float", "int8", "uint8", "binary", "ubinary")
ENCODINGS: Final = ("float", "base64")


class EmbeddingsRequest(Request, frozen=True, kw_only=True):
    texts: tuple[str, ...]
    output_dimension: int | None = None
    output_dtype: str | None = None
    encoding_format: str | None = None
    metadata: dict[str, Any] | None = None


class ModerationRequest(Request, frozen=True, kw_only=True):
    texts: tuple[str, ...]
    metadata: dict[str, Any] | None = None


Given = str | list[str | int | list[int] | dict[str, Any]]


class _Embeddings(msgspec.Struct, kw_only=True):
    model: str
    input: Given
    dimensions: int | None = None
    output_dimension: int | None = None
    output_dtype: str | None = None
    encoding_format: str | None = None
    metadata: dict[str, Any] | None = None


class _Moderation(msgspec.Struct, kw_only=True):
    input: Given
    # OpenAI's SDK leaves the model out unless the app names one.
    model: str = "auto"
    metadata: dict[str, Any] | None = None


_embeddings = msgspec.json.Decoder(_Embeddings)
_moderation = msgspec.json.Decoder(_Moderation)


def parse_embeddings(body: bytes, bounds: Bounds) -> EmbeddingsRequest:
    """The request in `body` (JSON). Raises `BadRequest` with the place and the remedy."""
    raw, dropped = decode(body, _embeddings)
    check_model(raw.model)
    metadata, tags = split_tags(raw.metadata)
    size = raw.output_dimension if raw.output_dimension is not None else raw.dimensions
    if size is not None and size < 1:
        raise BadRequest("output_dimension must be at least 1.", code="invalid_value", param="output_dimension")
    _one_of("output_dtype", raw.output_dtype, DTYPES)
    _one_of("encoding_format", raw.encoding_format, ENCODINGS)
    return EmbeddingsRequest(
        model=raw.model,
        texts=_texts(raw.input, bounds),
        output_dimension=size,
        output_dtype=raw.output_dtype,
        encoding_format=raw.encoding_format,
        metadata=metadata,
        tags=tags,
        dropped=named(dropped),
    )


def parse_moderation(body: bytes, bounds: Bounds) -> ModerationRequest:
    """The request in `body` (JSON). Raises `BadRequest` with the place and the remedy."""
    raw, dropped = decode(body, _moderation)
    check_model(raw.model)
    metadata, tags = split_tags(raw.metadata)
    texts = _texts(raw.input, bounds)
    return ModerationRequest(model=raw.model, texts=texts, metadata=metadata, tags=tags, dropped=named(dropped))


def _texts(given: Given, bounds: Bounds) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not given:
        raise BadRequest("input is empty: send at least one text.", code="empty_input", param="input")
    if len(given) > bounds.messages_max:
        raise BadRequest(
            f"More than {bounds.messages_max} texts: send them in several requests.",
            code="too_many_texts",
            param="input",
        )
    return tuple(_text(entry, f"input[{index}]") for index, entry in enumerate(given))


def _text(entry: str | int | list[int] | dict[str, Any], place: str) -> str:
    match entry:
        case str():
            return entry
        case {"type": "text", "text": str(text)}:  # OpenAI's moderation takes parts
            return text
        case int() | list():
            # Token numbers belong to a vocabulary, and OpenAI's is not Mistral's: there is no telling what was meant.
            raise BadRequest(
                f"{place} holds token numbers; Mistral's models take text. LangChain's OpenAIEmbeddings sends text "
                "with check_embedding_ctx_length=False.",
                code="tokens_not_text",
                param=place,
            )
    raise BadRequest(f"{place} must be a text.", code="unsupported_content", param=place)


def _one_of(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise BadRequest(f"{name} must be one of {', '.join(known)}.", code="invalid_value", param=name)
