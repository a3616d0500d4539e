"""Tools and the form of the answer as a model of one schema profile takes them, made once and then remembered.

Apps send the same tools with every turn, so what was made of a list is kept under the list's own JSON and the profile.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.grammar import obstacle
from router.wire.schema import Room, SchemaProfile, Unfit, rewrite
from router.wire.tools import ResponseFormat, Tool, Toolbox

# 128 lists of up to 256 kB; one is rarely above 50 kB (20 tools of GitHub's: 22 kB). Larger ones are made anew.
KEPT_MAX: Final = 128
KEPT_BYTES_MAX: Final = 262_144
FORMAT_PLACE: Final = "response_format.json_schema"


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Why a model of the profile cannot be sent the request: an error code, the place (a field path with a JSON pointer
    into the schema), and what is wrong there."""

    code: str
    place: str
    what: str

    def refusal(self) -> BadRequest:
        return BadRequest(f"The schema at {self.place} {self.what}.", code=self.code, param=self.place)


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """`tools` and `response_format` are JSON, empty when there is nothing to send. `lost` names, by place, what the
    model is not told or held to: `strict` that was taken back, keywords without which a schema accepts more."""

    tools: bytes = b""
    response_format: bytes = b""
    lost: tuple[str, ...] = ()
    misfit: Misfit | None = None


NOTHING_TO_FIT: Final = Fitted()


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one list of tools or one form. Numbers are positions in the list."""

    json: bytes = b""
    lost: tuple[tuple[int, str], ...] = ()
    unfit: tuple[int, str, str, str] | None = None  # position, code, pointer, what


_read_tools = msgspec.json.Decoder(tuple[Tool, ...])
_read_format = msgspec.json.Decoder(ResponseFormat)


def fit(toolbox: Toolbox, form: ResponseFormat | None, profile: SchemaProfile) -> Fitted:
    """What is sent to a model of that profile. The same arguments give the same bytes, so that the vendor's prompt
    cache holds."""
    if not toolbox.tools and form is None:
        return NOTHING_TO_FIT  # most requests, and they are asked about for each profile
    tools = response_format = _Made()
    if toolbox.tools:
        tools = (_kept_tools if len(toolbox.source) <= KEPT_BYTES_MAX else _tools)(toolbox.source, profile)
    if form is not None:
        source = msgspec.json.encode(form)
        response_format = (_kept_form if len(source) <= KEPT_BYTES_MAX else _form)(source, profile)
    return Fitted(
        tools=tools.json,
        response_format=response_format.json,
        lost=(
            *(f"{toolbox.places[position]}.{name}" for position, name in tools.lost),
            *(f"{FORMAT_PLACE}.{name}" for _, name in response_format.lost),
        ),
        misfit=_misfit(tools, toolbox.places, "parameters") or _misfit(response_format, (FORMAT_PLACE,), "schema"),
    )


def _misfit(made: _Made, places: tuple[str, ...], field: str) -> Misfit | None:
    if made.unfit is None:
        return None
    position, code, pointer, what = made.unfit
    return Misfit(code=code, place=f"{places[position]}.{field}{pointer}", what=what)


def _tools(source: bytes, profile: SchemaProfile) -> _Made:
    room, made, lost = Room(), [], []
    for position, tool in enumerate(_read_tools.decode(source)):
        function = tool.function
        try:
            parameters, strict, names = _schema(function.parameters, function.strict, profile, room, "parameters")
        except Unfit as unfit:
            return _Made(unfit=(position, unfit.code, unfit.pointer, unfit.what))
        lost += [(position, name) for name in names]
        changed = msgspec.structs.replace(function, parameters=_object(parameters), strict=strict)
        made.append(msgspec.structs.replace(tool, function=changed))
    return _Made(json=msgspec.json.encode(made), lost=tuple(lost))


def _form(source: bytes, profile: SchemaProfile) -> _Made:
    form = _read_format.decode(source)
    wanted = form.json_schema
    if wanted is None:
        return _Made(json=source)
    try:
        schema, strict, names = _schema(wanted.definition, wanted.strict, profile, Room(), "schema")
    except Unfit as unfit:
        return _Made(unfit=(0, unfit.code, unfit.pointer, unfit.what))
    changed = msgspec.structs.replace(wanted, definition=schema, strict=strict)
    made = msgspec.structs.replace(form, json_schema=changed)
    return _Made(json=msgspec.json.encode(made), lost=tuple((0, name) for name in names))


def _schema(
    schema: dict[str, Any], strict: bool, profile: SchemaProfile, room: Room, field: str
) -> tuple[dict[str, Any], bool, list[str]]:
    """The schema rewritten, whether it may be strict, and the names of what was lost."""
    rewritten = rewrite(schema, profile, room)
    lost = [f"{field}.{keyword}" for keyword in rewritten.widened]
    if strict and obstacle(rewritten.schema) is not None:
        strict = False
        lost.append("strict")
    return rewritten.schema, strict, lost


def _object(parameters: dict[str, Any]) -> dict[str, Any]:
    """A function's parameters are an object, also when the app names none."""
    if not parameters:
        return {"type": "object", "properties": {}}
    if parameters.get("type") == "object" and "properties" not in parameters:
        return {**parameters, "properties": {}}
    return parameters


# The only memories in this room. They are keyed by all that an outcome depends on, so nothing can tell they are there.
_kept_tools = functools.lru_cache(KEPT_MAX)(_tools)
_kept_form = functools.lru_cache(KEPT_MAX)(_form)
