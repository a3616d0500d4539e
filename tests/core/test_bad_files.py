"""One mistake, one file: each stops the start with the file, the place and the mistake, in exactly the words beside it.

A new mistake is a `.toml` and a `.txt` of the same name in tests/bad/<kind>/. The files beside it are good ones.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from router.rulebook import ConfigError, Rulebook, load_policy, load_rules
from router.settings import load_settings

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests/bad"
TODAY = date(2026, 11, 23)
SHIPPED = load_rules(ROOT / "config", ROOT / "policies", TODAY)


def cases(kind: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted((BAD / kind).glob("*.toml"))]


def told(error: ConfigError) -> str:
    """The message as one reads it, without the folder that the test happens to use."""
    return str(error).replace(f"{error.path.parent}/", "")


def words(path: Path) -> str:
    return path.with_suffix(".txt").read_text().rstrip("\n")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder of good files, to which a test adds its bad one."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


@pytest.mark.parametrize("path", cases("policies"))
def test_a_mistake_in_a_policy_earns_its_message(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_policy(path, SHIPPED.shelf)
    assert told(caught.value) == words(path)


def test_the_good_files_are_good(config: Path) -> None:
    assert load_rules(config, ROOT / "policies", TODAY).version == SHIPPED.version


@pytest.mark.parametrize("path", cases("models"))
def test_a_mistake_in_the_catalogue_earns_its_message(config: Path, path: Path) -> None:
    shutil.copy(path, config / "models.toml")
    with pytest.raises(ConfigError) as caught:
        load_rules(config, ROOT / "policies", TODAY)
    assert told(caught.value) == words(path)


@pytest.mark.parametrize("path", cases("quality"))
def test_a_mistake_in_the_quality_table_earns_its_message(config: Path, path: Path) -> None:
    shutil.copy(path, config / "quality.toml")
    with pytest.raises(ConfigError) as caught:
        load_rules(config, ROOT / "policies", TODAY)
    assert told(caught.value) == words(path)


@pytest.mark.parametrize("path", cases("router"))
def test_a_mistake_in_the_routers_own_file_earns_its_message(config: Path, path: Path) -> None:
    shutil.copy(path, config / "router.toml")
    with pytest.raises(ConfigError) as caught:
        load_settings(
            config_dir=config,
            policies_dir=ROOT / "policies",
            data_dir=config.parent / "data",
            environ={"MISTRAL_API_KEY": "made-up"},
        )
    assert told(caught.value) == words(path)


def test_every_mistake_has_its_message_and_every_message_its_mistake() -> None:
    files = {path.with_suffix("") for path in BAD.rglob("*.toml")}
    assert files == {path.with_suffix("") for path in BAD.rglob("*.txt")}
    assert len(files) > 50


def test_a_missing_default_policy_stops_the_start(config: Path, tmp_path: Path) -> None:
    empty = tmp_path / "policies"
    empty.mkdir()
    with pytest.raises(ConfigError, match=r"default\.toml: is missing: it holds for every team"):
        load_rules(config, empty, TODAY)


def test_a_missing_catalogue_stops_the_start(config: Path) -> None:
    (config / "models.toml").unlink()
    with pytest.raises(ConfigError, match=r"models\.toml: does not exist"):
        load_rules(config, ROOT / "policies", TODAY)


def test_a_team_without_a_file_gets_the_default_policy_under_its_own_name() -> None:
    policy = SHIPPED.policy_of("nobody-knows-them")
    assert policy.team == "nobody-knows-them"
    assert policy.budgets == SHIPPED.default.budgets


def test_a_folder_beside_has_the_policies_of_teams_without_a_file(config: Path, tmp_path: Path) -> None:
    beside, policies = tmp_path / "beside", config.parent / "policies"
    beside.mkdir()
    shutil.copytree(ROOT / "policies", policies)
    for team in ("demo", "extra", "default"):
        (beside / f"{team}.toml").write_text(f'team = "{team}"\nquality = "economy"\n')
    rules = load_rules(config, policies, TODAY, beside=(beside,))
    assert (rules.policies["extra"].quality, rules.policies["demo"].quality) == ("economy", "balanced")
    assert rules.default.quality == "balanced"
    book = Rulebook(config, policies, lambda: TODAY, lambda _: None, beside=(beside,))
    (policies / "extra.toml").write_text('team = "extra"\nquality = "quality"\n')
    book.reload()
    assert book.current.policies["extra"].quality == "quality", "whoever has a file has the word"
    (beside / "extra.toml").write_text("qualtiy = 1\n")
    (policies / "extra.toml").unlink()
    book.reload()
    assert str(beside / "extra.toml") in str(book.refused)


class TestReload:
    def book(self, config: Path, told: list[str]) -> Rulebook:
        policies = config.parent / "policies"
        shutil.copytree(ROOT / "policies", policies)
        return Rulebook(config, policies, lambda: TODAY, told.append)

    def test_a_bad_file_keeps_the_rules_in_force_and_says_why(self, config: Path) -> None:
        outcomes: list[str] = []
        book = self.book(config, outcomes)
        before = book.current
        good = (book.policies_dir / "default.toml").read_text()
        (book.policies_dir / "default.toml").write_text(good + '\nqualtiy = "quality"\n')
        book.reload()
        assert book.current is before
        assert outcomes == ["refused"]
        assert book.refused is not None
        assert "default.toml" in book.refused
        (book.policies_dir / "default.toml").write_text(good.replace('"balanced"', '"quality"'))
        book.reload()
        assert outcomes == ["refused", "applied"]
        assert book.refused is None
        assert book.current.default.quality == "quality"
        assert book.current.version != before.version

    def test_files_that_say_the_same_keep_the_same_rules(self, config: Path) -> None:
        outcomes: list[str] = []
        book = self.book(config, outcomes)
        before = book.current
        book.reload()
        assert book.current is before
        assert outcomes == ["applied"]

    def test_prices_turn_with_the_day(self, config: Path) -> None:
        days = [date(2026, 10, 28)]
        policies = config.parent / "policies"
        shutil.copytree(ROOT / "policies", policies)
        book = Rulebook(config, policies, lambda: days[-1], lambda _: None)
        before = book.current.shelf.cards["mistral-large-4-0"].price
        book.turn_day()
        assert book.current.shelf.cards["mistral-large-4-0"].price == before
        days.append(date(2026, 10, 29))
        book.turn_day()
        assert book.current.shelf.cards["mistral-large-4-0"].price != before
