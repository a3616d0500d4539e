"""The demo's other teams: real traffic under policies of the demo's own, which nobody else's folder sees."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from router.commands.demo.teams import FAULTS, POLICIES, TEAMS
from router.rulebook import load_rules
from tests import running
from tests.commands.test_demo import told
from tests.running import ROOT, call, command, wait_for

OTHERS = {team.name for team in TEAMS}


def started(data: Path, log: Path, *options: str) -> tuple[running.Process, Callable[[str], Any]]:
    """A demo, and what its operations plane answers to a path."""
    process = running.start(["demo", "--port", "0", "--data-dir", str(data), *options], r"SIMULATOR_URL=(\S+)", {}, log)
    addresses = told(process.said)
    base = addresses["OPENAI_BASE_URL"].removesuffix("/v1")
    return process, lambda path: call(f"{base}{path}", key=addresses["ROUTER_ADMIN_KEY"]).json


def test_every_team_has_a_policy_of_its_own_that_holds_and_no_other_has_one() -> None:
    rules = load_rules(ROOT / "config", ROOT / "policies", datetime.now(UTC).date(), beside=(POLICIES,))
    assert {path.stem for path in POLICIES.glob("*.toml")} == OTHERS
    assert all(rules.policies[team].has_hard_budget for team in OTHERS)
    assert not OTHERS & {path.stem for path in (ROOT / "policies").glob("*.toml")}


def test_a_catalogue_without_their_models_does_without_them(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for name in ("models.toml", "quality.toml"):
        path = tmp_path / "config" / name
        path.write_text(path.read_text().replace("mistral-medium-3-5", "mistral-medium-9"))
    (tmp_path / "policies").mkdir()
    money = '[[budget]]\nscope = "team"\nusd = "1"\nwindow = "day"\n'
    text = f'team = "default"\nbaseline_model = "mistral-large-2512"\n{money}'
    (tmp_path / "policies" / "default.toml").write_text(text)
    folders = ("--config", str(tmp_path / "config"), "--policies", str(tmp_path / "policies"))
    process, ask = started(tmp_path / "data", tmp_path / "log", *folders)
    try:
        assert "The other teams are left out" in process.said
        assert [key["team"] for key in ask("/admin/v1/keys")["keys"]] == ["demo"]
        assert sorted(ask("/admin/v1/policies")["policies"]) == ["default"]
    finally:
        assert process.stop() == 0


def test_no_fault_is_meant_for_a_model_that_the_demos_own_requests_go_to() -> None:
    assert {rule["match"]["model"] for rule in FAULTS["rules"]} == {"codestral-2508"}
    assert "codestral" not in (ROOT / "README.md").read_text().partition("## Point your app at it")[0]


def test_there_is_something_to_see_within_seconds_and_the_sums_are_those_of_the_bill(tmp_path: Path) -> None:
    before = sorted(path.name for path in (ROOT / "policies").iterdir())
    process, ask = started(tmp_path / "data", tmp_path / "log")
    try:
        assert POLICIES.name in process.said
        assert "--alone" in process.said

        def seen() -> Counter[str]:
            records = ask("/admin/v1/records?limit=1000")["records"]
            return Counter(word for one in records for word in (one["team"], one["reason"], str(one["status"])))

        wanted = {"demo", *OTHERS, "cheapest_suitable", "escalated", "pinned", "replaced_retired", "200", "402", "429"}
        wait_for(lambda: wanted <= set(seen()), 60)
        assert not {status for status in seen() if status.startswith("5")}
        stood = seen()["research"]
        wait_for(lambda: seen()["research"] > stood, 60)

        simulator = told(process.said)["SIMULATOR_URL"]

        def bill() -> int:
            return int(call(f"{simulator}/_sim/bill").json["nano_usd"])

        def sums() -> tuple[int, int, int]:
            return bill(), ask("/admin/v1/usage")["total"]["nano_usd"], bill()

        # Somebody may be asking just now: then one looks again.
        wait_for(lambda: len(set(sums())) == 1, 60)
        keys = [key["id"] for key in ask("/admin/v1/keys")["keys"]]
        assert len(keys) == 1 + len(OTHERS)
    finally:
        assert process.stop() == 0
    assert "Traceback" not in process.said
    process, ask = started(tmp_path / "data", tmp_path / "again")
    try:
        assert [key["id"] for key in ask("/admin/v1/keys")["keys"]] == keys, "kept over restarts"
    finally:
        assert process.stop() == 0
    assert sorted(path.name for path in (ROOT / "policies").iterdir()) == before
    for kept in (tmp_path / "data").glob("demo*.key"):
        assert kept.stat().st_mode & 0o777 == 0o600


def test_alone_the_demos_own_team_is_the_only_one(tmp_path: Path) -> None:
    process, ask = started(tmp_path / "data", tmp_path / "log", "--alone")
    try:
        assert not OTHERS & set(process.said.split())
        assert set(ask("/admin/v1/policies")["policies"]) == {"default", "demo"}
        assert [key["team"] for key in ask("/admin/v1/keys")["keys"]] == ["demo"]
    finally:
        assert process.stop() == 0


def test_once_nobody_else_asks(tmp_path: Path) -> None:
    code, out, err = command("demo", "--once", "--port", "0", "--data-dir", str(tmp_path))
    assert (code, err) == (0, "")
    assert not OTHERS & set(out.split())
    assert [path.name for path in tmp_path.glob("demo*.key")] == ["demo.key"]
