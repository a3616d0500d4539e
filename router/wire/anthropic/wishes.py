"""What the answer shall be like: how much is thought before it, whether thoughts are shown, the schema it keeps to."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.anthropic.fields import drop, take

# Effort is about the whole answer, and `high` is Anthropic's default. So only what is asked beyond or below the middle
# says something about thinking; Mistral's models know it on or off.
_EFFORTS: Final = {"low": "none", "medium": None, "high": None, "xhigh": "high", "max": "high"}


class Thought(msgspec.Struct, kw_only=True):
    """`type` is enabled, disabled, adaptive or between_tools; `display` is summarized or omitted."""

    type: str
    display: str | None = None


class OutputConfig(msgspec.Struct, kw_only=True):
    effort: str | None = None
    format: dict[str, Any] | None = None


class OutputFormat(msgspec.Struct, kw_only=True):
    schema: dict[str, Any]
    type: str = "json_schema"


def read_reasoning(
    thinking: dict[str, Any] | None, output_config: dict[str, Any] | None, dropped: list[str]
) -> tuple[str | None, bool]:
    """The effort for the chat request, and whether thoughts are shown."""
    thought = take(Thought, thinking, "thinking", dropped, named="thinking") if thinking is not None else None
    effort = _effort(output_config or {})
    wish = _EFFORTS[effort] if effort else None
    match thought:
        case None | Thought(type="adaptive" | "between_tools"):
            decided = wish
        case Thought(type="enabled"):
            decided = "high"
        case Thought(type="disabled"):
            decided = "none"
        case _:
            raise BadRequest(
                "thinking.type must be enabled, disabled, adaptive or between_tools.",
                code="invalid_value",
                param="thinking.type",
            )
    if effort and (wish is None or decided != wish):
        drop(dropped, "output_config.effort")
    return decided, thought is None or thought.display != "omitted"


def _effort(output_config: dict[str, Any]) -> str | None:
    effort = output_config.get("effort")
    if effort is not None and (not isinstance(effort, str) or effort not in _EFFORTS):
        raise BadRequest(
            f"output_config.effort must be one of {', '.join(_EFFORTS)}.",
            code="invalid_value",
            param="output_config.effort",
        )
    return effort


def read_form(
    output_config: dict[str, Any] | None, output_format: dict[str, Any] | None, dropped: list[str]
) -> tuple[dict[str, Any] | None, str]:
    """The form of the answer for the chat request, and the field that asked for it."""
    config = take(OutputConfig, output_config or {}, "output_config", dropped, named="output_config")
    # The beta's name for it, before it moved.
    form, place = (
        (config.format, "output_config.format") if config.format is not None else (output_format, "output_format")
    )
    if form is None:
        return None, place
    wanted = take(OutputFormat, form, place, dropped, named=place)
    if wanted.type != "json_schema":
        raise BadRequest(f"{place}.type must be json_schema.", code="invalid_response_format", param=f"{place}.type")
    # Anthropic holds the answer to the schema; Mistral calls that strict, and wants a name.
    schema = {"name": "answer", "schema": wanted.schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema}, place
