"""What one attempt sends: a request as a given model takes it, built anew by allow-list, and where it goes."""

from __future__ import annotations

from typing import Any

import msgspec

from router.wire.adapt import without_reasoning
from router.wire.chat import ChatRequest, Sampling
from router.wire.fim import FimRequest
from router.wire.fitting import fit
from router.wire.manner import Manner
from router.wire.messages import Message
from router.wire.requests import AnyRequest
from router.wire.serial import one_call_a_turn
from router.wire.texts import EmbeddingsRequest, ModerationRequest
from router.wire.tools import NamedChoice


class _Body(Sampling, frozen=True, kw_only=True, omit_defaults=True):
    model: str
    messages: list[Message]
    max_tokens: int
    stream: bool = False
    tools: msgspec.Raw | None = None
    tool_choice: str | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: msgspec.Raw | None = None
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


def mistral_body(request: AnyRequest, manner: Manner) -> bytes:
    """The body for one attempt."""
    match request:
        case ChatRequest():
            return _encode.encode(_chat(request, manner))
        case FimRequest():
            return _encode.encode(_fim(request, manner))
        case EmbeddingsRequest() | ModerationRequest():
            return _encode.encode(_texts(request, manner.model))


def _chat(request: ChatRequest, manner: Manner) -> _Body:
    fitted = fit(request.toolbox, request.response_format, manner.profile)
    assert fitted.misfit is None, "a model is only asked when the request fits its profile"
    messages = request.messages if manner.reasons else without_reasoning(request.messages)
    sampling = {name: getattr(request.sampling, name) for name in Sampling.__struct_fields__}
    return _Body(
        model=manner.model,
        messages=list(one_call_a_turn(messages) if manner.serial else messages),
        max_tokens=manner.max_tokens,
        stream=request.stream,
        tools=_raw(fitted.tools),
        tool_choice=request.toolbox.choice,
        # The vendor declares the field for every chat model, and true as its default (OpenAPI file, 2026-08-21).
        parallel_tool_calls=False if manner.serial and fitted.tools else request.parallel_tool_calls,
        response_format=_raw(fitted.response_format),
        reasoning_effort=request.reasoning if manner.reasons else None,
        **sampling,
    )


def _raw(json: bytes) -> msgspec.Raw | None:
    return msgspec.Raw(json) if json else None


def _fim(request: FimRequest, manner: Manner) -> _Fim:
    passed = {name: getattr(request, name) for name in _Fim.__struct_fields__ if name not in ("model", "max_tokens")}
    return _Fim(model=manner.model, max_tokens=manner.max_tokens, **passed)


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
