"""/metrics against what else is known: usage, the ledger, what was done to the router. With two workers, which answer
scrapes by turns and must say the same."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from router import __version__
from router.ops.metrics import METRICS
from tests import running
from tests.http.conftest import MONEY, TEAMS
from tests.http.test_store_away import store_pid
from tests.running import Router, Simulator, call, family, wait_for

# A survey of the store comes every ten seconds, and a busy machine takes longer.
SURVEYED_S = 60.0
BUDGETS = f"""
team = "apps"
{MONEY}
[[budget]]
scope = "team"
usd = "2.50"
window = "24h"
mode = "soft"

[[budget]]
scope = "tag"
id = "nightly"
usd = "1.00"
window = "day"
zone = "Europe/Paris"

[[budget]]
scope = "model"
id = "mistral-large-2512"
usd = "0.50"
window = "total"
mode = "shadow"

[[budget]]
scope = "key"
usd = "5.00"
window = "day"
"""


def scraped(router: Router, name: str, **labels: str) -> dict[tuple[str, ...], float]:
    """The samples of that name that carry these labels: by the values of their other labels, in the metric's order."""
    text = call(f"{router.operated_at}/metrics").body.decode()
    found = {}
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                (listed,) = (metric for metric in METRICS if metric.name == name or f"{metric.name}_count" == name)
                others = tuple(sample.labels[label] for label in listed.labels if label not in labels)
                found[others] = sample.value
    return found


def summed(router: Router, name: str, by: str) -> dict[str, float]:
    """The sums of a metric by one label."""
    text = call(f"{router.operated_at}/metrics").body.decode()
    sums: defaultdict[str, float] = defaultdict(float)
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            if sample.name == name:
                sums[sample.labels[by]] += sample.value
    return dict(sums)


def nano(usd: float) -> int:
    return round(usd * 1e9)


def workers(router: Router) -> set[int]:
    return {
        pid
        for pid in family(router.child.pid) - {router.child.pid}
        if b"router" in Path(f"/proc/{pid}/cmdline").read_bytes()
    }


@pytest.fixture(scope="module")
def pair(simulated: Simulator) -> Iterator[Router]:
    """Two workers that have served four teams, with attempts that failed, refusals and charges left unconfirmed."""
    simulated.reset()
    policies = {**TEAMS, "apps": BUDGETS}
    with running.router(simulated.url, "--workers", "2", policies=policies) as router:
        keys = [router.key, router.new_key("ladder"), router.new_key("search"), router.new_key("poor")]
        asked: list[dict[str, Any]] = []
        for round_of in range(6):
            for key in keys:
                asked.append({"text": f"What is {round_of} times seven?", "key": key, "max_tokens": 20})
                asked.append({"text": f"Tell me {round_of} things about rivers.", "key": key, "max_tokens": 30})
        asked.append({"text": "Hello", "model": "nope", "max_tokens": 5})
        asked.append({"text": "Hello", "model": "mistral-large-2512", "max_tokens": 20})
        asked.append({"text": "Hello", "max_tokens": 20, "metadata": {"tags": ["nightly"]}})
        simulated.faults(
            {"fault": "rate_limited", "times": 1},
            {"fault": "reset", "after_bytes": 0, "skip": 2, "times": 2},
            {"fault": "html", "status": 504, "skip": 9, "times": 1},
        )
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda fields: router.chat(**fields), asked))
            streams = list(pool.map(lambda key: router.stream(key=key, max_tokens=25), keys[:3] * 2))
        assert {reply.status for reply in replies} >= {200, 402, 404}
        assert {reply.status for reply in streams} == {200}
        served = sum(reply.status == 200 for reply in (*replies, *streams))
        router.settled(served)
        yield router


