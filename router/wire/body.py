"""What one attempt sends: a request as a given model takes it, built anew by allow-list, and where it goes."""

from __future__ import annotations

from typing import Any

import msgspec

from router.wire.adapt import without_reasoning
from router.wire.chat import ChatRequest, Sampling
from router.wire.fim import FimRequest
from router.wire.messages import Message
from router.wire.requests import AnyRequest
from router.wire.texts import EmbeddingsRequest, ModerationRequest
from router.wire.tools import NamedChoice, ResponseFormat, Tool


class _Body(Sampling, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    messages: list[Message]
    max_tokens: int
    stream: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None


class _Fim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    prompt: str
    max_tokens: int
    suffix: str | None = None
    min_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None
    stream: bool = False


class _Texts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    input: tuple[str, ...]
    output_dimension: int | None = None
    output_dtype: str | None = None
    encoding_format: str | None = None
    metadata: dict[str, Any] | None = None


_encode = msgspec.json.Encoder()


def path_of(request: AnyRequest) -> str:
    """Mistral's path for it."""
    match request:
        case ChatRequest():
            return "/v1/chat/completions"
        case FimRequest():
            return "/v1/fim/completions"
        case EmbeddingsRequest():
            return "/v1/embeddings"
        case ModerationRequest():
            return "/v1/moderations"


def mistral_body(request: AnyRequest, *, model: str, max_tokens: int, reasons: bool) -> bytes:
    """The body for one attempt on `model`. `reasons` says whether it takes an effort, thinking turns, and images in the
    results of tools."""
    match request:
        case ChatRequest():
            return _encode.encode(_chat(request, model, max_tokens, reasons))
        case FimRequest():
            return _encode.encode(_fim(request, model, max_tokens))
        case EmbeddingsRequest() | ModerationRequest():
            return _encode.encode(_texts(request, model))


def _chat(request: ChatRequest, model: str, max_tokens: int, reasons: bool) -> _Body:
    sampling = {name: getattr(request.sampling, name) for name in Sampling.__struct_fields__}
    return _Body(
        model=model,
        messages=list(request.messages) if reasons else without_reasoning(request.messages),
        max_tokens=max_tokens,
        stream=request.stream,
        tools=request.toolbox.tools,
        tool_choice=request.toolbox.choice,
        parallel_tool_calls=request.parallel_tool_calls,
        response_format=request.response_format,
        reasoning_effort=request.reasoning if reasons else None,
        **sampling,
    )


def _fim(request: FimRequest, model: str, max_tokens: int) -> _Fim:
    passed = {name: getattr(request, name) for name in _Fim.__struct_fields__ if name not in ("model", "max_tokens")}
    return _Fim(model=model, max_tokens=max_tokens, **passed)


def _texts(request: EmbeddingsRequest | ModerationRequest, model: str) -> _Texts:
    if isinstance(request, ModerationRequest):
        return _Texts(model=model, input=request.texts, metadata=request.metadata)
    return _Texts(
        model=model,
        input=request.texts,
        output_dimension=request.output_dimension,
        output_dtype=request.output_dtype,
        encoding_format=request.encoding_format,
        metadata=request.metadata,
    )
