"""The headers that the router reads, and those that it answers with."""

from __future__ import annotations

import re
import time

from tests.running import Router, Simulator, call

MONEY = re.compile(r"-?\d+\.\d{9}\Z")


def test_an_answer_carries_every_header_that_is_known(router: Router, upstream: Simulator) -> None:
    key = router.new_key("requests")
    reply = router.chat(key=key, max_tokens=40)
    told = reply.headers
    assert re.match(r"req_[0-9a-z]{26}\Z", told["x-request-id"])
    assert told["x-router-model"] == reply.json["model"] == upstream.requests[0]["body"]["model"]
    assert told["x-router-requested-model"] == "auto"
    assert told["x-router-reason"] == "cheapest_suitable"
    assert told["x-router-attempts"] == "1"
    assert float(told["x-router-overhead-ms"]) >= 0
    for name in ("x-router-cost-usd", "x-router-saved-usd", "x-router-budget-remaining-usd"):
        assert MONEY.match(told[name]), (name, told[name])
    assert int(told["x-router-cost-usd"].replace(".", "")) == upstream.bill["nano_usd"]
    assert told["x-router-budget-remaining-usd"] == f"{1000 - upstream.bill['nano_usd'] / 1e9:.9f}"
    assert told["x-ratelimit-limit-requests"] == "3"
    assert told["x-ratelimit-remaining-requests"] == "2"
    assert re.match(r"\d+s\Z", told["x-ratelimit-reset-requests"])
    assert reply.json["usage"]["cost"] == upstream.bill["nano_usd"] / 1e9
    assert "x-router-max-tokens" not in told, "the app gave its own bound"
    assert "x-router-dropped-params" not in told
    assert "router" not in reply.json, "an explanation comes only when asked for"


def test_every_answer_to_an_app_has_an_id(router: Router, upstream: Simulator) -> None:
    bad = {"x-router-timeout-ms": "soon"}
    replies = [
        router.chat(headers=bad),
        router.post("/v1/files", {}),
        router.post("/v1/feedback", {"request_id": "req_x", "good": True}),
        *(call(f"{router.url}/v1/{path}", key=router.key) for path in ("chat/completions", "models", "models/nope")),
        call(f"{router.url}/v1/models"),
    ]
    assert [reply.status for reply in replies] == [400, 404, 404, 405, 200, 404, 401]
    ids = [reply.headers.get("x-request-id", "") for reply in replies]
    assert all(re.match(r"req_[0-9a-z]{26}\Z", one) for one in ids), ids
    assert len(set(ids)) == len(ids)


def test_a_refusal_explains_itself_when_asked_and_has_chosen_nobody(router: Router, upstream: Simulator) -> None:
    explain = {"x-router-explain": "enabled"}
    poor = router.new_key("search", budget_usd="0.000001", window="day")
    slow = router.new_key("search", requests_per_minute=0)
    for status, key, more in ((402, poor, {}), (429, slow, {}), (400, None, {"x-router-max-cost-usd": "0"})):
        refused = router.chat(key=key, headers=explain | more)
        assert refused.status == status, refused.body
        told = refused.json["router"]
        assert (told["chosen"], told["attempts"], bool(told["order"])) == (None, [], status != 400)
        assert told["request_id"] == refused.headers["x-request-id"]
        kept = router.admin("GET", f"/records/{told['request_id']}").json["router"]
        assert (kept["chosen"], kept["models"]) == (None, told["models"])
        assert "router" not in router.chat(key=key, headers=more).json, "only when asked for"
    unknown = router.chat(model="nope", headers=explain)
    assert (unknown.status, "router" in unknown.json) == (404, False), "there was no plan"
    for path, body in (
        ("/v1/messages", {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello."}]}),
        ("/v1/responses", {"model": "auto", "input": "Hello."}),
    ):
        assert router.post(path, body, key=slow, headers=explain).json["router"]["chosen"] is None, path


def test_a_minute_that_has_begun_is_not_told_as_empty(router: Router, upstream: Simulator) -> None:
    told = router.chat(key=router.new_key("requests"), max_tokens=5).headers
    assert 60 <= int(told["x-ratelimit-reset-requests"].rstrip("s")) <= 65


def test_headers_of_the_upstream_do_not_come_down(router: Router) -> None:
    ours = {"date", "connection", "content-type", "content-length", "x-request-id"}
    for name in router.chat(max_tokens=5).headers:
        assert name in ours or name.startswith(("x-router-", "x-ratelimit-")), name


def test_the_default_bound_on_the_answer_is_sent_and_told(router: Router, upstream: Simulator) -> None:
    reply = router.chat()
    assert reply.headers["x-router-max-tokens"] == "8192;default"
    assert upstream.requests[0]["body"]["max_tokens"] == 8192


def test_what_the_vendor_does_not_know_is_dropped_and_named(router: Router, upstream: Simulator) -> None:
    unknown = {"store": True, "user": "jane", "logit_bias": {"5": 1}, "service_tier": "priority", "zebra": 1}
    reply = router.chat(
        max_completion_tokens=5,
        seed=7,
        stream_options={"include_usage": True},
        messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "name": "jane", "content": "Hi."}],
        **unknown,
    )
    assert reply.status == 200, reply.body
    dropped = reply.headers["x-router-dropped-params"].split(",")
    assert set(dropped) >= {*unknown, "messages.name"}
    (sent,) = [entry["body"] for entry in upstream.requests]
    assert not unknown.keys() & sent.keys()
    assert sent["max_tokens"] == 5
    assert sent["random_seed"] == 7
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]


