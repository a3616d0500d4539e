"""The same request for a server of one's own: OpenAI's chat completions and embeddings, as vLLM and Ollama serve them.

Mistral's own fields stay away (guardrails, safe_prompt, prompt_mode), its names are OpenAI's again, thoughts are left
out because open-weight chat templates write their own, and usage is asked for on streams, which else have none.
Sources: vLLM's and Ollama's pages on OpenAI compatibility, 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from router.wire.chat import ChatRequest
from router.wire.messages import Message
from router.wire.parts import ImagePart, Part, TextPart
from router.wire.requests import AnyRequest
from router.wire.texts import EmbeddingsRequest
from router.wire.tools import NamedChoice

CHAT: Final = "/v1/chat/completions"
EMBEDDINGS: Final = "/v1/embeddings"
_encode = msgspec.json.encode


def openai_call(request: AnyRequest, *, model: str, max_tokens: int, reasons: bool) -> tuple[str, bytes]:
    """The path and the body for one attempt on `model`."""
    match request:
        case ChatRequest():
            return CHAT, _encode(_present(_chat(request, model, max_tokens, reasons)))
        case EmbeddingsRequest():
            return EMBEDDINGS, _encode(_present(_embeddings(request, model)))
        case _:
            raise ValueError("the catalogue gives such an upstream no model for this work")


def _chat(request: ChatRequest, model: str, max_tokens: int, reasons: bool) -> dict[str, Any]:
    sampling, tools = request.sampling, request.toolbox.tools
    return {
        "model": model,
        "messages": [_present(_message(message)) for message in request.messages],
        "max_tokens": max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stop": sampling.stop,
        "seed": sampling.random_seed,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "n": sampling.n,
        "tools": tools or None,
        "tool_choice": _choice(request.toolbox.choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": request.response_format,
        "reasoning_effort": request.reasoning if reasons else None,
        "stream": request.stream or None,
        "stream_options": {"include_usage": True} if request.stream else None,
    }


def _embeddings(request: EmbeddingsRequest, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "input": request.texts,
        "dimensions": request.output_dimension,
        "encoding_format": request.encoding_format,
    }


def _message(message: Message) -> dict[str, Any]:
    content: Any = message.content
    if isinstance(content, list):
        content = list(_parts(content)) or None
    return {
        "role": message.role,
        "content": content if content is not None else "",
        "tool_calls": message.tool_calls,
        "tool_call_id": message.tool_call_id,
        "name": message.name,
    }


def _parts(parts: list[Part]) -> Iterator[Any]:
    for part in parts:
        match part:
            case TextPart():
                yield part
            case ImagePart():
                yield {"type": "image_url", "image_url": {"url": part.url}}


def _choice(choice: str | NamedChoice | None) -> str | NamedChoice | None:
    return "required" if choice == "any" else choice


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
