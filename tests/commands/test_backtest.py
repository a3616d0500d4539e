"""Backtests and policies on the command line: a router serves a few requests, then another policy is tried on them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import running
from tests.commands.test_commands import fails
from tests.running import ADMIN_KEY, POLICY, ROOT, Router, Simulator, command

QUESTIONS = (
    "What is the capital of Portugal?",
    "Write a short poem about a lighthouse keeper who counts ships.",
    "Implement a function in Python that merges two sorted lists.",
)
STRICT = POLICY.format(team="apps").replace("\n\n", '\nquality = "quality"\n\n', 1)


@pytest.fixture(scope="module")
def records(served: Router) -> list[dict[str, Any]]:
    return [record for record in served.admin("GET", "/records").json["records"] if record["status"] == 200]


@pytest.fixture(scope="module")
def served(simulated: Simulator) -> Iterator[Router]:
    """A router of a demanding policy that has served the questions, and refused a request that no model can serve."""
    simulated.reset()
    with running.router(simulated.url, policies={"apps": STRICT}) as router:
        for question in QUESTIONS:
            assert router.chat(question, max_tokens=200).status == 200
        assert router.chat(max_tokens=3_000_000).error["code"] == "no_suitable_model"
        assert router.chat(model="no-such-model").status == 404
        router.settled(len(QUESTIONS))
        yield router


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "cheaper.toml"
    path.write_text(STRICT.replace('"quality"', '"economy"'))
    return path


def asked(served: Router, *arguments: str) -> Any:
    """What a command about `served` prints as JSON."""
    folders = [f"--{name}={served.home / name}" for name in ("config", "policies")]
    at = {"ROUTER_URL": served.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
    code, out, err = command(*arguments, *folders, "--json", environ=at)
    assert (code, err) == (0, ""), out + err
    return json.loads(out)


def by_hand(record: dict[str, Any], view: dict[str, Any]) -> int:
    """The record's tokens at the prices of a model that `explain` shows, in nano-USD, rounded up."""
    price = {name: round(float(usd) * 1_000_000_000) for name, usd in view["price"].items()}
    micro = (record["input_tokens"] - record["cached_tokens"]) * price["input"]
    micro += record["cached_tokens"] * price["cached"] + record["output_tokens"] * price["output"]
    return -(-micro // 1_000_000)


def test_a_record_tells_what_its_tokens_would_have_cost_elsewhere(records: list[dict[str, Any]]) -> None:
    assert len(records) == len(QUESTIONS)
    for record in records:
        views = {view["model"]: view for view in record["router"]["models"]}
        costs = [by_hand(record, view) for view in views.values() if view["eligible"]]
        assert record["dearest_nano_usd"] == max(costs)
        assert record["cheapest_nano_usd"] == min(costs)
        assert record["baseline_nano_usd"] == by_hand(record, views[record["router"]["baseline"]["model"]])
        assert record["saved_nano_usd"] == record["baseline_nano_usd"] - record["nano_usd"]


def test_a_backtest_plans_the_records_again_as_the_router_would(
    served: Router, records: list[dict[str, Any]], draft: Path
) -> None:
    found = asked(served, "backtest", "--policy", str(draft))
    assert found["requests"] == len(QUESTIONS) + 1
    assert (found["estimated"], found["left_out"]) == (1, 1)
    # Under the policy that was in force all happens as it did.
    old, new = found["old"], found["new"]
    assert {model: share["requests"] for model, share in old["models"].items()} == Counter(
        record["model"] for record in records
    )
    assert old["nano_usd"] == found["charged_nano_usd"] == sum(record["nano_usd"] for record in records)
    assert old["refusals"] == new["refusals"] == {"no_suitable_model": 1}
    # Under the other one it goes where `explain` says, and costs what the real tokens cost there.
    mix: Counter[str] = Counter()
    cost = moved = 0
    scores = []
    for question in QUESTIONS:
        body = {"model": "auto", "messages": [{"role": "user", "content": question}], "max_tokens": 200}
        told = explained(body)
        view = next(view for view in told["models"] if view["model"] == told["chosen"])
        [record] = [record for record in records if record["kind"] == told["classification"]["kind"]]
        mix[told["chosen"]] += 1
        cost += by_hand(record, view)
        moved += record["model"] != told["chosen"]
        scores.append(view["score"])
    assert {model: share["requests"] for model, share in new["models"].items()} == mix
    assert new["nano_usd"] == cost < old["nano_usd"]
    assert new["lowest_score"] == min(scores) < old["lowest_score"]
    assert found["changed"] == moved > 0


def explained(body: dict[str, Any]) -> Any:
    code, out, err = command("explain", "--json", "--quality", "economy", "-", given=json.dumps(body))
    assert code == 0, err
    return json.loads(out)


def test_a_small_budget_is_replayed_and_refuses_what_it_could_not_have_held(served: Router, draft: Path) -> None:
    draft.write_text(STRICT.replace("1000.00", "0"))
    found = asked(served, "backtest", "--policy", str(draft))
    assert found["new"]["refusals"] == {"budget_exceeded": len(QUESTIONS), "no_suitable_model": 1}
    assert (found["new"]["served"], found["new"]["nano_usd"]) == (0, 0)


def test_the_team_and_the_span_choose_among_the_records(served: Router, draft: Path) -> None:
    asks = ["backtest", "--policy", str(draft)]
    assert asked(served, *asks, "--since", "2999-01-01")["requests"] == 0
    assert asked(served, *asks, "--until", "24h")["requests"] == 0
    assert asked(served, *asks, "--team", "others")["requests"] == 0
    assert asked(served, *asks, "--since", "1h", "--team", "apps")["requests"] == len(QUESTIONS) + 1
    places = [f"--{name}={served.home / name}" for name in ("config", "policies")]
    at = {"ROUTER_URL": served.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
    code, said, _ = command(*asks, "--since", "2999-01-01", *places, environ=at)
    assert code == 0
    assert "Nothing to plan: --since" in said
    # The default policy would not hold for a team with a file of its own, unless it is named.
    draft.write_text(POLICY.format(team="default"))
    assert asked(served, *asks)["requests"] == 0
    assert asked(served, *asks, "--team", "apps")["requests"] == len(QUESTIONS) + 1


def line(question: str, **fields: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": question}], **fields}


def test_another_systems_requests_are_planned_and_its_broken_lines_named(draft: Path, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    usage = {"prompt_tokens": 900, "completion_tokens": 70, "total_tokens": 970}
    rows = [
        json.dumps(line(QUESTIONS[0])),
        "{",
        "",
        json.dumps({"request": line(QUESTIONS[1], model="gpt-9"), "usage": usage}),
        json.dumps({"request": line(QUESTIONS[1]), "usage": {"tokens": 3}}),
        json.dumps({"model": "auto", "messages": []}),
        json.dumps({"request": line(QUESTIONS[2]), "usage": usage}),
    ]
    path.write_text("\n".join(rows))
    code, out, err = command("backtest", "--policy", str(draft), "--json", str(path))
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["requests"], found["estimated"], found["unread_lines"]) == (3, 1, 3)
    assert [unread["line"] for unread in found["unread"]] == [2, 5, 6]
    assert "usage" in found["unread"][1]["reason"]
    assert found["charged_nano_usd"] is None
    assert found["new"]["refusals"] == {"model_not_found": 1}
    code, out, _ = command("backtest", "--policy", str(draft), "--model", "auto", "--json", str(path))
    assert json.loads(out)["new"]["served"] == 3
    code, table, _ = command("backtest", "--policy", str(draft), str(path))
    assert code == 0
    assert "line 2: " in table
    assert "refused: model_not_found" in table
    assert "Assumed:" in table
    code, _, said = command("backtest", "--policy", str(draft), "--since", "7d", str(path))
    assert code == 2
    assert "--since" in said


def test_a_policy_that_cannot_be_meant_is_told_with_its_place(draft: Path) -> None:
    draft.write_text('team = "apps"\nqualty = 1\n')
    said = fails("backtest", "--policy", str(draft), "-")
    assert "cheaper.toml" in said
    assert "qualty" in said


def test_show_tells_a_value_and_the_file_that_it_comes_from() -> None:
    code, out, _ = command("policy", "show", "search", "--json", f"--policies={ROOT / 'policies'}")
    told = json.loads(out)
    assert code == 0
    assert told["file"].endswith("default.toml")
    fields = {field["field"]: field for field in told["fields"]}
    assert fields["team"]["value"] == "search"
    assert (fields["quality"]["value"], fields["quality"]["origin"]) == (0.9, "default.toml")
    assert (fields["region"]["value"], fields["region"]["origin"]) == ("any", "product")
    _, table, _ = command("policy", "show", "demo", f"--policies={ROOT / 'policies'}")
    assert "demo.toml" in table
    assert 'models.map."gpt-*"' in table


def test_diff_tells_the_fields_and_with_data_the_backtest(served: Router, draft: Path) -> None:
    in_force = str(served.home / "policies" / "apps.toml")
    told = asked(served, "policy", "diff", in_force, str(draft))
    assert told == {"changes": [{"name": "quality", "old": 0.98, "new": 0.85}], "backtest": None}
    told = asked(served, "policy", "diff", in_force, str(draft), "--since", "1h")
    assert told["backtest"] == asked(served, "backtest", "--policy", str(draft), "--since", "1h")
    code, table, _ = command("policy", "diff", in_force, in_force)
    assert code == 0
    assert "same effect" in table