def test_sums_agree_with_usage_to_the_nano_whichever_worker_answers(pair: Router) -> None:
    usage = pair.usage("team")
    total, teams = usage["total"], {one["key"]["team"]: one for one in usage["groups"]}
    models = {one["key"]["model"]: one for one in pair.usage("model")["groups"]}
    assert total["unconfirmed_nano_usd"] > 0
    for _ in range(6):
        costs = summed(pair, "router_cost_usd_total", "team")
        assert {team: nano(cost) for team, cost in costs.items()} == {
            team: one["nano_usd"] for team, one in teams.items() if one["nano_usd"]
        }
        assert nano(sum(costs.values())) == total["nano_usd"]
        saved, lost = summed(pair, "router_saved_usd_total", "team"), summed(pair, "router_lost_usd_total", "team")
        assert {team: nano(saved.get(team, 0) - lost.get(team, 0)) for team in teams} == {
            team: one["saved_nano_usd"] for team, one in teams.items()
        }
        tokens = summed(pair, "router_tokens_total", "type")
        assert tokens["output"] == total["output_tokens"]
        assert tokens["input"] + tokens.get("cached", 0) == total["input_tokens"]
        requests = summed(pair, "router_requests_total", "model")
        assert {model: requests.get(model, 0) for model in models} == {m: one["requests"] for m, one in models.items()}


def test_every_attempt_is_counted_once_in_each_view_of_it(pair: Router) -> None:
    by_model = summed(pair, "router_attempts_total", "outcome")
    assert by_model == summed(pair, "router_upstream_outcomes_total", "outcome")
    assert set(by_model) >= {"ok", "rate_limited", "reset"}
    assert sum(summed(pair, "router_upstream_duration_seconds_count", "model").values()) == sum(by_model.values())
    ok = by_model["ok"]
    assert sum(summed(pair, "router_input_tokens_ratio_count", "model").values()) == ok
    assert sum(summed(pair, "router_time_to_first_chunk_seconds_count", "model").values()) == 6
    left = summed(pair, "router_escalations_total", "from")
    assert sum(left.values()) > 0
    assert set(left) <= set(summed(pair, "router_attempts_total", "model"))
    assert left.keys().isdisjoint({"none", ""})


def test_estimates_of_input_are_about_what_is_billed(pair: Router) -> None:
    counts, sums = (summed(pair, f"router_input_tokens_ratio_{what}", "model") for what in ("count", "sum"))
    for model, count in counts.items():
        assert 0.8 < sums[model] / count < 1.25, model


def test_budgets_stand_as_the_ledger_has_them(pair: Router) -> None:
    def agrees() -> bool:
        usage = pair.usage(team="apps")["total"]["nano_usd"]
        spent = scraped(pair, "router_budget_spent_usd", team="apps", scope="team", window="month")
        held = sum(summed(pair, "router_budget_reserved_usd", "team").values())
        return [nano(one) for one in spent.values()] == [usage] and held == 0

    wait_for(agrees, SURVEYED_S)
    names = {
        ("team", "", "month", "hard"): 1000.0,
        ("team", "", "24h", "soft"): 2.5,
        ("tag", "nightly", "day", "hard"): 1.0,
        ("model", "mistral-large-2512", "total", "shadow"): 0.5,
    }
    assert scraped(pair, "router_budget_limit_usd", team="apps") == names
    spent = scraped(pair, "router_budget_spent_usd", team="apps")
    assert spent.keys() == names.keys()
    assert all(amount > 0 for amount in spent.values())
    resets = scraped(pair, "router_budget_resets_timestamp_seconds", team="apps")
    assert resets.keys() == {("team", "", "month", "hard"), ("tag", "nightly", "day", "hard")}
    assert all(0 < at - datetime.now(UTC).timestamp() < 32 * 86_400 for at in resets.values())
    # Who has no policy file has the default one's.
    assert scraped(pair, "router_budget_limit_usd", team="search") == {("team", "", "month", "hard"): 1000.0}


@pytest.mark.slow
def test_what_is_unconfirmed_is_told_by_team(pair: Router) -> None:
    def agrees() -> bool:
        holds = pair.admin("GET", "/unconfirmed").json["unconfirmed"]
        assert holds
        sums: defaultdict[str, int] = defaultdict(int)
        for hold in holds:
            sums[hold["team"]] += hold["nano_usd"]
        told = {team: nano(usd) for team, usd in summed(pair, "router_unconfirmed_usd", "team").items() if usd}
        return told == sums

    wait_for(agrees, 2 * SURVEYED_S + 30)


