"""Tools, the choice among them, and the form of the answer, put from the Responses format's flat forms into chat's."""

from __future__ import annotations

from typing import Any

import msgspec

from router.errors import BadRequest
from router.wire.responses.places import unfit
from router.wire.tools import IncomingFunction, IncomingTool


def chat_tools(tools: list[dict[str, Any]] | None) -> list[IncomingTool] | None:
    """Raises `BadRequest` for a tool that is no function: the others run on OpenAI's machines, or speak no JSON."""
    return [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)] if tools else None


def _tool(raw: dict[str, Any], place: str) -> IncomingTool:
    if raw.get("type") != "function":
        raise BadRequest(
            f"{place} is of type {raw.get('type')!r}; only function tools are served.",
            code="unsupported_tool_type",
            param=f"{place}.type",
        )
    try:
        return IncomingTool(function=msgspec.convert(raw, IncomingFunction))
    except msgspec.ValidationError as error:
        raise unfit(error, place) from error


def chat_choice(choice: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
    match choice:
        case None | "auto" | "none" | "required":
            return choice
        case {"type": "function", "name": str(name)}:
            return {"type": "function", "function": {"name": name}}
        case {"type": "allowed_tools", "tools": list(tools), **rest}:
            return {"type": "allowed_tools", "allowed_tools": {"tools": tools, "mode": rest.get("mode")}}
        case {"type": str(kind)} if kind not in ("function", "allowed_tools"):
            raise BadRequest(
                f"tool_choice is of type {kind!r}; only function tools are served.",
                code="unsupported_tool_type",
                param="tool_choice.type",
            )
    raise BadRequest(
        'tool_choice must be "auto", "none", "required", {"type": "function", "name": …} or '
        '{"type": "allowed_tools", "mode": …, "tools": […]}.',
        code="invalid_tool_choice",
        param="tool_choice",
    )


def chat_format(form: dict[str, Any] | None) -> dict[str, Any] | None:
    match form:
        case {"type": "json_schema", **fields}:
            return {"type": "json_schema", "json_schema": fields}
    return form
