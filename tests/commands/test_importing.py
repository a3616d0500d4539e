"""LiteLLM's configuration as ours: it loads, it means the same, every line is accounted for, and no secret leaks."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.commands.litellm.making import REPORT, Translation, translate
from router.commands.litellm.reading import Unreadable, read_yaml
from router.commands.litellm.report import Fate
from router.core.asked import Asked, Wishes, understand
from router.core.catalog import Catalogue, Shelf
from router.core.policy import Pins, StoreAway
from router.core.rules import Rules
from router.rulebook import decode, load_rules
from router.settings import RouterFile
from tests import running
from tests.running import ROOT, Simulator, command

EXAMPLES = Path(__file__).parent / "litellm"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
TODAY = date(2026, 11, 25)
CATALOGUE = (ROOT / "config" / "models.toml").read_text()
QUALITY = (ROOT / "config" / "quality.toml").read_text()
SHELF = Shelf(decode(ROOT / "config" / "models.toml", Catalogue).models, TODAY)
GPU = {"GPU_ADDRESS": "http://gpu.inner:8000"}


def made_of(text: str) -> Translation:
    return translate(text, "config.yaml", CATALOGUE, QUALITY, SHELF, TODAY, GPU)


def example(name: str) -> Translation:
    return made_of((EXAMPLES / f"{name}.yaml").read_text())


def loaded(made: Translation, folder: Path) -> Rules:
    for name, text in made.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load_rules(folder / "config", folder / "policies", datetime.now(UTC).date())


def asked(rules: Rules, name: str, team: str = "anyone") -> Asked:
    return understand(name, rules, rules.policy_of(team), Wishes())


def pinned(rules: Rules, name: str) -> str | None:
    pin = asked(rules, name).pin
    return pin.card.name if pin is not None else None


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_passes_our_own_check(name: str, tmp_path: Path, simulated: Simulator) -> None:
    out = tmp_path / "out"
    code, said, err = command("import", "litellm", str(EXAMPLES / f"{name}.yaml"), "--out", str(out), environ=GPU)
    assert (code, err) == (0, "")
    assert str(out / REPORT) in said
    folders = [f"--config={out / 'config'}", f"--policies={out / 'policies'}", f"--data-dir={tmp_path / 'data'}"]
    code, told, _ = command("check", *folders, environ={})
    assert code == 0, told
    assert "ok       files" in told


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_the_file_is_accounted_for(name: str) -> None:
    root = read_yaml((EXAMPLES / f"{name}.yaml").read_text())
    findings = example(name).findings
    told = {finding.path for finding in findings}
    for leaf in root.leaves():
        above = {leaf.path[:end] for end in range(1, len(leaf.path) + 1)}
        named = leaf.path.endswith((".model_name", ".mode", ".api_base", ".custom_llm_provider"))
        figure = ".model_info." in leaf.path or "_cost_per_token" in leaf.path or leaf.path.endswith("api_key")
        assert above & told or named or figure, leaf.path
    assert all(finding.line >= 1 for finding in findings)
    dropped = {finding.path for finding in findings if finding.fate is Fate.DROPPED}
    kept = {finding.path for finding in findings if finding.fate in (Fate.CARRIED, Fate.CHANGED)}
    assert not dropped & kept, "one word on each value"


@pytest.mark.parametrize("name", NAMES)
def test_no_literal_secret_is_copied_or_printed(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = "".join(map(str, command("import", "litellm", str(EXAMPLES / f"{name}.yaml"), "--out", str(out))))
    texts = [said, *(path.read_text() for path in out.rglob("*.*") if path.is_file())]
    assert len(texts) > 4
    for text in texts:
        assert "literal-" not in text


def test_apps_get_the_models_that_they_got_before(tmp_path: Path, simulated: Simulator) -> None:
    made = example("company")
    loaded(made, tmp_path)
    simulated.reset()
    policies = {path.stem: path.read_text() for path in (tmp_path / "policies").glob("*.toml")}
    settings_ = made.files["config/router.toml"]
    with running.router(simulated.url, policies=policies, home=tmp_path, settings=settings_) as router:
        key = router.new_key("search")
        served = {
            name: router.chat("Hi", model=name, key=key, max_tokens=5).headers.get("x-router-model")
            for name in ("chat", "gpt-4", "mistral/mistral-small-latest", "mistral-large-latest", "gone")
        }
        assert router.chat("Hi", model="gpt-4o-mini", key=key, max_tokens=5).status == 200
    assert served == {
        "chat": "mistral-medium-3-5",
        "gpt-4": "mistral-medium-3-5",
        "mistral/mistral-small-latest": "mistral-small-2603",
        "mistral-large-latest": "mistral-large-2512",
        "gone": None,
    }


def test_a_small_file_keeps_its_names_its_cap_and_its_patience(tmp_path: Path) -> None:
    rules = loaded(example("small"), tmp_path)
    assert pinned(rules, "house-large") == "mistral-large-2512"
    assert pinned(rules, "mistral-small-latest") == "mistral-small-2603"
    assert pinned(rules, "vectors") == "mistral-embed-2312"
    (budget,) = rules.default.budgets
    assert (budget.scope.value, budget.nano, budget.window) == ("organisation", 400_000_000_000, "month")
    assert decode(tmp_path / "config" / "router.toml", RouterFile).timing.deadline == 90


def test_a_rule_that_a_wider_one_refuses_before_is_left_out_and_told(tmp_path: Path) -> None:
    made = made_of(
        "litellm_settings:\n"
        "  default_key_generate_params: {max_budget: 50, budget_duration: 30d, rpm_limit: 100, tpm_limit: 900}\n"
        "  default_team_params: {max_budget: 10, budget_duration: 30d, rpm_limit: 60}\n"
    )
    rules = loaded(made, tmp_path)
    (budget,) = rules.default.budgets
    assert (budget.scope.value, budget.usd) == ("team", "10")
    limits = {limit.scope.value: limit for limit in rules.default.limits}
    assert limits["team"].requests_per_minute == 60
    assert (limits["key"].requests_per_minute, limits["key"].tokens_per_minute) == (None, 900)
    report = made.files[REPORT]
    assert "is never reached in team default: line 3 refuses at 10" in report
    assert "requests_per_minute is never reached in team default: line 3 is lower" in report


def test_a_companys_file_keeps_servers_teams_and_limits(tmp_path: Path) -> None:
    rules = loaded(example("company"), tmp_path)
    assert set(rules.policies) == {"default", "search"}
    for name, target in {"chat": "mistral-medium-3-5", "gpt-4": "mistral-medium-3-5", "helper": "drafts-open"}.items():
        assert pinned(rules, name) == target
    assert pinned(rules, "mistral/mistral-small-latest") == "mistral-small-2603"
    assert pinned(rules, "gpt-4o-mini") is None, "another vendor's name is routed"
    assert pinned(rules, "claude-opus") is None
    card = rules.shelf.cards["drafts-open"]
    assert (card.served_as, card.context_tokens) == ("mistralai/Mistral-Small-24B-Instruct", 32_768)
    assert card.price is not None
    assert (card.price.input, card.price.output) == (20_000_000, 40_000_000)
    sites = {site.name: site for site in rules.sites}
    assert [site for site in sites.values() if site.offers("gpu-1")] == [sites["gpu-1"], sites["gpu-2"]]
    assert sites["mistral-2"].key == "MISTRAL_KEY_BATCH"
    budgets = {(one.scope.value, one.id, one.window): one.usd for one in rules.policy_of("search").budgets}
    assert budgets == {
        ("team", None, "month"): "120",
        ("model", "mistral-medium-3-5", "week"): "90.5",
        ("key", None, "day"): "5",
        ("tag", "night-batch", "day"): "20",
    }
    limits = {(one.scope.value, one.id): one for one in rules.default.limits}
    assert limits[("model", "drafts-open")].requests_per_minute == 200, "of both servers"
    assert limits[("key", None)].tokens_per_minute == 100_000
    assert rules.default.pins is Pins.ESCALATE
    assert all(budget.zone == "Europe/Paris" for budget in rules.default.budgets)


def test_names_that_mean_something_else_there_mean_it_here_too(tmp_path: Path) -> None:
    rules = loaded(example("regional"), tmp_path)
    assert pinned(rules, "mistral-large-latest") == "mistral-medium-3-5"
    assert pinned(rules, "veteran") == "ministral-8b-2512"
    assert pinned(rules, "fill") == "codestral-2508"
    assert pinned(rules, "world") is None, "two models under one name are routed"
    assert pinned(rules, "mistral-small-open") == "mistral-small-open"
    assert rules.default.when_store_away is StoreAway.ALLOW
    file = decode(tmp_path / "config" / "router.toml", RouterFile)
    assert (file.upstream.url, file.upstream.region) == ("https://api.eu.mistral.ai", "eu")
    assert {(site.name, site.key) for site in rules.sites} >= {("mistral-2", "MISTRAL_WORLD_KEY"), ("gpu", None)}
    (budget,) = rules.default.budgets
    assert (budget.scope.value, budget.usd, budget.window) == ("key", "12.5", "total")


def test_the_report_names_a_literal_key_by_place_and_the_variable_to_set() -> None:
    todo = [finding for finding in example("company").findings if finding.fate is Fate.TO_DO]
    key = next(finding for finding in todo if finding.path == "model_list[3].litellm_params.api_key")
    assert key.line == 25
    assert "GPU_1_API_KEY" in key.what
    assert any("ROUTER_ADMIN_KEY" in finding.what for finding in todo)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the file is empty"),
        ("model_list: [", "line 1, column 14: is not YAML"),
        ("model_list:\n\t- model_name: x", "line 2, column 1"),
        ("- a", "line 1: the file: must be a mapping, and is a list"),
        ("a: 1\nb: 2\na: 3", "line 3: a stands twice"),
        ("model_list: 5", "line 1: model_list: must be a list, and is a number"),
        (
            "model_list:\n  - model_name: x",
            "line 2: model_list[0]: must be an entry with model_name and litellm_params",
        ),
        ("litellm_settings: {max_budget: lots}", "litellm_settings.max_budget: must be a number"),
        ("litellm_settings: {max_budget: -1}", "litellm_settings.max_budget: must be a number of zero or more"),
        ("litellm_settings: {max_budget: .inf}", "litellm_settings.max_budget: must be a number of zero or more"),
        ("litellm_settings: {max_budget: 1, budget_duration: monthly}", "budget_duration: must be a duration such as"),
        ("litellm_settings: {timezone: Paris}", "timezone: must be an IANA time zone"),
        ("litellm_settings: {default_key_generate_params: {rpm_limit: 1.5}}", "rpm_limit: must be a whole number"),
        ("router_settings: {timeout: 0}", "router_settings.timeout: must be a number of seconds above 0"),
        ("router_settings: {timeout: os.environ/TIMEOUT}", "stands in a variable: write the value itself"),
        ("general_settings: {allow_requests_on_db_unavailable: perhaps}", "must be true or false, and is text"),
        ("a: 2026-13-45", "line 1: a: must be text, a number or a date"),
        ("a: *hunter2", "found undefined alias …"),
        ("a: !hunter2 b", "could not determine a constructor for the tag …"),
        ("[" * 200 + "]" * 200, "nests deeper than"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    code, out, err = command("import", "litellm", str(path), "--out", str(tmp_path / "out"))
    assert code == 1
    told = " ".join((out + err).split())
    assert said in told
    assert "hunter2" not in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_aliases_that_stand_for_more_and_more_are_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcde", "bcdef", strict=True)
    )
    with pytest.raises(Unreadable, match="holds more than"):
        read_yaml(bomb)


def test_files_that_are_there_are_only_written_over_by_force(tmp_path: Path) -> None:
    arguments = ("import", "litellm", str(EXAMPLES / "small.yaml"), "--out", str(tmp_path))
    assert command(*arguments)[0] == 0
    mine = tmp_path / "policies" / "default.toml"
    mine.write_text("# mine\n")
    code, out, err = command(*arguments)
    assert (code, mine.read_text()) == (1, "# mine\n")
    assert "--force" in out + err
    assert command(*arguments, "--force")[0] == 0
    assert mine.read_text() != "# mine\n"


def test_a_catalogue_that_is_imported_twice_says_what_stands_in_the_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("import", "litellm", str(EXAMPLES / "company.yaml"), "--out")
    assert command(*arguments, str(out))[0] == 0
    code, said, err = command(*arguments, str(tmp_path / "again"), f"--config={out / 'config'}")
    assert code == 1
    assert "config/models.toml" in said + err
    assert not (tmp_path / "again").exists()


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**7), st.floats(allow_nan=False), st.text(max_size=8))
FIELDS = ("model_list", "model_name", "litellm_params", "model", "api_key", "litellm_settings", "max_budget", "rpm",
          "budget_duration", "router_settings", "model_group_alias", "default_team_settings", "team_id", "fallbacks",
          "default_key_generate_params", "general_settings", "global_max_parallel_requests", "x")  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(tree=st.dictionaries(st.sampled_from(FIELDS), TREES, max_size=5))
def test_any_file_is_refused_with_its_line_or_makes_something_that_loads(
    tree: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    refused = None
    try:
        loaded(made_of(json.dumps(tree)), folder)
    except Unreadable as error:
        refused = str(error)
    assert refused is None or refused.startswith("line 1")
    shutil.rmtree(folder)
