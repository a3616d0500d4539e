"""Fill-in-the-middle: a prompt and what comes after it, read leniently and rebuilt by allow-list.

Field list: Mistral's OpenAPI file of 2026-08-21 (FIMCompletionRequest, no unknown fields).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

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
)

AUTO: Final = "auto"


class FimRequest(Request, frozen=True, kw_only=True):
    prompt: str
    suffix: str | None = None
    max_tokens: int | None = None
    min_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None


class _Incoming(msgspec.Struct, kw_only=True):
    prompt: str
    model: str = AUTO
    suffix: str | None = None
    max_tokens: int | None = None
    min_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    random_seed: int | None = None
    seed: int | None = None
    prompt_cache_key: str | None = None
    metadata: dict[str, Any] | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(_Incoming)


def parse_fim(body: bytes, bounds: Bounds) -> FimRequest:
    """The request in `body` (JSON). Raises `BadRequest` with the place and the remedy."""
    raw, dropped = decode(body, _decoder)
    check_model(raw.model)
    metadata, tags = split_tags(raw.metadata)
    seed = raw.random_seed if raw.random_seed is not None else raw.seed
    key = cache_key(raw.prompt_cache_key, dropped)
    return FimRequest(
        model=raw.model,
        prompt=raw.prompt,
        suffix=raw.suffix or None,
        max_tokens=at_least_one("max_tokens", raw.max_tokens),
        min_tokens=not_negative("min_tokens", raw.min_tokens),
        temperature=temperature(raw.temperature),
        top_p=top_p(raw.top_p),
        stop=raw.stop or None,
        random_seed=abs(seed) if seed is not None else None,
        prompt_cache_key=key,
        metadata=metadata,
        stream=bool(raw.stream),
        include_usage=bool((raw.stream_options or {}).get("include_usage")),
        tags=tags,
        dropped=named(dropped),
        warnings=clamped(raw.temperature),
    )