def test_what_stands_without_a_request(pair: Router) -> None:
    assert wait_for(lambda: scraped(pair, "router_store_up", mode="server")) == {(): 1.0}
    assert scraped(pair, "router_build_info") == {(__version__,): 1.0}
    checked = date.fromisoformat(
        next(line for line in (running.ROOT / "config" / "models.toml").read_text().splitlines() if "checked =" in line)
        .partition("= ")[2]
        .strip()
    )
    assert scraped(pair, "router_price_age_days") == {(): (datetime.now(UTC).date() - checked).days}
    assert scraped(pair, "router_rules_refused") == {(): 0.0}
    assert scraped(pair, "router_worker_restarts_total") == {(): 0.0}
    verbs = {("reserve",), ("settle",), ("peek",)}
    wait_for(lambda: verbs <= scraped(pair, "router_store_duration_seconds_count").keys(), SURVEYED_S)
    assert sum(scraped(pair, "router_store_failures_total").values()) == 0


def test_nothing_is_shown_that_is_not_on_the_list(pair: Router) -> None:
    text = call(f"{pair.url}/metrics").body.decode()
    families = {metric.name: metric.type for metric in text_string_to_metric_families(text)}
    listed = {metric.name.removesuffix("_total"): metric.kind for metric in METRICS}
    assert families.items() <= listed.items()


@pytest.mark.slow
def test_a_budget_that_is_gone_leaves_no_figure_and_refused_rules_show_until_they_are_mended(
    upstream: Simulator,
) -> None:
    with running.router(upstream.url, "--workers", "2", policies={"apps": BUDGETS}) as router:
        wait_for(lambda: len(scraped(router, "router_budget_limit_usd", team="apps")) == 4, SURVEYED_S)
        path = router.home / "policies" / "apps.toml"
        path.write_text("nonsense = 1\n")
        wait_for(lambda: scraped(router, "router_rules_refused") == {(): 1.0})
        path.write_text(f'team = "apps"\n{MONEY}')
        wait_for(lambda: scraped(router, "router_rules_refused") == {(): 0.0})
        wait_for(lambda: len(scraped(router, "router_budget_limit_usd", team="apps")) == 1, SURVEYED_S)


@pytest.mark.slow
def test_a_dead_worker_leaves_its_counts_but_not_its_gauges_and_another_surveys(upstream: Simulator) -> None:
    with running.router(upstream.url, "--workers", "2") as router:
        upstream.faults({"fault": "rate_limited", "times": 1})
        router.chat(max_tokens=5)
        requests = sum(summed(router, "router_requests_total", "model").values())
        wait_for(lambda: scraped(router, "router_model_resting"))
        wait_for(lambda: scraped(router, "router_budget_limit_usd", team="apps"), SURVEYED_S)
        before = workers(router)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(workers(router) - before) == 2, 30)
        wait_for(lambda: router.chat(max_tokens=5).status == 200)
        assert scraped(router, "router_worker_restarts_total") == {(): 2.0}
        assert sum(summed(router, "router_requests_total", "model").values()) > requests
        wait_for(lambda: scraped(router, "router_requests_in_flight") == {(): 0.0})
        # The new workers have asked one model; what the dead ones knew of another is gone.
        assert len(scraped(router, "router_model_resting")) <= 1
        key = router.new_key("later")
        assert router.chat(key=key, max_tokens=5).status == 200
        wait_for(lambda: scraped(router, "router_budget_limit_usd", team="later"), SURVEYED_S)


def test_a_model_that_rests_shows_until_its_rest_is_over(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        upstream.faults({"fault": "not_on_plan", "times": 1})
        reply = router.chat(max_tokens=5)
        assert reply.headers["x-router-attempts"] == "2"
        served = reply.headers["x-router-model"]
        resting = wait_for(lambda: (found := scraped(router, "router_model_resting")) and len(found) == 2 and found)
        assert resting.pop((served,)) == 0.0
        assert list(resting.values()) == [1.0]
        ((model,),) = resting
        assert scraped(router, "router_escalations_total") == {(model, served): 1.0}


def test_a_store_that_is_away_shows(upstream: Simulator) -> None:
    with running.router(upstream.url, environ=running.STRICT) as router:
        assert router.chat(max_tokens=5).status == 200  # the key is known now
        wait_for(lambda: scraped(router, "router_store_up") == {("server",): 1.0})
        pid = store_pid(router)
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
        try:
            wait_for(lambda: scraped(router, "router_store_up") == {("server",): 0.0}, 30)
            assert router.chat(max_tokens=5).status == 503
            assert scraped(router, "router_store_failures_total")[("reserve",)] > 0
        finally:
            subprocess.run(["kill", "-CONT", str(pid)], check=True)
        wait_for(lambda: scraped(router, "router_store_up") == {("server",): 1.0}, 30)
