"""Two planes, two kinds of keys: what each key opens, how it ends, and that neither opens the other's doors."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, call, wait_for

HELLO = [{"role": "user", "content": "hello"}]
DATA = (("POST", "/v1/chat/completions"), ("POST", "/v1/route"), ("POST", "/v1/feedback"), ("GET", "/v1/models"))
ADMIN = (
    ("GET", "/admin/v1/keys"), ("POST", "/admin/v1/keys"), ("DELETE", "/admin/v1/keys/x"),
    ("POST", "/admin/v1/keys/x/rotate"), ("GET", "/admin/v1/usage"), ("GET", "/admin/v1/records"),
    ("GET", "/admin/v1/records/x"), ("GET", "/admin/v1/policies"), ("GET", "/admin/v1/upstream"),
    ("GET", "/admin/v1/unconfirmed"), ("POST", "/admin/v1/unconfirmed/x"), ("GET", "/admin/v1/backup"),
    ("POST", "/admin/v1/restore"),
    ("GET", "/admin/v1/models"), ("POST", "/admin/v1/models/x/disable"), ("POST", "/admin/v1/models/x/enable"),
    ("POST", "/admin/v1/pin-all"), ("DELETE", "/admin/v1/pin-all"), ("GET", "/admin/v1/audit"),
    ("GET", "/admin/v1/openapi.json"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), DATA)
def test_the_admin_key_opens_nothing_on_the_data_plane(router: Router, method: str, path: str) -> None:
    for headers in ({"authorization": f"Bearer {ADMIN_KEY}"}, {"x-api-key": ADMIN_KEY}):
        reply = call(f"{router.url}{path}", method, {} if method == "POST" else None, headers=headers)
        assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(("method", "path"), ADMIN)
@pytest.mark.parametrize("key", ["a virtual key", "nothing", "", "x", ADMIN_KEY[:-1], ADMIN_KEY + "x"])
def test_only_the_admin_key_opens_the_operations_plane(router: Router, method: str, path: str, key: str) -> None:
    given = {"a virtual key": router.key, "nothing": None}.get(key, key)
    reply = call(f"{router.url}{path}", method, {} if method == "POST" else None, given)
    assert (reply.status, reply.error["code"]) == (401, "invalid_api_key"), reply.body


def test_on_a_host_that_is_not_loopback_the_metrics_need_the_admin_key(simulated: Simulator) -> None:
    with running.router(simulated.url, host="0.0.0.0") as public:
        local = public.url.replace("0.0.0.0", "127.0.0.1")
        assert call(f"{local}/metrics").status == 401
        assert call(f"{local}/metrics", key=public.key).status == 401
        assert call(f"{local}/metrics", key=ADMIN_KEY).status == 200
        assert call(f"{local}/healthz").status == 200
        assert call(f"{local}/dashboard").status == 401


def test_a_router_listens_on_ipv6_and_prints_an_address_that_works(simulated: Simulator) -> None:
    with running.router(simulated.url, host="::1") as six:
        assert six.url.startswith("http://[::1]:")
        assert six.chat(max_tokens=5).status == 200


def test_a_revoked_key_is_refused_within_five_seconds(router: Router) -> None:
    made = router.admin("POST", "/keys", {"team": "apps", "name": "short-lived"}).json
    assert router.chat(key=made["key"], max_tokens=5).status == 200
    gone = router.admin("DELETE", f"/keys/{made['id']}")
    assert gone.status == 200
    assert gone.json["revoked_at"]
    began = time.monotonic()
    wait_for(lambda: router.chat(key=made["key"], max_tokens=5).status == 401, 5)
    assert time.monotonic() - began < 5
    refused = router.chat(key=made["key"])
    assert refused.error["code"] == "invalid_api_key"
    assert "revoked" in refused.error["message"]
    again = router.admin("DELETE", f"/keys/{made['id']}")
    assert (again.status, again.json["revoked_at"]) == (200, gone.json["revoked_at"])
    assert router.admin("POST", f"/keys/{made['id']}/rotate", {"grace_s": 5}).status == 404


def test_a_rotated_key_gets_a_new_secret_and_the_old_one_ends_with_its_grace(router: Router) -> None:
    made = router.admin("POST", "/keys", {"team": "apps", "name": "rotated"}).json
    turned = router.admin("POST", f"/keys/{made['id']}/rotate", {"grace_s": 1.5}).json
    assert turned["id"] == made["id"]
    assert turned["key"] != made["key"]
    assert router.chat(key=turned["key"], max_tokens=5).status == 200
    assert router.chat(key=made["key"], max_tokens=5).status == 200, "in grace"
    wait_for(lambda: router.chat(key=made["key"], max_tokens=5).status == 401, 5)
    assert router.chat(key=turned["key"], max_tokens=5).status == 200


def test_a_rotation_without_grace_ends_the_old_secret_at_once(router: Router) -> None:
    made = router.admin("POST", "/keys", {"team": "apps", "name": "leaked"}).json
    turned = router.admin("POST", f"/keys/{made['id']}/rotate", {"grace_s": 0}).json
    wait_for(lambda: router.chat(key=made["key"], max_tokens=5).status == 401, 5)
    assert router.chat(key=turned["key"], max_tokens=5).status == 200


def test_a_key_ends_at_its_expiry(router: Router) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    key = router.new_key("apps", expires_at=soon)
    assert router.chat(key=key, max_tokens=5).status == 200
    wait_for(lambda: router.chat(key=key, max_tokens=5).status == 401, 5)
    assert "expired" in router.chat(key=key).error["message"]


def test_a_keys_scope_holds_for_every_endpoint_and_model(router: Router) -> None:
    keys = {
        "all": router.new_key("apps"),
        "chat": router.new_key("apps", endpoints=["chat"]),
        "models": router.new_key("apps", endpoints=["/v1/models"]),
        "small": router.new_key("apps", models=["mistral-small-*"]),
    }
    expected = {  # chat with auto, chat pinned to large, models, route
        "all": (200, 200, 200, 200),
        "chat": (200, 200, 403, 403),
        "models": (403, 403, 200, 403),
        "small": (200, 403, 200, 200),
    }
    for name, key in keys.items():
        got = (
            router.chat(key=key, max_tokens=5).status,
            router.chat(key=key, model="mistral-large-2512", max_tokens=5).status,
            call(f"{router.url}/v1/models", key=key).status,
            router.post("/v1/route", {"model": "auto", "messages": HELLO}, key).status,
        )
        assert got == expected[name], name
    listed = call(f"{router.url}/v1/models", key=keys["small"]).json["data"]
    assert {entry["id"] for entry in listed if not entry["id"].startswith("auto")} == {"mistral-small-2603"}
    assert router.chat(key=keys["small"], max_tokens=5).headers["x-router-model"] == "mistral-small-2603"


def test_the_models_list_serves_both_sdks_and_names_the_virtual_models_first(router: Router) -> None:
    data = call(f"{router.url}/v1/models", key=router.key).json["data"]
    assert [entry["id"] for entry in data[:4]] == ["auto", "auto:economy", "auto:balanced", "auto:quality"]
    for entry in data:
        assert entry["object"] == "model"
        assert entry["max_context_length"] > 0
        assert "completion_chat" in entry["capabilities"]
    assert call(f"{router.url}/v1/models/auto:quality", key=router.key).json["id"] == "auto:quality"
    assert call(f"{router.url}/v1/models/mistral-small-latest", key=router.key).json["id"] == "mistral-small-2603"
    missing = call(f"{router.url}/v1/models/nonsense", key=router.key)
    assert (missing.status, missing.error["code"]) == (404, "model_not_found")


def test_a_key_without_any_hard_budget_must_be_asked_for_by_name(router: Router) -> None:
    router.set_policy("free", 'team = "free"\n')
    refused = router.admin("POST", "/keys", {"team": "free", "name": "x"})
    assert (refused.status, refused.error["code"]) == (400, "no_budget")
    assert router.admin("POST", "/keys", {"team": "free", "name": "x", "unlimited": True}).status == 201


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/keys", {"team": "a}b{", "name": "x"}, 400),
        ("POST", "/keys", {"team": "apps", "name": ""}, 400),
        ("POST", "/keys", {"team": "apps", "name": "a\nb"}, 400),
        ("POST", "/keys", {"team": "apps", "name": "x", "colour": "red"}, 400),
        ("POST", "/keys", {"team": "apps"}, 400),
        ("POST", "/keys", [1], 400),
        ("POST", "/keys", b"{", 400),
        ("POST", "/keys", b"", 400),
        ("POST", "/keys", {"team": "apps", "name": "x", "expires_at": "2030-01-01T00:00:00"}, 400),
        ("POST", "/keys", {"team": "apps", "name": "x", "expires_at": "9999-12-31T23:59:59-01:00"}, 400),
        ("POST", "/keys", {"team": "apps", "name": "x", "endpoints": ["everything"]}, 400),
        ("POST", "/keys", {"team": "apps", "name": "x", "models": ["auto"]}, 400),
        ("POST", "/keys/nobody/rotate", {"grace_s": 5}, 404),
        ("POST", "/keys/nobody/rotate", {"grace_s": -5}, 400),
        ("DELETE", "/keys/nobody", None, 404),
        ("GET", "/records?limit=0", None, 400),
        ("GET", "/records?limit=many", None, 400),
        ("GET", "/records?cursor=next", None, 400),
        ("GET", f"/records?cursor={'9' * 40}-0", None, 400),
        ("GET", "/records?since=yesterday", None, 400),
        ("GET", "/records?since=1960-01-01", None, 200),
        ("GET", "/records?until=1970-01-01", None, 200),
        ("GET", "/records?until=0", None, 400),
        ("GET", "/records?team=nobody", None, 200),
        ("GET", "/records/nobody", None, 404),
        ("GET", "/usage?group_by=colour", None, 400),
        ("GET", f"/usage?since={'9' * 5000}", None, 400),
        ("GET", "/usage?since=1960-01-01&until=2999-01-01", None, 200),
        ("GET", "/usage?since=2026-11-23T10:00:00%2B01:00", None, 200),
        ("PATCH", "/keys", {}, 405),
        ("GET", "/nothing", None, 404),
    ],
)
def test_a_mistaken_operator_is_told_so_and_never_meets_a_500(
    router: Router, method: str, path: str, body: Any, status: int
) -> None:
    reply = router.admin(method, path, body)
    assert reply.status == status, reply.body
    if status >= 400:
        assert set(reply.error) >= {"message", "type", "code", "param", "source"}
        assert reply.error["message"]
    assert router.admin("GET", "/keys").status == 200, "the list of keys can still be read"