def test_organization_project_cookies_and_sdk_headers_never_reach_the_upstream(
    router: Router, upstream: Simulator
) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    told = {
        "openai-organization": "org-canary",
        "openai-project": "proj-canary",
        "cookie": "session=canary",
        "x-stainless-lang": "canary",
        "x-stainless-retry-count": "1",
        "x-forwarded-for": "203.0.113.9",
        "x-api-key": "canary",
        "x-anything": "canary",
        "idempotency-key": "canary",
        "x-affinity": "canary",
        "accept-language": "canary",
        "user-agent": "canary/1.0",
        "referer": "https://canary.example",
        "traceparent": parent,
    }
    for stream in (False, True):
        assert router.chat(headers=told, stream=stream, max_tokens=5).status == 200
    assert len(upstream.requests) == 2
    for entry in upstream.requests:
        names = {name.lower() for name in entry["headers"]}
        expected = {
            "host", "authorization", "content-type", "content-length", "accept", "accept-encoding", "user-agent",
            "traceparent", "connection",
        }  # fmt: skip
        assert names == expected
        assert "canary/" not in str(entry["headers"])
        assert "203.0.113.9" not in str(entry)
        assert "org-canary" not in str(entry)
        assert router.key not in str(entry)


def test_explain_puts_the_whole_decision_into_the_answer(router: Router) -> None:
    explained = router.chat(headers={"x-router-explain": "enabled"}, max_tokens=5).json["router"]
    assert explained["chosen"] == explained["order"][0] == explained["attempts"][0]["model"]
    assert explained["attempts"][0]["outcome"] == "ok"
    assert explained["policy"] == {"team": "apps", "quality": 0.9}
    assert explained["classification"]["output_tokens_max"] == 5
    assert "router" not in router.chat(headers={"x-router-explain": "yes"}, max_tokens=5).json


def test_the_quality_header_moves_the_bar(router: Router) -> None:
    def bar(quality: str) -> float:
        explained = router.chat("Prove it.", headers={"x-router-quality": quality, "x-router-explain": "enabled"})
        return float(explained.json["router"]["threshold"])

    assert bar("economy") < bar("balanced") < bar("quality") < bar("1")
    assert bar("0.9") == bar("balanced")


def test_the_max_cost_header_leaves_dear_models_out(router: Router) -> None:
    headers = {"x-router-explain": "enabled", "x-router-quality": "0"}
    free = router.chat(headers=headers, max_tokens=1_000).json["router"]
    cheap = min(view["max_nano_usd"] for view in free["models"] if view["eligible"])
    capped = router.chat(headers={**headers, "x-router-max-cost-usd": f"{cheap / 1e9:.9f}"}, max_tokens=1_000)
    served = [view for view in capped.json["router"]["models"] if view["eligible"]]
    assert {view["max_nano_usd"] for view in served} == {cheap}
    assert any(view["objection"] == "over_max_cost" for view in capped.json["router"]["models"])


