"""The dashboard for Grafana: made from its list, and reading what there is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from router.ops.metrics import METRICS
from router.ops.registry import Metrics
from tests.ops.promql import SERIES, names, needs_promtool, promtool
from tests.pages import page
from tests.running import ROOT

DASHBOARD: dict[str, Any] = json.loads(page("config/grafana/dashboard.json"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def filled(expression: str, *, range: str = "1d", step: str = "5m") -> str:
    """The expression with what Grafana puts in the place of its variables."""
    values = {"$__range": range, "$__rate_interval": step, "$team": ".*", "$model": ".*", "$instance": ".*"}
    return re.sub(r"\$\w+", lambda name: values[name[0]], expression)


def expressions() -> list[str]:
    return [filled(target["expr"]) for panel in PANELS for target in panel["targets"]]


def test_it_is_what_its_list_makes() -> None:
    assert subprocess.run([sys.executable, "tools/make_dashboard.py", "--check"], cwd=ROOT, check=False).returncode == 0


def test_a_panel_reads_only_series_that_exist() -> None:
    for expression in expressions():
        assert names(expression), expression
        assert names(expression) <= SERIES, expression


def test_every_metric_is_on_a_panel() -> None:
    read = {name for expression in expressions() for name in names(expression)}
    assert [metric.name for metric in METRICS if not any(name.startswith(metric.name) for name in read)] == []


@needs_promtool
def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"panel:expression{number}:any", "expr": text} for number, text in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", file)


def test_panels_stand_side_by_side_and_each_has_its_own_number() -> None:
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_panel_says_what_it_shows() -> None:
    assert all(panel["title"] and panel["description"] and panel["datasource"] for panel in PANELS)


def test_a_first_refused_reload_is_an_increase() -> None:
    # A series that begins with 1 has not grown, in Prometheus' eyes.
    assert b'router_reloads_total{result="refused"} 0.0' in Metrics().exposition()
