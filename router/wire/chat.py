"""A chat request: read leniently from either dialect, rebuilt for Mistral by allow-list.

Mistral forbids unknown fields at every level (422 `extra_forbidden`), so the body sent upstream is never the app's own:
it is built anew from what was read. OpenAI's names are translated; what nothing reads is dropped and named, so that
the caller can be told. Field list: Mistral's OpenAPI file of 2026-08-21.
"""

from __future__ import annotations

import enum
import re
from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.fitting import fit
from router.wire.messages import IncomingMessage, Message, read_messages
from router.wire.schema import SchemaProfile
from router.wire.tools import (
    IncomingFunction,
    IncomingTool,
    ResponseFormat,
    Toolbox,
    read_format,
    read_toolbox,
)

# OpenAI allows up to 2; Mistral refuses more than 1.5.
TEMPERATURE_MAX: Final = 1.5
N_MAX: Final = 16
TAGS_MAX: Final = 8
MODEL_LETTERS_MAX: Final = 256
DROPPED_MAX: Final = 64
DROPPED_LETTERS_MAX: Final = 64


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
    safe_prompt: bool | None = None
    guardrails: list[dict[str, Any]] | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`reasoning` is high, none, or None when the app did not say. `dropped` names what nobody reads."""

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stream: bool = False
    include_usage: bool = False
    toolbox: Toolbox = Toolbox()
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: str | None = None
    tags: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

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


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may hold, whatever its size in bytes."""

    messages_max: int = 2_048
    tools_max: int = 128


_decode = msgspec.json.Decoder(IncomingChat)
_decode_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_KNOWN: Final = frozenset(IncomingChat.__struct_fields__)
# Efforts below medium are cheaper without thinking at all; Mistral's models know only these two (docs of 2026-08-21).
_EFFORTS: Final = {
    "none": "none", "minimal": "none", "low": "none", "medium": "high", "high": "high", "xhigh": "high", "max": "high",
}  # fmt: skip


def parse_chat(body: bytes, bounds: Bounds) -> ChatRequest:
    """The request in `body` (JSON). Raises `BadRequest` with the place and the remedy."""
    try:
        raw = _decode.decode(body)
        keys = _decode_keys.decode(body).keys()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error) from error
    return read_chat(raw, sorted(key for key in keys if key not in _KNOWN), bounds)


def read_chat(raw: IncomingChat, dropped: list[str], bounds: Bounds) -> ChatRequest:
    """The request that `raw` means. `dropped` names what was left out so far, and is added to.

    Raises `BadRequest` with the place and the remedy.
    """
    if len(raw.model) > MODEL_LETTERS_MAX:
        raise BadRequest(f"model is longer than {MODEL_LETTERS_MAX} letters.", code="invalid_value", param="model")
    if len(raw.messages) > bounds.messages_max:
        raise BadRequest(f"More than {bounds.messages_max} messages.", code="too_many_messages", param="messages")
    if len(raw.tools or ()) + len(raw.functions or ()) > bounds.tools_max:
        raise BadRequest(f"More than {bounds.tools_max} tools.", code="too_many_tools", param="tools")
    toolbox = read_toolbox(raw.tools, raw.functions, _choice(raw))
    response_format = read_format(raw.response_format)
    # The full profile is the laxest: what does not fit it fits no model.
    if misfit := fit(toolbox, response_format, SchemaProfile.FULL).misfit:
        raise misfit.refusal()
    metadata, tags = _tags(raw.metadata)
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
        # Named in a header and a record, so a body full of inventions must not make those large.
        dropped=tuple(name[:DROPPED_LETTERS_MAX] for name in dropped[:DROPPED_MAX]),
    )


def unreadable(error: Exception) -> BadRequest:
    """A `BadRequest` for a body that does not decode: not JSON, or a wrong type at a named place."""
    if isinstance(error, msgspec.ValidationError):
        what, _, path = str(error).partition(" - at `$")
        place = path.rstrip("`").lstrip(".") or None
        if missing := _MISSING.match(what):
            place = f"{place}.{missing[1]}" if place else missing[1]
            return BadRequest(f"{place} is required.", code="missing_field", param=place)
        return BadRequest(f"{what}{f' at {place}' if place else ''}.", code="invalid_type", param=place)
    if isinstance(error, RecursionError):
        return BadRequest("The body is nested too deeply.", code="nested_too_deeply")
    return BadRequest(f"The body is not valid JSON: {error}.", code="invalid_json")


def _choice(raw: IncomingChat) -> str | dict[str, Any] | None:
    return raw.tool_choice if raw.tool_choice is not None else raw.function_call


def _max_tokens(raw: IncomingChat) -> int | None:
    value = raw.max_completion_tokens if raw.max_completion_tokens is not None else raw.max_tokens
    if value is not None and value < 1:
        raise BadRequest("max_tokens must be at least 1.", code="invalid_value", param="max_tokens")
    return value


def _reasoning(raw: IncomingChat) -> str | None:
    if raw.reasoning_effort is None:
        return "high" if raw.prompt_mode == "reasoning" else None
    effort = _EFFORTS.get(raw.reasoning_effort)
    if effort is None:
        raise BadRequest(
            f"reasoning_effort must be one of {', '.join(_EFFORTS)}.", code="invalid_value", param="reasoning_effort"
        )
    return effort


def _tags(metadata: dict[str, Any] | None) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The metadata meant for the vendor, and the tags meant for the router."""
    if not metadata or "tags" not in metadata:
        return metadata or None, ()
    tags = metadata["tags"]
    fits = isinstance(tags, list) and len(tags) <= TAGS_MAX
    if not fits or not all(isinstance(tag, str) and 0 < len(tag) <= 64 for tag in tags):
        raise BadRequest(
            f"metadata.tags must be a list of at most {TAGS_MAX} strings of 1 to 64 characters.",
            code="invalid_value",
            param="metadata.tags",
        )
    rest = {key: value for key, value in metadata.items() if key != "tags"}
    return rest or None, tuple(dict.fromkeys(tags))


def _sampling(raw: IncomingChat, metadata: dict[str, Any] | None, dropped: list[str]) -> Sampling:
    _within("temperature", raw.temperature, 0, 2)
    _within("top_p", raw.top_p, 0, 1)
    _within("presence_penalty", raw.presence_penalty, -2, 2)
    _within("frequency_penalty", raw.frequency_penalty, -2, 2)
    _within("n", raw.n, 1, N_MAX)
    seed = raw.random_seed if raw.random_seed is not None else raw.seed
    key = raw.prompt_cache_key
    if key is not None and not (key.isascii() and key.isprintable() and len(key) <= 256):
        dropped.append("prompt_cache_key")
        key = None
    return Sampling(
        temperature=min(raw.temperature, TEMPERATURE_MAX) if raw.temperature is not None else None,
        # 0 means "only the likeliest token", which Mistral writes as a small number: its range excludes 0.
        top_p=(raw.top_p or 0.0001) if raw.top_p is not None else None,
        stop=raw.stop or None,
        random_seed=abs(seed)
        if (seed := raw.random_seed if raw.random_seed is not None else raw.seed) is not None
        else None,
        presence_penalty=raw.presence_penalty,
        frequency_penalty=raw.frequency_penalty,
        n=raw.n if raw.n != 1 else None,
        prediction=_prediction(raw.prediction),
        safe_prompt=raw.safe_prompt,
        guardrails=raw.guardrails or None,
        prompt_cache_key=key,
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


def _within(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise BadRequest(f"{name} must be from {low} to {high}.", code="invalid_value", param=name)
