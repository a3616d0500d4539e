"""The rules for Prometheus: they speak of what there is, each alert is explained, and each has been seen firing."""

from __future__ import annotations

import re

import pytest
import yaml

from router.core.attempts import Outcome
from tests.ops.promql import ALERTS, SERIES, names, needs_promtool, promtool, rules
from tests.pages import first_cells, page, section, table_rows
from tests.running import ROOT

RECORDED = {rule["record"]: rule for rule in rules() if "record" in rule}
ALERTING = {rule["alert"]: rule for rule in rules() if "alert" in rule}
CASES = ROOT / "tests" / "ops" / "alerts_test.yml"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_only_series_that_exist(rule: dict[str, str]) -> None:
    read = names(rule["expr"])
    assert read
    assert read <= SERIES | set(RECORDED) | {"up"}


def test_a_name_that_no_metric_has_would_be_found() -> None:
    assert names('sum by (team) (rate(router_cost_total{team="a"}[5m] offset 1h)) > 3') - SERIES == {
        "router_cost_total"
    }


def test_a_recording_is_named_after_level_metric_and_operation() -> None:
    for name in RECORDED:
        assert re.fullmatch(r"(job|model|team):router_\w+:(\w+_)?(rate|increase)\d+[mhd]|budget:router_\w+:ratio", name)


def test_an_alert_says_how_bad_it_is_what_happened_and_where_to_read_on() -> None:
    for name, rule in ALERTING.items():
        assert re.fullmatch(r"Router[A-Z]\w+", name)
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert set(rule["annotations"]) == {"summary", "runbook"}, name
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert f"\n## {anchor.capitalize()}\n" in page(path), name


def test_an_alert_waits_unless_its_window_remembers() -> None:
    # One scrape must not wake anybody; what looks back over a window of events is true for as long as the window.
    for name, rule in ALERTING.items():
        assert "for" in rule or re.search(r"increase\([^()]+\[15m\]\)", rule["expr"]), name


def test_values_of_labels_are_ones_that_the_code_has() -> None:
    outcomes = {outcome.value for outcome in Outcome}
    codes = first_cells(section("docs/api.md", "Errors"))
    for rule in rules():
        for label, values in re.findall(r'(outcome|reason)!?=~?"([^"]+)"', rule["expr"]):
            assert set(values.split("|")) <= (outcomes if label == "outcome" else codes), rule


def test_every_alert_is_explained_and_no_other() -> None:
    rows = table_rows(section("docs/operations.md", "Alerts"))
    assert {name.strip("`"): severity for name, severity, _, _ in rows} == {
        name: rule["labels"]["severity"] for name, rule in ALERTING.items()
    }
    assert all(happened and to_do for _, _, happened, to_do in rows)


def test_every_alert_has_been_seen_firing_and_most_keeping_quiet() -> None:
    cases = yaml.safe_load(CASES.read_text())["tests"]
    asked = [case for test in cases for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in asked if case.get("exp_alerts")} == set(ALERTING)
    assert {case["alertname"] for case in asked} == set(ALERTING)


@needs_promtool
def test_every_rule_does_what_its_cases_say() -> None:
    promtool("test", "rules", CASES)


def test_the_configuration_reads_the_rules_and_scrapes_the_router() -> None:
    config = yaml.safe_load(page("config/prometheus.yml"))
    assert config["rule_files"] == [ALERTS.name]
    assert [job["job_name"] for job in config["scrape_configs"]] == ["mistral-router"]


@needs_promtool
def test_prometheus_takes_the_rules_and_the_configuration() -> None:
    promtool("check", "rules", ALERTS)
    promtool("check", "config", "--syntax-only", ROOT / "config" / "prometheus.yml")  # the key's file is elsewhere
