"""Every row of the error table: status, type, code, param, source, and whether an SDK should try again."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests import running
from tests.running import Reply, Router, Simulator

HELLO = [{"role": "user", "content": "hello"}]
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def says(
    reply: Reply, status: int, code: str, param: str | None = None, *, kind: str = "invalid_request_error"
) -> dict[str, Any]:
    """The reply's error, which is exactly this one of the router's own."""
    assert (reply.status, reply.error["code"]) == (status, code), reply.body
    assert reply.error["type"] == kind
    assert reply.error["param"] == param
    assert reply.error["source"] == "router"
    assert reply.error["message"].strip()
    assert b"Traceback" not in reply.body
    return reply.error


def test_an_exhausted_budget_is_a_402_that_says_whose_how_much_and_until_when(router: Router) -> None:
    key = router.new_key("poor")
    reply = router.chat(key=key, max_tokens=1_000)
    budget = says(reply, 402, "budget_exceeded", kind="budget_exceeded")["budget"]
    assert budget.pop("resets_at").endswith("-01T00:00:00Z")
    assert float(budget.pop("estimate_usd")) > 0.00001
    assert budget == {
        "scope": "team",
        "id": "poor",
        "window": "month",
        "limit_usd": "0.000010000",
        "spent_usd": "0.000000000",
        "reserved_usd": "0.000000000",
    }
    assert reply.headers["x-should-retry"] == "false"
    assert reply.headers["x-router-budget-remaining-usd"] == "0.000010000"
    assert "retry-after" not in reply.headers


def test_a_tag_that_a_budget_names_is_an_account_of_its_own(router: Router) -> None:
    key = router.new_key("tagged")
    body = {"max_tokens": 500, "key": key}
    assert router.chat(**body).status == 200
    refused = router.chat(metadata={"tags": ["nightly"]}, **body)
    assert says(refused, 402, "budget_exceeded", kind="budget_exceeded")["budget"]["scope"] == "tag"
    assert router.chat(metadata={"tags": ["daily"]}, **body).status == 200


@pytest.mark.parametrize(
    "key", [None, "", "nonsense", "sk-mr-abc", f"sk-mr-{'a' * 12}-{'b' * 43}", "Bearer", "sk-mr-' OR 1=1 --"]
)
def test_a_missing_malformed_or_unknown_key_is_a_401(router: Router, key: str | None) -> None:
    for path in ("/v1/chat/completions", "/v1/route", "/v1/feedback"):
        reply = running.call(f"{router.url}{path}", "POST", {"model": "auto", "messages": HELLO}, key)
        says(reply, 401, "invalid_api_key", kind="authentication_error")
    says(running.call(f"{router.url}/v1/models", key=key), 401, "invalid_api_key", kind="authentication_error")


def test_a_secret_with_one_letter_changed_is_a_401(router: Router) -> None:
    key = router.key[:-1] + ("a" if router.key[-1] != "a" else "b")
    says(router.chat(key=key), 401, "invalid_api_key", kind="authentication_error")


def test_x_api_key_is_as_good_as_a_bearer_token(router: Router) -> None:
    reply = running.call(f"{router.url}/v1/models", headers={"x-api-key": router.key})
    assert reply.status == 200


def test_what_lies_outside_a_keys_scope_is_a_403(router: Router) -> None:
    small = router.new_key("apps", models=["ministral-8b-*"], endpoints=["chat"])
    says(router.chat(model="mistral-large-2512", key=small), 403, "not_allowed", "model", kind="permission_error")
    says(
        router.post("/v1/route", {"model": "auto", "messages": HELLO}, small),
        403,
        "not_allowed",
        kind="permission_error",
    )
    says(running.call(f"{router.url}/v1/models", key=small), 403, "not_allowed", kind="permission_error")
    served = router.chat(key=small, max_tokens=5)
    assert served.status == 200
    assert served.headers["x-router-model"] == "ministral-8b-2512"


def test_a_model_that_the_policy_does_not_allow_is_a_403(router: Router) -> None:
    says(router.chat(model="zai-glm-5-3"), 403, "not_allowed", "model", kind="permission_error")


def test_an_unknown_model_is_a_404_with_the_nearest_names(router: Router) -> None:
    error = says(router.chat(model="mistral-smal-latest"), 404, "model_not_found", "model")
    assert "mistral-small-latest" in error["nearest"]
    assert "mistral-small-latest" in error["message"]


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"{", "invalid_json", None),
        (b"\xff\xfe\x00", "invalid_json", None),
        (b'{"model": "auto", "messages": [{"role": "user", "content": "\\ud800"}]}', "invalid_json", None),
        (b"[]", "invalid_type", None),
        (b"null", "invalid_type", None),
        (b"1e999", "invalid_type", None),
        ({"messages": HELLO}, "missing_field", "model"),
        ({"messages": "hello"}, "invalid_type", "messages"),
        ({"messages": []}, "empty_messages", "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "invalid_type", "messages[0].content"),
        ({"messages": [{"role": "user"}]}, "empty_content", "messages[0].content"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "unknown_role", "messages[0].role"),
        ({"messages": [{"role": "system", "content": "x"}]}, "last_message_role", "messages[0].role"),
        ({"messages": [*HELLO, {"role": "assistant", "content": "x"}]}, "last_message_role", "messages[1].role"),
        ({"messages": [*HELLO, {"role": "tool", "content": "x"}]}, "tool_call_pairing", "messages[1]"),
        (
            {"messages": [*HELLO, {"role": "tool", "tool_call_id": "a", "content": "x"}]},
            "tool_call_pairing",
            "messages[1].tool_call_id",
        ),
        (
            {"messages": [*HELLO, {"role": "assistant", "tool_calls": [CALL]}, *HELLO]},
            "tool_call_pairing",
            "messages[2]",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
            "unsupported_content",
            "messages[0].content[0]",
        ),
        ({"temperature": "hot"}, "invalid_type", "temperature"),
        ({"temperature": 3}, "invalid_value", "temperature"),
        ({"top_p": -0.1}, "invalid_value", "top_p"),
        ({"n": 0}, "invalid_value", "n"),
        ({"max_tokens": 0}, "invalid_value", "max_tokens"),
        ({"max_tokens": 1.5}, "invalid_type", "max_tokens"),
        ({"stream": "yes"}, "invalid_type", "stream"),
        ({"stop": 5}, "invalid_type", "stop"),
        ({"metadata": {"tags": "nightly"}}, "invalid_value", "metadata.tags"),
        ({"reasoning_effort": "ultra"}, "invalid_value", "reasoning_effort"),
        ({"tools": [{"type": "web_search"}]}, "unsupported_tool_type", "tools[0].type"),
        ({"tool_choice": "any"}, "tool_choice_without_tools", "tool_choice"),
        ({"tools": [FUNCTION], "tool_choice": "sometimes"}, "invalid_tool_choice", "tool_choice"),
        (
            {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "hide"}}},
            "unknown_tool",
            "tool_choice.function.name",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "no spaces"}}]},
            "invalid_function_name",
            "tools[0].function.name",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "#"}}}]},
            "schema_recursive",
            "tools[0].function.parameters",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"$ref": "http://a/b"}}}]},
            "schema_external_ref",
            "tools[0].function.parameters",
        ),
        ({"response_format": {"type": "xml"}}, "invalid_response_format", "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "invalid_response_format", "response_format.json_schema"),
    ],
)
def test_a_body_that_cannot_be_meant_is_a_400_that_names_reason_and_place(
    router: Router, upstream: Simulator, body: Any, code: str, param: str | None
) -> None:
    whole = {"model": "auto", "messages": HELLO, **body} if isinstance(body, dict) else body
    if body == {"messages": HELLO}:
        whole = body
    reply = router.post("/v1/chat/completions", whole)
    says(reply, 400, code, param)
    assert reply.headers["x-request-id"].startswith("req_")
    assert "x-should-retry" not in reply.headers, "no SDK retries a 400"
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("headers", "param"),
    [
        ({"x-router-quality": "best"}, "x-router-quality"),
        ({"x-router-quality": "nan"}, "x-router-quality"),
        ({"x-router-quality": "1.5"}, "x-router-quality"),
        ({"x-router-max-cost-usd": "lots"}, "x-router-max-cost-usd"),
        ({"x-router-max-cost-usd": "-1"}, "x-router-max-cost-usd"),
        ({"x-router-timeout-ms": "soon"}, "x-router-timeout-ms"),
        ({"x-router-timeout-ms": "0"}, "x-router-timeout-ms"),
    ],
)
def test_a_header_that_cannot_be_meant_is_a_400_that_names_it(
    router: Router, headers: dict[str, str], param: str
) -> None:
    says(router.chat(headers=headers), 400, "invalid_value", param)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-stainless-retry-count": "9" * 5_000},
        {"x-stainless-retry-count": "-1"},
        {"x-stainless-read-timeout": "long"},
        {"traceparent": "caf\xe9"},
        {"user-agent": "\xff\xfe"},
        {"x-affinity": "a" * 5_000},
        {"idempotency-key": "\xe9" * 300},
    ],
)
def test_nonsense_in_headers_that_sdks_set_is_passed_over(router: Router, headers: dict[str, str]) -> None:
    reply = router.chat(headers=headers, max_tokens=5)
    assert reply.status == 200, reply.body


def test_when_no_model_can_serve_every_objection_and_the_smallest_change_are_told(router: Router) -> None:
    reply = router.chat("x", max_tokens=900_000, headers={"x-router-explain": "enabled"})
    error = says(reply, 400, "no_suitable_model", "model")
    objections = {entry["model"]: entry["objection"] for entry in error["models"]}
    assert objections["mistral-small-2603"] == "context_too_small"
    assert objections["zai-glm-5-3"] == "not_allowed"
    assert error["remedy"] in error["message"]
    assert reply.headers["x-router-reason"] == "none_suitable"
    assert reply.headers["x-router-attempts"] == "0"


def test_a_budget_header_below_every_price_says_what_would_be_enough(router: Router) -> None:
    refused = router.chat(max_tokens=50, headers={"x-router-max-cost-usd": "0.000000001"})
    remedy = says(refused, 400, "no_suitable_model", "model")["remedy"]
    enough = remedy.rpartition(" ")[2]
    assert router.chat(max_tokens=50, headers={"x-router-max-cost-usd": enough}).status == 200


def test_a_region_that_the_upstream_is_not_in_is_refused(router: Router, upstream: Simulator) -> None:
    error = says(router.chat(key=router.new_key("eu")), 400, "no_suitable_model", "model")
    assert {entry["objection"] for entry in error["models"]} == {"not_allowed", "wrong_region", "not_chat"}
    assert upstream.requests == []


# What the simulator does to a pinned request, and what the caller is told of it.
UPSTREAM = {
    "refused": ({"fault": "status", "status": 400}, 400, "invalid_request_error", "upstream_refused", None),
    "unprocessable": ({"fault": "status", "status": 422}, 400, "invalid_request_error", "upstream_refused", None),
    "too large": ({"fault": "status", "status": 413}, 413, "invalid_request_error", "request_too_large", None),
    "rate limited": ({"fault": "rate_limited"}, 429, "rate_limit_error", "upstream_rate_limited", "5"),
    "not on plan": ({"fault": "not_on_plan"}, 429, "rate_limit_error", "upstream_rate_limited", "false"),
    "unauthorised": ({"fault": "status", "status": 401}, 502, "server_error", "upstream_auth_error", "false"),
    "unpaid": ({"fault": "status", "status": 402}, 503, "server_error", "upstream_billing", "false"),
    "forbidden": ({"fault": "status", "status": 403}, 503, "server_error", "upstream_unavailable", "false"),
    "gone": ({"fault": "status", "status": 404}, 503, "server_error", "upstream_unavailable", "false"),
    "broken": ({"fault": "status", "status": 500}, 503, "server_error", "upstream_unavailable", "false"),
    "capacity": ({"fault": "capacity"}, 503, "server_error", "upstream_unavailable", "5"),
    "unavailable": ({"fault": "status", "status": 503}, 503, "server_error", "upstream_unavailable", "5"),
    "html": ({"fault": "html", "status": 500}, 503, "server_error", "upstream_unavailable", "false"),
    "gateway timeout": ({"fault": "html", "status": 504}, 504, "server_error", "upstream_timeout", "false"),
    "cloudflare": ({"fault": "html", "status": 522}, 504, "server_error", "upstream_timeout", "false"),
    "reset": ({"fault": "reset", "after_bytes": 0}, 502, "server_error", "upstream_bad_response", "false"),
    "reset in the body": ({"fault": "reset", "after_bytes": 50}, 502, "server_error", "upstream_bad_response", "false"),
    "truncated": ({"fault": "truncate"}, 502, "server_error", "upstream_bad_response", "false"),
    "error finish": ({"fault": "error_finish"}, 502, "server_error", "upstream_bad_response", "false"),
    "stalled": ({"fault": "stall"}, 504, "server_error", "upstream_timeout", "false"),
}


@pytest.mark.parametrize("name", UPSTREAM)
def test_what_the_upstream_does_reaches_the_caller_in_the_routers_words(
    battered: Router, upstream: Simulator, name: str
) -> None:
    fault, status, kind, code, again = UPSTREAM[name]
    upstream.faults({"times": None, "match": {"path": "/v1/chat/*"}, **fault})
    reply = battered.chat(model="mistral-large-2512", max_tokens=20, headers={"x-router-timeout-ms": "1500"})
    assert (reply.status, reply.error["type"], reply.error["code"]) == (status, kind, code), reply.body
    assert reply.error["source"] == "upstream"
    assert reply.headers["x-router-model"] == "mistral-large-2512", "a pinned model is served by that model or by none"
    assert reply.headers["x-request-id"]
    if again == "5":
        assert (reply.headers["retry-after"], reply.headers["retry-after-ms"]) == ("5", "5000")
        assert "x-should-retry" not in reply.headers
    else:
        assert reply.headers.get("x-should-retry") == again
        assert "retry-after" not in reply.headers
    assert {entry["body"]["model"] for entry in upstream.requests} == {"mistral-large-2512"}


def test_an_upstream_that_is_not_there_is_a_503(upstream: Simulator) -> None:
    with running.router("http://127.0.0.1:9") as alone:
        began = time.monotonic()
        reply = alone.chat()
        assert (reply.status, reply.error["code"]) == (503, "upstream_unavailable")
        assert reply.headers["x-should-retry"] == "false"
        assert time.monotonic() - began < 5
        assert alone.settled(1)["nano_usd"] == 0, "nothing was sent, so nothing can be billed"


def test_a_store_that_is_away_is_a_503_that_says_when_to_come_back(upstream: Simulator) -> None:
    with (
        running.valkey() as url,
        running.router(
            upstream.url, environ={"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": "pepper-0123456789"}
        ) as remote,
    ):
        assert remote.chat(max_tokens=5).status == 200
        running.store_command(url, "SHUTDOWN")
        running.wait_for(lambda: running.call(f"{remote.url}/readyz").status == 503)
        assert "store" in running.call(f"{remote.url}/readyz").json["cause"]
        assert running.call(f"{remote.url}/healthz").status == 200
        began = time.monotonic()
        reply = remote.chat()
        assert time.monotonic() - began < 3, "no request waits longer than the store's deadline"
        says(reply, 503, "budget_store_unavailable", kind="server_error")
        assert reply.headers["retry-after"] == "2"
        says(remote.admin("GET", "/usage"), 503, "budget_store_unavailable", kind="server_error")
        remote.kill()  # it would wait half a minute for a store that comes back
