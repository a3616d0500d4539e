"""Tools, the choice among them, and the form of the answer, in the shape Mistral accepts.

Mistral takes at most 128 functions, names of `[a-zA-Z0-9_-]{1,64}`, and `any` where OpenAI says `required`; a choice
without tools is refused, and `none` is honoured most safely by leaving the tools out (docs of 2026-08-21).
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.errors import BadRequest
from router.wire.names import check_name
from router.wire.schema import safe_schema


class Function(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    parameters: dict[str, Any]
    description: str | None = None
    strict: bool = False


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    function: Function
    type: str = "function"


class Named(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class NamedChoice(msgspec.Struct, frozen=True, kw_only=True):
    function: Named
    type: str = "function"


class Toolbox(msgspec.Struct, frozen=True, kw_only=True):
    """`choice` is auto, any, or a named function; None stands for auto."""

    tools: tuple[Tool, ...] = ()
    choice: str | NamedChoice | None = None


class JsonSchema(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"definition": "schema"}):
    name: str
    definition: dict[str, Any]
    description: str | None = None
    strict: bool = False


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`type` is text, json_object or json_schema."""

    type: str
    json_schema: JsonSchema | None = None


class IncomingFunction(msgspec.Struct, kw_only=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class IncomingTool(msgspec.Struct, kw_only=True):
    type: str = "function"
    function: IncomingFunction | None = None


def read_toolbox(
    tools: list[IncomingTool] | None,
    functions: list[IncomingFunction] | None,
    choice: str | dict[str, Any] | None,
) -> Toolbox:
    """The tools that may be called. `functions` is OpenAI's forerunner of `tools`; `choice` takes both dialects."""
    offered = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools or ())]
    offered += [_function(function, f"functions[{index}]") for index, function in enumerate(functions or ())]
    if not offered:
        if choice not in (None, "none", "auto"):
            raise BadRequest(
                "tool_choice asks for a tool, but there are no tools.",
                code="tool_choice_without_tools",
                param="tool_choice",
            )
        return Toolbox()
    match choice:
        case None | "auto":
            return Toolbox(tools=tuple(offered))
        case "none":
            return Toolbox()
        case "any" | "required":
            return Toolbox(tools=tuple(offered), choice="any")
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(allowed), **rest}}:
            return _allowed(offered, allowed, rest.get("mode"))
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            if name not in {tool.function.name for tool in offered}:
                raise BadRequest(
                    f"tool_choice names {name!r}, which is not among the tools.",
                    code="unknown_tool",
                    param="tool_choice.function.name",
                )
            return Toolbox(tools=tuple(offered), choice=NamedChoice(function=Named(name=name)))
    raise BadRequest(
        'tool_choice must be "auto", "none", "any", "required" or {"type": "function", "function": {"name": …}}.',
        code="invalid_tool_choice",
        param="tool_choice",
    )


def _allowed(offered: list[Tool], allowed: list[Any], mode: object) -> Toolbox:
    meant = [entry.get("function", entry) for entry in allowed if isinstance(entry, dict)]
    names = [entry.get("name") for entry in meant if isinstance(entry, dict)]
    kept = tuple(tool for tool in offered if tool.function.name in names)
    if not kept:
        raise BadRequest("allowed_tools names none of the tools.", code="unknown_tool", param="tool_choice")
    return Toolbox(tools=kept, choice="any" if mode == "required" else None)


def _tool(tool: IncomingTool, place: str) -> Tool:
    if tool.type != "function" or tool.function is None:
        raise BadRequest(
            f"{place} is of type {tool.type!r}; only function tools are served.",
            code="unsupported_tool_type",
            param=f"{place}.type",
        )
    return _function(tool.function, f"{place}.function")


def _function(function: IncomingFunction, place: str) -> Tool:
    check_name(function.name, f"{place}.name")
    parameters = safe_schema(function.parameters or {"type": "object", "properties": {}}, f"{place}.parameters")
    return Tool(
        function=Function(
            name=function.name,
            description=function.description,
            parameters=parameters,
            strict=bool(function.strict),
        )
    )


def read_format(raw: dict[str, Any] | None) -> ResponseFormat | None:
    """The wanted form of the answer; None for plain text."""
    if not raw:  # to Mistral an empty one is the default, text
        return None
    match raw:
        case {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return ResponseFormat(type="json_object")
        case {"type": "json_schema", "json_schema": {"name": str(name), "schema": dict(schema), **rest}}:
            return ResponseFormat(
                type="json_schema",
                json_schema=JsonSchema(
                    name=name,
                    definition=safe_schema(schema, "response_format.json_schema.schema"),
                    description=str(rest["description"]) if rest.get("description") else None,
                    strict=bool(rest.get("strict")),
                ),
            )
        case {"type": "json_schema"}:
            raise BadRequest(
                "response_format.json_schema needs a name and a schema.",
                code="invalid_response_format",
                param="response_format.json_schema",
            )
    raise BadRequest(
        "response_format.type must be text, json_object or json_schema.",
        code="invalid_response_format",
        param="response_format.type",
    )
