"""What one worker reads for all: shown whole, by whichever worker is asked, and not longer than it is good for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from router.ops.metrics import METRICS
from router.ops.registry import Metrics
from router.ops.survey import SHOWN_S, Survey
from tests.running import ROOT

NAME = "router_unconfirmed_usd"


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def shown(survey: Survey, name: str = NAME) -> dict[tuple[str, ...], float]:
    (family,) = (family for family in survey.collect() if family.name == name)
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


@pytest.mark.parametrize("shared", [False, True])
def test_a_reading_takes_the_whole_place_of_the_one_before(tmp_path: Path, shared: bool) -> None:
    survey = Survey(tmp_path if shared else None, Clock())
    assert shown(survey) == {}
    survey.show({NAME: [(("a",), 1.0), (("b",), 2.5)]})
    assert shown(survey) == {("a",): 1.0, ("b",): 2.5}
    survey.show({NAME: [(("b",), 3.0)]})
    assert shown(survey) == {("b",): 3.0}
    assert shown(survey, "router_budget_spent_usd") == {}


@pytest.mark.parametrize("shared", [False, True])
def test_what_is_old_is_not_shown(tmp_path: Path, shared: bool) -> None:
    clock = Clock()
    survey = Survey(tmp_path if shared else None, clock)
    survey.show({NAME: [(("a",), 1.0)]})
    clock.now_s += SHOWN_S - 1
    assert shown(survey) == {("a",): 1.0}
    clock.now_s += 1
    assert shown(survey) == {}


def test_one_of_several_reads_and_all_show_what_it_read(tmp_path: Path) -> None:
    clock = Clock()
    first, second = Survey(tmp_path, clock), Survey(tmp_path, clock)
    assert [first.mine(), second.mine(), first.mine()] == [True, False, True]
    first.show({NAME: [(("a",), 1.0)]})
    assert shown(second) == {("a",): 1.0}


def test_another_reads_when_the_one_that_did_is_gone(tmp_path: Path) -> None:
    script = f"""
import pathlib, sys
from router.ops.survey import Survey
survey = Survey(pathlib.Path({str(tmp_path)!r}))
print(survey.mine(), flush=True)
sys.stdin.read()
"""
    holder = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        survey = Survey(tmp_path)
        assert not survey.mine()
    finally:
        holder.kill()
        holder.communicate()
    assert survey.mine()


def test_a_process_alone_reads_for_itself_and_shows_it_among_all() -> None:
    metrics = Metrics()
    assert metrics.survey.mine()
    metrics.survey.show({NAME: [(('a "quoted" team',), 1.5)]})
    families = {family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())}
    assert [(sample.labels, sample.value) for sample in families[NAME].samples] == [({"team": 'a "quoted" team'}, 1.5)]
    listed = {metric.name.removesuffix("_total") for metric in METRICS}
    assert listed == {name for name in families if not name.endswith("_created")}


def test_files_that_a_starting_worker_has_not_written_yet_do_not_fail_a_scrape(tmp_path: Path) -> None:
    script = """
import os
from router.ops.registry import Metrics, worker_replaced
metrics = Metrics(os.environ["PROMETHEUS_MULTIPROC_DIR"])
metrics.child("router_requests_total", "a", "m", "200").inc(3)
worker_replaced()
worker_replaced()
print(metrics.exposition().decode())
"""
    for name in ("counter_999999.db", "gauge_livesum_999999.db", "histogram_999999.db"):
        (tmp_path / name).touch()
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 'router_requests_total{model="m",status="200",team="a"} 3.0' in told
    assert "router_worker_restarts_total 2.0" in told
