"""Tools and the choice among them, as the chat request has them."""

from __future__ import annotations

from typing import Any

import msgspec

from router.errors import BadRequest
from router.wire.anthropic.fields import take
from router.wire.tools import IncomingFunction, IncomingTool


class ClientTool(msgspec.Struct, kw_only=True):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class Choice(msgspec.Struct, kw_only=True):
    """`type` is auto, any, tool or none; `name` goes with tool."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


def read_tools(raw: list[dict[str, Any]] | None, dropped: list[str]) -> list[IncomingTool] | None:
    """The tools that the app runs. Raises `BadRequest`: `unsupported_tool_type` for Anthropic's own."""
    if raw is None:
        return None
    return [_tool(tool, f"tools[{index}]", dropped) for index, tool in enumerate(raw)]


def _tool(raw: dict[str, Any], place: str, dropped: list[str]) -> IncomingTool:
    kind = raw.get("type")
    if kind not in (None, "custom"):
        raise BadRequest(
            f"{place} is of type {kind!r}, which only Anthropic's models and servers know; "
            "send a tool of your own, with name, description and input_schema.",
            code="unsupported_tool_type",
            param=f"{place}.type",
        )
    tool = take(ClientTool, raw, place, dropped, named="tools")
    function = IncomingFunction(
        name=tool.name, description=tool.description, parameters=tool.input_schema, strict=tool.strict
    )
    return IncomingTool(function=function)


def read_choice(raw: dict[str, Any] | None, dropped: list[str]) -> tuple[str | dict[str, Any] | None, bool | None]:
    """The choice, and whether several calls at once are allowed: False, or None when the app did not say."""
    if raw is None:
        return None, None
    choice = take(Choice, raw, "tool_choice", dropped, named="tool_choice")
    parallel = False if choice.disable_parallel_tool_use else None
    match choice:
        case Choice(type="auto" | "any" | "none" as kind):
            return kind, parallel
        case Choice(type="tool", name=str(name)):
            return {"type": "function", "function": {"name": name}}, parallel
    raise BadRequest(
        'tool_choice must be {"type": "auto"}, {"type": "any"}, {"type": "none"} or {"type": "tool", "name": …}.',
        code="invalid_tool_choice",
        param="tool_choice",
    )
