"""The bench of routing, on a made-up folder: its figures, its report, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from router.core.kinds import Kind
from router.core.language import best_detector
from router.core.quality import QualityTable
from tests import running
from tests.bench.routing import cheapest, figures, languages, noise, reading, tables, tools
from tests.bench.routing.figures import Figure, Part
from tests.bench.routing.world import DAY, World, body_of, classified, read_table
from tests.routing import folder

with_detector = pytest.mark.skipif(
    not best_detector().detects, reason="the detector has no wheel for this platform, and the bench measures it"
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bench.routing", *arguments]
    return subprocess.run(command, cwd=running.ROOT, capture_output=True, text=True, timeout=60, check=False)


@with_detector
def test_the_bench_prints_a_table_and_one_line_of_json(tmp_path: Path) -> None:
    done = run(str(folder.write(tmp_path)))
    assert done.returncode == 0, done.stderr
    *shown, last = done.stdout.splitlines()
    told = json.loads(last)
    assert told["passed"] is True
    names = [figure["name"] for part in told["parts"] for figure in part["figures"]]
    assert all(any(name in line for line in shown) for name in names)
    assert json.loads(run(str(tmp_path), "--json").stdout)["parts"][0]["title"] == told["parts"][0]["title"]


def test_a_figure_behind_its_first_value_fails_the_bench(tmp_path: Path) -> None:
    wrong = [{**row, "valid": dict.fromkeys(row["valid"], 0)} for row in folder.sources()["bfcl_v1_mistral"]]
    done = run(str(folder.write(tmp_path, bfcl_v1_mistral=wrong)), "--json")
    assert done.returncode == 1
    assert "correct calls and refusals" in json.loads(done.stdout)["failed"]
    assert "Behind its first value:" in done.stderr


@pytest.mark.parametrize(("missing", "message"), [("", "is missing"), ("nowhere", "There is no folder")])
def test_a_folder_that_is_none_is_named(tmp_path: Path, missing: str, message: str) -> None:
    done = run(str(tmp_path / missing))
    assert done.returncode == 2
    assert message in done.stderr
    assert "docs/quality.md" in done.stderr
    assert not done.stdout


def test_the_cheapest_suitable_model_is_paid_for(tmp_path: Path) -> None:
    prompts = cheapest.asked(folder.write(tmp_path))
    table = tables.quality_of(cheapest.outcomes(prompts), reference="made up", day=DAY)
    kept, price = cheapest.replay(prompts, table, "economy")
    assert kept == 100
    # Half of the prompts at 0.1, half at 0.2, beside the one model at 0.9 that can do both.
    assert price == pytest.approx(100 * 0.15 / 0.9)


def test_when_no_mode_keeps_enough_there_is_no_price(tmp_path: Path) -> None:
    rows = [{**row, "scores": {**row["scores"], folder.LARGE: 1.0}} for row in folder.sources()["llmrouter_9models"]]
    lost = [{**row, "scores": {model: float(model == "codegemma-7b") for model in row["scores"]}} for row in rows]
    part = cheapest.measure(folder.write(tmp_path, llmrouter_9models=lost))
    assert part.figures[0].value is None
    assert part.figures[0].fails


def test_each_half_is_tried_with_the_table_of_the_other(tmp_path: Path) -> None:
    notes = cheapest.measure(folder.write(tmp_path)).notes
    assert [note.split(",")[2].split(":")[0].strip() for note in notes] == ["economy", "balanced", "quality"]


def test_tools_are_replayed_with_the_tokens_they_took(tmp_path: Path) -> None:
    prompts = tools.asked(folder.write(tmp_path))
    assert [ask.kind for _, ask in prompts] == [Kind.TOOL_USE, Kind.PARALLEL_TOOLS], "java is left out"
    correct, usd = tools.replay(prompts, read_table(tools.TABLE), "balanced")
    assert correct == 100
    small, nemo = 100 * 0.1 + 20 * 0.3, 100 * 0.15 + 20 * 0.15
    assert usd == pytest.approx((small + nemo) / 2 / 1_000)


@with_detector
def test_only_languages_of_ours_are_asked_for(tmp_path: Path) -> None:
    part = languages.measure(folder.write(tmp_path))
    assert part.figures[0].name == "sentences in 3 languages"
    assert [figure.value for figure in part.figures] == [100, 100, 100, 0]


def test_noise_is_the_same_each_time_and_of_every_sort() -> None:
    assert noise.noise() == noise.noise()
    assert {sort for sort, _ in noise.noise()} == noise.SORTS.keys()
    assert all(text.strip() for _, text in noise.noise())


def test_halves_are_about_even_and_hang_on_the_purpose() -> None:
    prompts = [f"prompt {number}" for number in range(400)]
    first = [reading.half_of(prompt, "table") for prompt in prompts]
    assert 150 < sum(first) < 250
    assert first != [reading.half_of(prompt, "learning") for prompt in prompts]


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure(name="told", value=3), ""),
        (Figure(name="low", value=3, first=4), "FAILS"),
        (Figure(name="fair", value=4, first=4, aim=5), "ok"),
        (Figure(name="high", value=5, first=4, aim=5), "aim reached"),
        (Figure(name="dear", value=5, first=4, less_is_better=True), "FAILS"),
        (Figure(name="cheap", value=2, first=4, aim=3, less_is_better=True), "aim reached"),
        (Figure(name="none", value=None, first=4), "FAILS"),
    ],
)
def test_a_figure_is_held_against_its_bars(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict
    assert figure.name in figures.table([Part(title="made up", figures=(figure,))])


@pytest.mark.parametrize(("name", "source"), [(cheapest.TABLE, cheapest), (tools.TABLE, tools)])
def test_the_tables_can_be_read_and_know_every_model(name: str, source: Any) -> None:
    table = read_table(name)
    assert QualityTable(table).models == source.PRICES.keys()


def test_a_written_table_reads_the_same(tmp_path: Path) -> None:
    table = tables.quality_of(cheapest.outcomes(cheapest.asked(folder.write(tmp_path))), reference="made up", day=DAY)
    again = tmp_path / "again.toml"
    again.write_text(tables.written(table))
    assert tables.read(again) == table
    assert table.kinds.keys() == {Kind.SHORT_QA, Kind.CODE}


def test_the_bench_chooses_with_the_routers_own_plan() -> None:
    world = World({"dear": ("2", "2"), "cheap": ("1", "1")}, _scores(dear=80.0, cheap=70.0))
    ask = classified(body_of("Good morning!"))
    assert (world.chosen(ask, "economy"), world.chosen(ask, "quality")) == ("cheap", "dear")


def _scores(**general: float) -> Any:
    return tables.quality_of(
        [(Kind.CHAT, {model: score / 100 for model, score in general.items()})], reference="made up", day=DAY
    )
