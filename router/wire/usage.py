"""Usage as Mistral reports it. Three generations of field names are understood.

Now `prompt_tokens_details.cached_tokens`, until about February 2026 `num_cached_tokens`, and in places
`prompt_token_details` (recorded answers of 2025 and 2026).
"""

from __future__ import annotations

from typing import Any

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one generation. `cached_tokens` are part of `input_tokens`, never more than it."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


class _Details(msgspec.Struct, kw_only=True):
    cached_tokens: int | None = None


class _Reported(msgspec.Struct, kw_only=True):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None
    prompt_token_details: _Details | None = None
    num_cached_tokens: int | None = None


def counted_usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """Usage in place of one that never came: apps add it up and break without. It says of itself that it is a count."""
    total = input_tokens + output_tokens
    told = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens, "total_tokens": total}
    return {**told, "estimated": True}


def read_usage(raw: Any) -> Usage | None:
    """The usage in an answer's `usage` field; None when it is absent or makes no sense, so that nothing is charged
    on a guess."""
    try:
        reported = msgspec.convert(raw, _Reported)
    except msgspec.ValidationError:
        return None
    details = (reported.prompt_tokens_details, reported.prompt_token_details)
    told = [part.cached_tokens for part in details if part is not None] + [reported.num_cached_tokens]
    cached = next((count for count in told if count is not None), 0)
    if reported.prompt_tokens < 0 or reported.completion_tokens < 0:
        return None
    return Usage(
        input_tokens=reported.prompt_tokens,
        output_tokens=reported.completion_tokens,
        cached_tokens=min(max(cached, 0), reported.prompt_tokens),
    )