def test_the_timeout_header_bounds_a_request_as_a_whole(battered: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "stall", "times": None})
    for stream in (False, True):
        began = time.monotonic()
        reply = battered.chat(headers={"x-router-timeout-ms": "700"}, stream=stream, max_tokens=5)
        assert reply.status == 504
        assert reply.error["code"] == "upstream_timeout"
        assert 0.4 < time.monotonic() - began < 1.5


def test_a_stream_without_content_is_left_at_the_timeout_too(battered: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "stall", "times": None, "after_bytes": 300})  # the role has come, and nothing else
    began = time.monotonic()
    reply = battered.chat(headers={"x-router-timeout-ms": "700"}, stream=True, max_tokens=50)
    assert reply.status == 504
    assert time.monotonic() - began < 1.5


def test_the_sdks_own_timeout_only_shortens(battered: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "stall", "times": None})
    began = time.monotonic()
    headers = {"x-stainless-read-timeout": "0.5", "x-router-timeout-ms": "30000"}
    assert battered.chat(headers=headers, max_tokens=5).status == 504
    assert time.monotonic() - began < 1.5


def test_a_pinned_model_saves_nothing_and_a_retired_one_is_replaced_with_the_reason(router: Router) -> None:
    pinned = router.chat(model="mistral-large-latest", max_tokens=5).headers
    assert (pinned["x-router-model"], pinned["x-router-reason"]) == ("mistral-large-2512", "pinned")
    assert pinned["x-router-requested-model"] == "mistral-large-latest"
    assert pinned["x-router-saved-usd"] == "0.000000000"
    retired = router.chat(model="mistral-small-2402", max_tokens=5).headers
    assert retired["x-router-reason"] == "replaced_retired"
    assert retired["x-router-model"] != "mistral-small-2402"


def test_a_model_map_saves_without_a_change_in_the_app(router: Router) -> None:
    key = router.new_key("mapped")
    mapped = router.chat(model="gpt-4o-mini", key=key, max_tokens=50).headers
    assert mapped["x-router-requested-model"] == "gpt-4o-mini"
    assert mapped["x-router-reason"] == "cheapest_suitable"
    assert float(mapped["x-router-saved-usd"]) > 0
    assert router.chat(model="mistral-large-latest", key=key, max_tokens=5).headers["x-router-reason"] != "pinned"
    assert router.chat(model="mistral-large-2512", key=key, max_tokens=5).headers["x-router-reason"] == "pinned"


def test_a_team_that_only_observes_gets_its_own_model_and_learns_what_routing_would_do(
    router: Router, upstream: Simulator
) -> None:
    key = router.new_key("watching")
    reply = router.chat(model="mistral-large-2512", key=key, max_tokens=5, headers={"x-router-explain": "enabled"})
    assert reply.headers["x-router-model"] == upstream.requests[0]["body"]["model"] == "mistral-large-2512"
    assert reply.headers["x-router-reason"] == "observed"
    assert reply.json["router"]["observed"] not in (None, "mistral-large-2512")
    kept = router.admin("GET", f"/records/{reply.headers['x-request-id']}").json
    assert 0 < kept["router"]["observed_saved_nano_usd"] < kept["nano_usd"]


def test_a_refusal_keeps_the_headers_that_are_known(router: Router) -> None:
    key = router.new_key("requests")
    for _ in range(3):
        assert router.chat(key=key, max_tokens=5).status == 200
    told = router.chat(key=key, model="mistral-large-2512", max_tokens=5, zebra=1).headers
    assert told["x-request-id"]
    assert told["x-router-requested-model"] == "mistral-large-2512"
    assert told["x-router-dropped-params"] == "zebra"
    assert told["x-ratelimit-remaining-requests"] == "0"
    assert told["x-router-attempts"] == "0"
    assert told["x-router-cost-usd"] == "0.000000000"
