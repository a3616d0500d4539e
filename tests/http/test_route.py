"""POST /v1/route: the same decision as chat would take, explained, and nobody called or charged."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.running import Router, Simulator

HELLO = [{"role": "user", "content": "What is the capital of Portugal?"}]


def test_every_model_is_shown_with_its_price_and_its_first_objection(router: Router, upstream: Simulator) -> None:
    told = router.post("/v1/route", {"model": "auto", "messages": HELLO, "max_tokens": 100}).json
    assert told["chosen"] == told["order"][0]
    assert told["reason"] == "cheapest_suitable"
    assert told["attempts"] == []
    for view in told["models"]:
        assert (view["objection"] is None) is view["eligible"], view
        if view["objection"] != "no_price":
            assert set(view["price"]) == {"input", "cached", "output"}, view
            assert view["max_nano_usd"] >= view["expected_nano_usd"] >= 0
    eligible = {view["model"] for view in told["models"] if view["eligible"]}
    assert eligible == set(told["order"])
    costs = {view["model"]: view["expected_nano_usd"] for view in told["models"]}
    assert [costs[name] for name in told["order"]] == sorted(costs[name] for name in told["order"])
    scores = {view["model"]: view["score"] for view in told["models"]}
    assert all(scores[name] >= told["threshold"] for name in told["order"])
    assert told["baseline"]["model"] == "mistral-medium-3-5"
    assert told["classification"]["language"] == "en"
    assert upstream.requests == []
    assert upstream.bill["nano_usd"] == 0


def test_route_and_chat_decide_alike(router: Router) -> None:
    body = {"model": "auto:quality", "messages": HELLO, "max_tokens": 30}
    reply = router.post("/v1/route", body)
    told = reply.json
    assert (reply.headers["x-router-model"], reply.headers["x-router-reason"]) == (told["chosen"], told["reason"])
    did = router.post("/v1/chat/completions", body, headers={"x-router-explain": "enabled"}).json["router"]
    for name in ("classification", "policy", "threshold", "models", "order", "chosen", "reason", "baseline", "rules"):
        assert told[name] == did[name], name


def test_a_request_that_nobody_can_serve_is_explained_with_nobody_chosen(router: Router) -> None:
    told = router.post("/v1/route", {"model": "auto", "messages": HELLO, "max_tokens": 900_000})
    assert told.status == 200
    assert told.json["chosen"] is None
    assert told.json["reason"] == "none_suitable"
    assert all(view["objection"] for view in told.json["models"])


@pytest.mark.parametrize(
    ("fields", "objection", "model"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "no_tools", None),
        ({"reasoning_effort": "high"}, "no_reasoning", "mistral-large-2512"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": "https://a.example/b.png"}]}
                ]
            },
            "no_vision",
            "codestral-2508",
        ),
        ({"max_tokens": 200_000}, "context_too_small", "codestral-2508"),
    ],
)
def test_what_a_model_lacks_is_its_objection(
    router: Router, fields: dict[str, object], objection: str, model: str | None
) -> None:
    told = router.post("/v1/route", {"model": "auto", "messages": HELLO, **fields}).json
    objections = {view["model"]: view["objection"] for view in told["models"]}
    if model is not None:
        assert objections[model] == objection
    assert objections[told["chosen"]] is None


def test_route_makes_no_record_and_costs_nothing(router: Router) -> None:
    before = router.usage()["total"]
    for _ in range(3):
        assert router.post("/v1/route", {"model": "auto", "messages": HELLO}).status == 200
    assert router.usage()["total"] == before


def test_curl_gets_an_answer_and_a_stream(router: Router) -> None:
    body = '{"model": "auto", "max_tokens": 5, "stream": %s, "messages": [{"role": "user", "content": "Hello"}]}'
    curl = [
        "curl", "-sSN", f"{router.url}/v1/chat/completions", "-H", f"Authorization: Bearer {router.key}",
        "-H", "Content-Type: application/json", "-d",
    ]  # fmt: skip
    plain = subprocess.run([*curl, body % "false"], capture_output=True, text=True, timeout=30, check=True)
    assert '"chat.completion"' in plain.stdout
    began = time.monotonic()
    events = subprocess.run([*curl, body % "true"], capture_output=True, text=True, timeout=30, check=True)
    assert events.stdout.endswith("data: [DONE]\n\n")
    assert time.monotonic() - began < 5
