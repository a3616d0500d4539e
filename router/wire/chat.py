"""A chat request: read leniently from either dialect, rebuilt for Mistral by allow-list.

Mistral forbids unknown fields at every level (422 `extra_forbidden`), so the body sent upstream is never the app's own:
it is built anew from what was read. OpenAI's names are translated; what nothing reads is dropped and named, so that
the caller can be told. Field list: Mistral's OpenAPI file of 2026-08-21.
"""

from __future__ import annotations

import enum
from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.fitting import fit
from router.wire.guardrails import Guardrail, read_guardrails
from router.wire.messages import IncomingMessage, Message, read_messages
from router.wire.reading import (
    Bounds,
    Request,
    at_least_one,
    cache_key,
    check_model,
    clamped,
    decode,
    named,
    not_negative,
    split_tags,
    temperature,
    top_p,
    within,
)
from router.wire.schema import SchemaProfile
from router.wire.tools import (
    IncomingFunction,
    IncomingTool,
    ResponseFormat,
    Toolbox,
    read_format,
    read_toolbox,
)

N_MAX: Final = 16


class Dialect(enum.Enum):
    """Whose SDK asks: OpenAI's clients need flat content, Mistral's take it as it comes."""

    OPENAI = "openai"
    MISTRAL = "mistral"


class Sampling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shapes the answer and passes as it is; absent fields are not sent."""

    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    n: int | None = None
    prediction: dict[str, Any] | None = None
    min_tokens: int | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    safe_prompt: bool | None = None
    guardrails: list[Guardrail] | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None


class ChatRequest(Request, frozen=True, kw_only=True):
    """`reasoning` is high, none, or None when the app did not say."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    toolbox: Toolbox = Toolbox()
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: str | None = None

    @property
    def answers(self) -> int:
        """How many answers are asked for, each of them billed."""
        return self.sampling.n or 1


class IncomingChat(msgspec.Struct, kw_only=True):
    """A chat request as apps send it, in either dialect; other formats are translated into it."""

    model: str
    messages: list[IncomingMessage]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    n: int | None = None
    prediction: dict[str, Any] | None = None
    min_tokens: int | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    safe_prompt: bool | None = None
    guardrails: list[dict[str, Any]] | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None
    tools: list[IncomingTool] | None = None
    functions: list[IncomingFunction] | None = None
    tool_choice: str | dict[str, Any] | None = None
    function_call: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    reasoning_effort: str | None = None
    prompt_mode: str | None = None


_decoder = msgspec.json.Decoder(IncomingChat)
# Efforts below medium are cheaper without thinking at all; Mistral's models know only these two (docs of 2026-08-21).
_EFFORTS: Final = {
    "none": "none", "minimal": "none", "low": "none", "medium": "high", "high": "high", "xhigh": "high", "max": "high",
}  # fmt: skip


def parse_chat(body: bytes, bounds: Bounds) -> ChatRequest:
    """The request in `body` (JSON). Raises `BadRequest` with the place and the remedy."""
    return read_chat(*decode(body, _decoder), bounds)


def read_chat(raw: IncomingChat, dropped: list[str], bounds: Bounds) -> ChatRequest:
    """The request that `raw` means. `dropped` names what was left out so far, and is added to.

    Raises `BadRequest` with the place and the remedy.
    """
    check_model(raw.model)
    if len(raw.messages) > bounds.messages_max:
        raise BadRequest(f"More than {bounds.messages_max} messages.", code="too_many_messages", param="messages")
    if len(raw.tools or ()) + len(raw.functions or ()) > bounds.tools_max:
        raise BadRequest(f"More than {bounds.tools_max} tools.", code="too_many_tools", param="tools")
    toolbox = read_toolbox(raw.tools, raw.functions, _choice(raw))
    response_format = read_format(raw.response_format)
    # The full profile is the laxest: what does not fit it fits no model.
    if misfit := fit(toolbox, response_format, SchemaProfile.FULL).misfit:
        raise misfit.refusal()
    metadata, tags = split_tags(raw.metadata)
    return ChatRequest(
        model=raw.model,
        messages=read_messages(raw.messages, dropped),
        sampling=_sampling(raw, metadata, dropped),
        max_tokens=_max_tokens(raw),
        stream=bool(raw.stream),
        include_usage=bool((raw.stream_options or {}).get("include_usage")),
        toolbox=toolbox,
        parallel_tool_calls=raw.parallel_tool_calls if toolbox.tools else None,
        response_format=response_format,
        reasoning=_reasoning(raw),
        tags=tags,
        dropped=named(dropped),
        warnings=clamped(raw.temperature),
    )


def with_cache_key(request: ChatRequest, key: str) -> ChatRequest:
    """The request with a key of ours, unless the app has given one."""
    if request.sampling.prompt_cache_key is not None:
        return request
    return msgspec.structs.replace(request, sampling=msgspec.structs.replace(request.sampling, prompt_cache_key=key))


def _choice(raw: IncomingChat) -> str | dict[str, Any] | None:
    return raw.tool_choice if raw.tool_choice is not None else raw.function_call


def _max_tokens(raw: IncomingChat) -> int | None:
    return at_least_one(
        "max_tokens", raw.max_completion_tokens if raw.max_completion_tokens is not None else raw.max_tokens
    )


def _reasoning(raw: IncomingChat) -> str | None:
    if raw.reasoning_effort is None:
        return "high" if raw.prompt_mode == "reasoning" else None
    effort = _EFFORTS.get(raw.reasoning_effort)
    if effort is None:
        raise BadRequest(
            f"reasoning_effort must be one of {', '.join(_EFFORTS)}.", code="invalid_value", param="reasoning_effort"
        )
    return effort


def _sampling(raw: IncomingChat, metadata: dict[str, Any] | None, dropped: list[str]) -> Sampling:
    within("presence_penalty", raw.presence_penalty, -2, 2)
    within("frequency_penalty", raw.frequency_penalty, -2, 2)
    within("n", raw.n, 1, N_MAX)
    seed = raw.random_seed if raw.random_seed is not None else raw.seed
    prediction = _prediction(raw.prediction)
    if prediction and prediction["content"] and (raw.n or 1) > 1:
        raise BadRequest("n must be 1 beside a prediction: Mistral takes one of them.", code="invalid_value", param="n")
    return Sampling(
        temperature=temperature(raw.temperature),
        top_p=top_p(raw.top_p),
        stop=raw.stop or None,
        random_seed=abs(seed) if seed is not None else None,
        presence_penalty=raw.presence_penalty,
        frequency_penalty=raw.frequency_penalty,
        n=raw.n if raw.n != 1 else None,
        prediction=prediction,
        min_tokens=not_negative("min_tokens", raw.min_tokens),
        top_k=not_negative("top_k", raw.top_k),
        repetition_penalty=not_negative("repetition_penalty", raw.repetition_penalty),
        safe_prompt=raw.safe_prompt,
        guardrails=read_guardrails(raw.guardrails),
        prompt_cache_key=cache_key(raw.prompt_cache_key, dropped),
        metadata=metadata,
    )


def _prediction(raw: dict[str, Any] | None) -> dict[str, Any] | None:
    match raw:
        case None:
            return None
        case {"content": str(content)}:
            return {"type": "content", "content": content}
        case {"content": [*parts]} if all(isinstance(part, dict) for part in parts):
            return {"type": "content", "content": "".join(str(part.get("text", "")) for part in parts)}
    raise BadRequest("prediction needs content.", code="invalid_value", param="prediction.content")
