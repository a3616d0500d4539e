"""The operations plane's description of itself, OpenAPI 3.1, made of its handlers' paths, signatures, docstrings.

Litestar has a maker of its own, which also serves pages that load scripts from elsewhere, and can say nothing of what a
handler answers that returns a mapping.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from router import __version__
from router.api.answers import ANSWERS
from router.api.asking import PATH_PARAMETER, query_parameters
from router.store.records import GROUPS

_REF: Final = "#/components/schemas/{name}"
_INSTANT: Final = "a date, an ISO time (UTC when it names no zone) or epoch milliseconds"
# What a question's parameters may say, by name.
QUERIES: Final[dict[str, dict[str, Any]]] = {
    "since": {"description": f"From then on: {_INSTANT}.", "schema": {"type": "string"}},
    "until": {"description": f"Before then: {_INSTANT}.", "schema": {"type": "string"}},
    "cursor": {"description": "The `next` of an earlier page.", "schema": {"type": "string"}},
    "limit": {"schema": {"type": "integer", "minimum": 1, "maximum": 1_000}},
    "group_by": {"schema": {"type": "string", "enum": list(GROUPS)}},
}


class ErrorObject(msgspec.Struct, kw_only=True):
    """What went wrong, in OpenAI's form. Some codes have fields of their own."""

    message: str
    type: str
    code: str
    param: str | None
    source: str


class Problem(msgspec.Struct, kw_only=True):
    """RFC 9457, with the error as the data plane would have it."""

    type: str
    title: str
    status: int
    detail: str
    error: ErrorObject


def describe(handlers: Iterable[HTTPRouteHandler]) -> dict[str, Any]:
    """The document. Deterministic, plain JSON."""
    shapes: list[Any] = [Problem]
    calls = []
    for handler in handlers:
        hints = get_type_hints(handler.fn)
        answer = ANSWERS.get(handler.fn.__name__, dict[str, Any])
        shapes += [answer, *([hints["data"]] if "data" in hints else [])]
        calls += [(path, method, handler, hints, answer) for path in handler.paths for method in handler.http_methods]
    schemas, components = msgspec.json.schema_components(shapes, schema_hook=_anything, ref_template=_REF)
    of = dict(zip(map(str, shapes), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler, hints, answer in calls:
        operation = _operation(handler, path, hints, of, of[str(answer)])
        paths.setdefault(PATH_PARAMETER.sub(r"{\1}", path), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mistral-router: operations plane",
            "version": __version__,
            "description": "Keys, usage, records, switches, reconciliation and backup of a running router.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"adminKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "adminKey": {"type": "http", "scheme": "bearer", "description": "ROUTER_ADMIN_KEY of the router."}
            },
            "responses": {
                "Problem": {
                    "description": "Refused, or failed. `error.code` names the reason.",
                    "content": {"application/problem+json": {"schema": of[str(Problem)]}},
                }
            },
            "schemas": components,
        },
    }


def _operation(
    handler: HTTPRouteHandler, path: str, hints: dict[str, Any], schemas: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    said = inspect.getdoc(handler.fn) or ""
    operation: dict[str, Any] = {
        "operationId": handler.fn.__name__,
        "summary": " ".join(said.split("\n\n")[0].split()),
        "parameters": list(_parameters(handler, path)),
        "responses": {
            str(handler.status_code): {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if "data" in hints:
        content = {"application/json": {"schema": schemas[str(hints["data"])]}}
        operation["requestBody"] = {"required": NoneType not in get_args(hints["data"]), "content": content}
    return operation


def _parameters(handler: HTTPRouteHandler, path: str) -> Iterator[dict[str, Any]]:
    for name in PATH_PARAMETER.findall(path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, parameter in query_parameters(handler).items():
        known = QUERIES.get(name, {"schema": {"type": "string"}})
        schema = dict(known["schema"])
        if parameter.default not in (None, inspect.Parameter.empty):
            schema["default"] = parameter.default
        required = parameter.default is inspect.Parameter.empty
        yield {"name": name, "in": "query", "required": required, **known, "schema": schema}


def _anything(_: type) -> dict[str, Any]:
    return {"description": "Any JSON."}


def description_route(handlers: Iterable[HTTPRouteHandler]) -> HTTPRouteHandler:
    """`GET /admin/v1/openapi.json` about `handlers` and itself. The document is made when it is first asked for."""

    @get("/admin/v1/openapi.json", sync_to_thread=False)
    def description() -> Response[bytes]:
        """This description."""
        return Response(document(), media_type="application/json")

    @cache
    def document() -> bytes:
        return msgspec.json.encode(describe([*handlers, description]))

    return description
