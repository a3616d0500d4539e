"""What an expression of PromQL speaks of, and Prometheus' own tool where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.ops.metrics import METRICS
from tests.running import ROOT

ALERTS = ROOT / "config" / "alerts.yml"
# Debian has it in the package `prometheus`. `make check-ops`, which CI runs, does not start without it.
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")

FUNCTIONS = {
    *("absent", "avg_over_time", "clamp_min", "count", "deriv", "histogram_quantile", "increase", "max", "min"),
    *("min_over_time", "rate", "sum", "time", "vector"),
    *("and", "by", "offset", "on", "or", "unless", "without"),
}
LABELS = {"job", "instance", "le", *(label for metric in METRICS for label in metric.labels)}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}
SERIES = {f"{metric.name}{suffix}" for metric in METRICS for suffix in SUFFIXES.get(metric.kind, ("",))}


def names(expression: str) -> set[str]:
    """Every word of an expression that is not a function, a label, a text or a duration: the series it reads."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\[[^\]]*\]|\boffset \w+", "", bare)
    return set(re.findall(r"[a-zA-Z_][\w:]*", bare)) - FUNCTIONS - LABELS


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def promtool(*arguments: str | Path) -> None:
    """Fails with what promtool says."""
    assert PROMTOOL is not None, "the test is marked as needing it"
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
