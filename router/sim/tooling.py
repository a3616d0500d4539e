"""What tools and settings of a chat request must obey beyond their fields: schemas, names, efforts, JSON answers."""

import re
from typing import Any, Final

from router.sim import errors
from router.sim.catalog import Model
from router.sim.fields import EFFORTS
from router.sim.profiles import Rules

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# What is strict is compiled to a grammar, and these were seen to fail there (2025-08).
UNGRAMMATICAL: Final = ("$id", "$schema")
# Keywords that hold values instead of schemas, and those that hold schemas under names of the author's choice.
VALUES: Final = ("const", "enum", "default", "examples")
NAMED_SCHEMAS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependencies", "dependentSchemas")
DRAFT_7: Final = "http://json-schema.org/draft-07/schema#"


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        reason = "must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64."
        raise errors.wrong_call(f"Function name was {name} but {reason}")


def check_tools(body: dict[str, Any], model: Model) -> None:
    tools = body.get("tools") or []
    choice = body.get("tool_choice", "auto")
    if not tools and "tool_choice" in body:
        raise errors.wrong_request("Tool choice is only allowed when tools are specified")
    if tools and not model.can("tools"):
        raise errors.wrong_request("Function calling is not enabled for this model")
    functions = [tool["function"] for tool in tools if "function" in tool]
    for function in functions:
        check_name(function["name"])
        _check_schema(function)
    if isinstance(choice, dict) and choice["function"]["name"] not in {function["name"] for function in functions}:
        raise errors.wrong_request(f"Tool {choice['function']['name']} in tool_choice is not among the tools")


def _check_schema(function: dict[str, Any]) -> None:
    schema = function["parameters"]
    if reason := _schema_fault(schema):
        raise errors.wrong_tool_schema(reason)
    if function.get("strict"):
        _check_grammar(schema)


def _check_grammar(schema: dict[str, Any]) -> None:
    if keyword := first_keyword(schema, UNGRAMMATICAL):
        reason = f"failed to compile JSON schema: Unimplemented keys: {keyword}"
        raise errors.wrong_request(f"Grammar error: at 3(11): {reason}")


def _schema_fault(schema: dict[str, Any]) -> str | None:
    """Why this is no Draft 7 schema: the vendor's validator knows no other draft, whatever the schema says."""
    # Imported here, because most requests carry no schema.
    import jsonschema_rs

    try:
        jsonschema_rs.meta.validate({**schema, "$schema": DRAFT_7})
    except jsonschema_rs.ValidationError as error:
        return str(error.message)
    return None


def first_keyword(schema: Any, keywords: tuple[str, ...]) -> str | None:
    """The first of these keywords that a schema uses; a property that is called like one is no use of it."""
    if isinstance(schema, list):
        return next((found for item in schema if (found := first_keyword(item, keywords))), None)
    if not isinstance(schema, dict):
        return None
    if found := next((keyword for keyword in keywords if keyword in schema), None):
        return found
    for keyword, item in schema.items():
        if keyword in VALUES:
            continue
        inner = list(item.values()) if keyword in NAMED_SCHEMAS and isinstance(item, dict) else item
        if found := first_keyword(inner, keywords):
            return found
    return None


def check_settings(body: dict[str, Any], model: Model, rules: Rules) -> None:
    effort = body.get("reasoning_effort")
    # Native models know two efforts, and the older ones none; the third-party models know more.
    native: tuple[str, ...] = ("none", "high") if rules.efforts else ()
    known = native if model.family == "mistral" else EFFORTS
    if effort is not None and not (model.can("reasoning") and effort in known):
        raise errors.wrong_request(f"reasoning_effort='{effort}' is not supported for this model")
    response_format = body.get("response_format") or {}
    if response_format.get("type") == "json_schema":
        wanted = response_format.get("json_schema")
        if not wanted:
            raise errors.wrong_request("response_format of type json_schema needs json_schema")
        if reason := _schema_fault(wanted["schema"]):
            raise errors.wrong_request(f"Invalid JSON schema: {reason}")
        if wanted.get("strict"):
            _check_grammar(wanted["schema"])
    if body.get("prediction", {}).get("content") and (body.get("n") or 1) > 1:
        raise errors.wrong_request("n > 1 is not supported together with prediction")
