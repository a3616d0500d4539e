"""Money end to end: what is settled is what the vendor bills, and no budget is ever overspent."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests import running
from tests.http.conftest import MONEY
from tests.running import Simulator

TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}
WIDE = f'team = "apps"\nquality = 0\nescalation_cost_max = 1000.0\n{MONEY}'
MODELS = ("auto", "auto", "auto:economy", "auto:quality", "mistral-large-2512", "mistral-medium-3-5", "codestral-2508")


def asks(count: int, seed: int) -> list[dict[str, Any]]:
    """Requests as different as real traffic is, the same for the same seed."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        ask: dict[str, Any] = {
            "text": f"Request {number}: {'tell me about rivers and mountains. ' * dice.choice((1, 1, 5, 40))}",
            "model": dice.choice(MODELS),
            "max_tokens": dice.choice((1, 16, 60, 300)),
            "stream": dice.random() < 0.4,
        }
        if dice.random() < 0.15:
            ask["n"] = 2
        if dice.random() < 0.2:
            ask["tools"] = [TOOL]
        if dice.random() < 0.1:
            ask["prompt_cache_key"] = "shared"
        if dice.random() < 0.1:
            ask["response_format"] = {"type": "json_object"}
        if dice.random() < 0.05 and ask["model"] in ("auto", "mistral-medium-3-5"):
            ask["reasoning_effort"] = "high"
        found.append(ask)
    return found


def send(router: running.Router, count: int, seed: int) -> list[int]:
    def one(ask: dict[str, Any]) -> int:
        headers = {"x-router-timeout-ms": "4000"}
        if ask.pop("stream"):
            return router.stream(**ask, headers=headers).status
        return router.chat(**ask, headers=headers).status

    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(one, asks(count, seed)))


def test_the_settled_costs_of_500_mixed_requests_are_the_vendors_bill_to_the_nano(upstream: Simulator) -> None:
    faults = (
        {"fault": "rate_limited"}, {"fault": "capacity"}, {"fault": "status", "status": 503},
        {"fault": "status", "status": 500}, {"fault": "html"}, {"fault": "error_finish"}, {"fault": "finish_early"},
        {"fault": "split"}, {"fault": "slow", "delay_ms": 5},
    )  # fmt: skip
    with running.router(upstream.url, policies={"apps": WIDE}) as router:
        upstream.faults(*({**fault, "times": None, "probability": 0.03} for fault in faults))
        statuses = send(router, 500, seed=1)
        assert statuses.count(200) > 450
        wanted = upstream.bill
        admitted = len(statuses)
        total = router.settled(admitted)
        assert total["requests"] == admitted
        assert total["unconfirmed_nano_usd"] == 0
        assert total["nano_usd"] == wanted["nano_usd"] > 0
        by_model = {group["key"]["model"]: group for group in router.usage("model")["groups"]}
        for model, billed in wanted["by_model"].items():
            mine = by_model[model]
            for name in ("nano_usd", "input_tokens", "cached_tokens", "output_tokens"):
                assert mine[name] == billed[name], (model, name)
        assert sum(group["nano_usd"] for group in by_model.values()) == total["nano_usd"]
        spent = sum(record["nano_usd"] for record in records(router))
        assert spent == total["nano_usd"]
        left = router.chat(max_tokens=5)
        cost = int(left.headers["x-router-cost-usd"].replace(".", ""))
        assert left.headers["x-router-budget-remaining-usd"] == dollars(10**12 - total["nano_usd"] - cost)


def test_with_faults_that_lose_usage_the_ledger_is_above_the_bill_by_what_is_unconfirmed(upstream: Simulator) -> None:
    faults = (
        {"fault": "reset", "after_bytes": 0}, {"fault": "reset", "after_bytes": 900}, {"fault": "truncate"},
        {"fault": "truncate", "after_bytes": 700}, {"fault": "no_usage"}, {"fault": "html", "status": 504},
        {"fault": "error_finish"},
    )  # fmt: skip
    with running.router(upstream.url, policies={"apps": WIDE}) as router:
        upstream.faults(*({**fault, "times": None, "probability": 0.05} for fault in faults))
        statuses = send(router, 150, seed=2)
        total = router.settled(len(statuses))
        bill = upstream.bill["nano_usd"]
        assert total["unconfirmed_nano_usd"] > 0
        assert total["nano_usd"] >= bill
        assert total["nano_usd"] - total["unconfirmed_nano_usd"] <= bill


