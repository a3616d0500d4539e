"""The operations plane's description: whole, valid, and true of real answers; errors as problem details."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema_rs
import pytest

from router.api.answers import ANSWERS
from router.api.openapi import QUERIES
from router.core.filters import FILTERS
from tests.pages import sources
from tests.running import ADMIN_KEY, Router, call

HTTP = ("get", "post", "put", "patch", "delete")
# What OpenAPI 3.1 asks of the parts that are used here (specification, version 3.1.0).
NAMED = {"type": "object", "minProperties": 1, "propertyNames": {"pattern": "^[A-Za-z0-9._-]+$"}}
CONTENT = {
    "type": "object",
    "additionalProperties": {"type": "object", "required": ["schema"], "properties": {"schema": {"type": "object"}}},
}
ANSWER = {
    "anyOf": [
        {"type": "object", "required": ["$ref"]},
        {"type": "object", "required": ["description"], "properties": {"content": CONTENT}},
    ]
}
PARAMETER = {
    "type": "object",
    "required": ["name", "in", "schema"],
    "properties": {"in": {"enum": ["path", "query"]}, "required": {"type": "boolean"}},
    "if": {"properties": {"in": {"const": "path"}}},
    "then": {"properties": {"required": {"const": True}}},
}
OPERATION = {
    "type": "object",
    "required": ["operationId", "summary", "responses"],
    "properties": {
        "operationId": {"type": "string", "minLength": 1},
        "summary": {"type": "string", "minLength": 1},
        "parameters": {"type": "array", "items": PARAMETER},
        "requestBody": {"type": "object", "required": ["content"], "properties": {"content": CONTENT}},
        "responses": {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {"^([1-5][0-9X]{2}|default)$": ANSWER},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
OPENAPI = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {"type": "object", "required": ["title", "version"]},
        "paths": {
            "type": "object",
            "patternProperties": {
                "^/": {"type": "object", "propertyNames": {"enum": list(HTTP)}, "additionalProperties": OPERATION}
            },
            "additionalProperties": False,
        },
        "components": {"type": "object", "properties": {"schemas": NAMED, "responses": NAMED}},
    },
}


@pytest.fixture
def document(router: Router) -> Any:
    return router.admin("GET", "/openapi.json").json


def routes() -> set[tuple[str, str]]:
    """Every call of the plane, as the code declares it."""
    return {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", path))
        for _, text in sources()
        for method, path in re.findall(r'@(get|post|put|patch|delete)\(\s*"([^"]+)"', text)
        if path.startswith("/admin")
    }


def test_every_route_is_described_and_nothing_else(document: Any) -> None:
    described = {(method, path) for path, calls in document["paths"].items() for method in calls}
    assert len(described) > 15
    assert described == routes()


def test_every_call_has_an_answer_and_every_answer_a_call(document: Any) -> None:
    names = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    assert len(names) == len(set(names))
    assert set(names) == set(ANSWERS), "a call needs its row in router/api/answers.py"
    asked = {
        parameter["name"]
        for calls in document["paths"].values()
        for call in calls.values()
        for parameter in call["parameters"]
        if parameter["in"] == "query"
    }
    assert set(QUERIES) <= asked


def test_the_document_has_the_form_of_openapi_and_its_schemas_are_schemas(document: Any) -> None:
    jsonschema_rs.Draft202012Validator(OPENAPI).validate(document)
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert name
    for reference in re.findall(r"'\$ref': '([^']+)'", str(document)):
        _, _, kind, name = reference.split("/")
        assert name in document["components"][kind], reference
    for path, calls in document["paths"].items():
        for operation in calls.values():
            told = [entry["name"] for entry in operation["parameters"] if entry["in"] == "path"]
            assert told == re.findall(r"\{(\w+)\}", path)


def test_the_description_needs_the_admin_key(router: Router) -> None:
    address = f"{router.url}/admin/v1/openapi.json"
    assert call(address).status == 401
    assert call(address, key=router.key).status == 401
    assert call(address, key=ADMIN_KEY).status == 200


def holds(document: Any, method: str, path: str, status: int, answer: Any) -> None:
    """`answer` is what the document says of that call; a field that the shape does not know is a mistake."""
    schema = document["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
    closed = {name: closing(one) for name, one in document["components"]["schemas"].items()}
    whole = {**schema, "components": {"schemas": closed}}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(answer)


def closing(schema: Any) -> Any:
    if schema.get("type") == "object" and "properties" in schema:
        return {**schema, "additionalProperties": False}
    return schema


def test_real_answers_are_as_described(router: Router, document: Any) -> None:
    base = "/admin/v1"

    def same(method: str, at: str, path: str, body: Any = None, status: int = 200) -> Any:
        reply = router.admin(method.upper(), at, body)
        assert reply.status == status, reply.body
        holds(document, method, base + path, status, reply.json)
        return reply.json

    made = same("post", "/keys", "/keys", {"team": "apps", "name": "described"}, 201)
    key = made["id"]
    same("get", "/keys", "/keys")
    same("post", f"/keys/{key}/rotate", "/keys/{key_id}/rotate", {"grace_s": 0})
    reply = router.chat(max_tokens=5, headers={"x-router-explain": "enabled"})
    router.chat(max_tokens=900_000)
    same("get", "/usage?group_by=model", "/usage")
    same("get", "/records?limit=5", "/records")
    same("get", f"/records/{reply.headers['x-request-id']}", "/records/{request_id}")
    same("get", "/policies", "/policies")
    same("get", "/upstream", "/upstream")
    same("get", "/models", "/models")
    name = "ministral-3b-2512"
    same("post", f"/models/{name}/disable", "/models/{model_id}/disable", {"for_s": 5, "reason": "a test"})
    same("get", "/models", "/models")
    same("post", f"/models/{name}/enable", "/models/{model_id}/enable")
    same("delete", "/pin-all", "/pin-all")
    same("get", "/unconfirmed", "/unconfirmed")
    same("get", f"/keys/{key}", "/keys/{key_id}")
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    grants = "/policies/{team}/grants"
    given = same("post", "/policies/apps/grants", grants, {"usd": "5", "until": until, "reason": "a test"}, 201)
    same("get", "/policies/apps/grants", grants)
    same("get", "/policies/apps", "/policies/{team}")
    kept = same("get", "/backup", "/backup")
    same("delete", f"/policies/apps/grants/{given['id']}", "/policies/{team}/grants/{grant_id}")
    same("post", "/restore", "/restore", {"version": 1, "pepper": kept["pepper"], "keys": kept["keys"][:1]})
    same("delete", f"/keys/{key}", "/keys/{key_id}")
    same("get", "/audit?limit=3", "/audit")


@pytest.mark.parametrize(
    ("method", "path", "body", "key", "status", "code"),
    [
        ("GET", "/usage?group_by=colour", None, ADMIN_KEY, 400, "invalid_value"),
        ("GET", "/usage", None, "wrong", 401, "invalid_api_key"),
        ("GET", "/records/nobody", None, ADMIN_KEY, 404, "not_found"),
        ("GET", "/nothing", None, ADMIN_KEY, 404, "not_found"),
        ("PATCH", "/keys", {}, ADMIN_KEY, 405, "invalid_request"),
        ("POST", "/keys", {"team": "apps"}, ADMIN_KEY, 400, "invalid_request"),
    ],
)
def test_errors_of_the_plane_are_problem_details_around_the_error(
    router: Router, document: Any, method: str, path: str, body: Any, key: str, status: int, code: str
) -> None:
    reply = call(f"{router.url}/admin/v1{path}", method, body, key)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    problem = reply.json
    assert (problem["status"], problem["detail"]) == (status, problem["error"]["message"])
    assert problem["type"] == f"urn:problem-type:mistral-router:{code}"
    assert (problem["error"]["code"], problem["error"]["source"]) == (code, "router")
    shape = document["components"]["responses"]["Problem"]["content"]["application/problem+json"]["schema"]
    jsonschema_rs.Draft202012Validator({**shape, "components": document["components"]}).validate(problem)


def test_errors_elsewhere_keep_the_form_that_sdks_know(router: Router) -> None:
    for path in ("/v1/models", "/dashboard", "/nothing", "/administration"):
        reply = call(f"{router.url}{path}")
        assert reply.status in (401, 404)
        assert reply.headers["content-type"].startswith("application/json")
        assert set(reply.json) == {"error"}


def test_a_question_that_was_not_meant_is_refused_by_every_call(router: Router) -> None:
    paths = router.admin("GET", "/openapi.json").json["paths"]
    asked = [path.removeprefix("/admin/v1") for path, calls in paths.items() if "get" in calls]
    assert len(asked) > 10
    for path in asked:
        place = re.sub(r"\{\w+\}", "some", path)
        reply = router.admin("GET", f"{place}?tema=search")
        assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_value", "tema"), path
    usage = router.admin("GET", "/usage?team=search&team=apps")
    assert (usage.status, usage.error["param"], usage.json["detail"]) == (400, "team", "team is given 2 times.")
    assert "there are since, until, cursor, limit." in router.admin("GET", "/audit?team=search").json["detail"]


def test_every_filter_of_records_is_described(router: Router) -> None:
    described = router.admin("GET", "/openapi.json").json["paths"]["/admin/v1/records"]["get"]["parameters"]
    assert {one["name"] for one in described} == {"team", *FILTERS, "since", "until", "cursor", "limit"}


def test_a_span_of_changes_is_checked_as_any_other(router: Router) -> None:
    for wrong in ("since=2026-11-27&until=2026-11-26", "until="):
        assert router.admin("GET", f"/audit?{wrong}").status == 400, wrong


def test_a_key_is_rotated_without_a_body_and_made_with_one(router: Router) -> None:
    made = router.admin("POST", "/keys", {"team": "search", "name": "to be rotated"}).json
    turned = call(f"{router.url}/admin/v1/keys/{made['id']}/rotate", "POST", key=ADMIN_KEY)
    assert (turned.status, turned.json["id"]) == (200, made["id"])
    assert turned.headers["cache-control"] == "no-store", "it tells a secret"
    nothing = call(f"{router.url}/admin/v1/keys", "POST", key=ADMIN_KEY)
    assert (nothing.status, nothing.json["detail"]) == (400, "The request needs a body, a JSON object.")