def records(router: running.Router) -> list[dict[str, Any]]:
    """Every record, page by page."""
    found, cursor = [], ""
    while True:
        page = router.admin("GET", f"/records?limit=200{cursor}").json
        found += page["records"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def dollars(nano: int) -> str:
    return f"{nano // 10**9}.{nano % 10**9:09}"


def test_a_budget_worth_fifty_admits_fifty_of_two_hundred_at_once(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        upstream.faults({"fault": "answer", "times": None, "answer": {"content": "river", "output_tokens": 100}})
        ask = {"text": "Tell me about rivers.", "model": "mistral-small-2603", "max_tokens": 100}
        cost = int(router.chat(**ask).headers["x-router-cost-usd"].replace(".", ""))
        upstream.reset()
        upstream.faults({"fault": "answer", "times": None, "answer": {"content": "river", "output_tokens": 100}})
        router.set_policy(
            "tight", f'team = "tight"\n[[budget]]\nscope = "team"\nusd = "{dollars(50 * cost)}"\nwindow = "day"\n'
        )
        keys = [router.new_key("tight") for _ in range(4)]
        with ThreadPoolExecutor(64) as pool:
            replies = list(pool.map(lambda number: router.chat(**ask, key=keys[number % 4]), range(200)))
        admitted = [reply for reply in replies if reply.status == 200]
        refused = [reply for reply in replies if reply.status == 402]
        assert (len(admitted), len(refused)) == (50, 150)
        assert upstream.bill["nano_usd"] == 50 * cost
        for reply in refused:
            budget = reply.error["budget"]
            spent, reserved = (int(budget[name].replace(".", "")) for name in ("spent_usd", "reserved_usd"))
            assert spent + reserved == 50 * cost
            assert budget["limit_usd"] == dollars(50 * cost)
            assert budget["estimate_usd"] == dollars(cost)
            assert (budget["scope"], budget["id"], budget["window"]) == ("team", "tight", "day")
            assert budget["resets_at"].endswith("T00:00:00Z")
            assert reply.headers["x-should-retry"] == "false"
        assert router.settled(50, team="tight")["nano_usd"] == 50 * cost
        assert router.chat(**ask, key=keys[0]).status == 402


def test_what_a_failed_request_held_is_free_again(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        key = None
        router.set_policy("tight", 'team = "tight"\n[[budget]]\nscope = "team"\nusd = "0.01"\nwindow = "total"\n')
        key = router.new_key("tight")
        ask = {"model": "mistral-large-2512", "max_tokens": 6_000, "key": key}  # 0.009 USD at the most
        for fault in ("rate_limited", "status", "capacity"):
            upstream.faults({"fault": fault, "times": None})
            for _ in range(3):
                assert router.chat(**ask, headers={"x-router-timeout-ms": "500"}).status in (429, 503)
        upstream.faults()
        reply = router.chat(**ask)
        assert reply.status == 200, json.dumps(reply.json)


def test_the_four_scopes_of_money_are_kept_apart(upstream: Simulator) -> None:
    policy = (
        'team = "apps"\n'
        '[[budget]]\nscope = "key"\nusd = "0.000100"\nwindow = "day"\n'
        '[[budget]]\nscope = "model"\nid = "mistral-large-2512"\nusd = "0.000050"\nwindow = "24h"\n'
        '[[budget]]\nscope = "team"\nusd = "0.000250"\nwindow = "total"\n'
    )
    with running.router(upstream.url, policies={"apps": policy}) as router:
        upstream.faults({"fault": "answer", "times": None, "answer": {"content": "a", "output_tokens": 30}})

        def refusal(**fields: Any) -> tuple[str, str | None] | None:
            reply = router.chat(max_tokens=30, **fields)
            return None if reply.status == 200 else (reply.error["budget"]["scope"], reply.error["budget"]["resets_at"])

        # 30 output tokens of mistral-large-2512 cost 0.000045 and a bit for the input.
        assert refusal(model="mistral-large-2512") is None
        scope, resets_at = refusal(model="mistral-large-2512") or ("", "")
        assert scope == "model"
        assert resets_at
        second = router.new_key("apps")
        scopes = []
        for key in (router.key, second):
            for _ in range(30):
                refused = refusal(model="mistral-small-2603", key=key)
                if refused is not None:
                    scopes.append(refused[0])
                    break
        assert scopes == ["key", "key"]
        third, last = router.new_key("apps"), None
        for _ in range(30):
            last = refusal(model="mistral-small-2603", key=third)
            if last is not None:
                break
        assert last == ("team", None), "a total never renews"
