"""Which model serves a request: one file a decision, and what holds for every decision."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.asked import AUTO, Wishes, understand
from router.core.catalog import Ability, Stage
from router.core.kinds import Kind
from router.core.plan import Plan
from router.core.reasons import Reason, Why
from router.errors import BadRequest, ModelNotFound, NotAllowed
from router.rulebook import load_rules
from tests.core.making import MODELS, POLICY, SCORES, ask, plan, rules, switched

GOLDEN = Path(__file__).parents[1] / "golden/plan"


class Expect(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`rejected` names the objections that the case is about; `max_tokens` and the costs are the first choice's."""

    order: list[str]
    reason: Reason
    threshold: float | None = None
    rejected: dict[str, Why] = {}
    max_tokens: int | None = None
    expected_nano: int | None = None
    most_nano: int | None = None
    observed: str | None = None
    opens_in_s: float = 0.0


class Case(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One file: what differs from the made-up world of tests/core/making.py, and what must come out. `opens_in` has the
    quotas without room, and in how many seconds they have some."""

    expect: Expect
    model: str = "auto"
    region: str = "global"
    ask: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    wishes: Wishes = Wishes()
    resting: dict[str, Why] = {}
    opens_in: dict[str, float] = {}
    disabled: dict[str, str] = {}
    pin_all: str | None = None
    models: dict[str, dict[str, Any]] = {}
    upstreams: dict[str, dict[str, Any]] = {}
    scores: dict[str, float] = {}


def planned(case: Case) -> Plan:
    models = {name: {**MODELS.get(name, {}), **case.models.get(name, {})} for name in {**MODELS, **case.models}}
    world = rules(models, {**SCORES, **case.scores}, {**POLICY, **case.policy}, case.upstreams)
    return plan(
        ask(**case.ask),
        case.model,
        world=world,
        wishes=case.wishes,
        resting=case.resting,
        opens_in=case.opens_in,
        switches=switched(case.disabled, case.pin_all),
        region=case.region,
    )


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.toml")), ids=lambda path: path.stem)
def test_a_request_gets_the_plan_of_its_case(path: Path) -> None:
    text = path.read_text()
    title, case = text.splitlines()[0], msgspec.toml.decode(text, type=Case)
    assert title.startswith("# "), "a case begins with its title"
    made, expect = planned(case), case.expect
    objections = {verdict.label: verdict.objection for verdict in made.verdicts}
    assert [verdict.label for verdict in made.order] == expect.order, title
    assert made.reason is expect.reason, title
    assert {name: objections[name] for name in expect.rejected} == expect.rejected, title
    assert (made.observed.card.name if made.observed else None) == expect.observed, title
    assert made.opens_in_s == expect.opens_in_s, title
    if expect.threshold is not None:
        assert made.threshold == pytest.approx(expect.threshold), title
    for name in ("max_tokens", "expected_nano"):
        assert getattr(expect, name) in (None, made.chosen and getattr(made.chosen, name)), title
    assert expect.most_nano in (None, made.chosen and made.chosen.most and made.chosen.most.nano), title


def test_every_objection_has_a_case() -> None:
    cases = [msgspec.toml.decode(path.read_bytes(), type=Case) for path in GOLDEN.glob("*.toml")]
    shown = {why for case in cases for why in case.expect.rejected.values()}
    # The lacks that differ only in the ability are tried below.
    lacks = {why for why in Why if why.value.startswith("no_")} - {Why.NO_SCORE, Why.NO_PRICE}
    assert set(Why) - shown - lacks == set()


LACKS = {
    Ability.TOOLS: Why.NO_TOOLS,
    Ability.PARALLEL_TOOLS: Why.NO_PARALLEL_TOOLS,
    Ability.JSON: Why.NO_JSON,
    Ability.VISION: Why.NO_VISION,
    Ability.AUDIO: Why.NO_AUDIO,
    Ability.DOCUMENTS: Why.NO_DOCUMENTS,
    Ability.REASONING: Why.NO_REASONING,
    Ability.PREFIX: Why.NO_PREFIX,
    Ability.PREDICTION: Why.NO_PREDICTION,
}


PURPOSE_LACKS = {"fim": Why.NO_FIM, "embeddings": Why.NO_EMBEDDINGS, "moderation": Why.NO_MODERATION}


@pytest.mark.parametrize("purpose", PURPOSE_LACKS)
def test_a_model_made_for_something_else_is_named(purpose: str) -> None:
    made = plan(ask(purpose=purpose), "large")
    assert not made.order
    [verdict] = [verdict for verdict in made.verdicts if verdict.card.name == "large"]
    assert verdict.objection is PURPOSE_LACKS[purpose]


@pytest.mark.parametrize("need", LACKS)
def test_a_missing_ability_is_named(need: Ability) -> None:
    plain = rules(
        {"plain": {"context_tokens": 8_192, "abilities": ["chat"], "input": "1", "output": "1"}}, {"plain": 50}
    )
    [verdict] = plan(ask(needs=[need.value]), world=plain, wishes=Wishes()).verdicts
    assert verdict.objection is LACKS[need]


GENERATING = [kind for kind in Kind if kind not in (Kind.EMBEDDING, Kind.MODERATION)]
NAMES = sorted(name for name in MODELS if name not in ("old", "vectors"))
ASKS = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": st.integers(1, 300_000),
        "output_tokens_max": st.none() | st.integers(1, 100_000),
        "output_tokens_expected": st.integers(1, 5_000),
        "needs": st.lists(st.sampled_from(["tools", "parallel_tools", "json", "reasoning", "audio"]), max_size=2),
        "answers": st.integers(1, 4),
        "kind": st.sampled_from([kind.value for kind in GENERATING]),
    },
)  # fmt: skip
CASES = st.builds(
    Case,
    expect=st.just(Expect(order=[], reason=Reason.NONE_SUITABLE)),
    model=st.sampled_from([*AUTO, *NAMES, "older", "mid"]),
    ask=ASKS,
    policy=st.fixed_dictionaries(
        {},
        optional={
            "quality": st.floats(0, 1),
            "escalation_cost_max": st.floats(1, 50),
            "default_max_tokens": st.integers(1, 50_000),
            "routing": st.sampled_from(["on", "observe"]),
        },
    ),
    wishes=st.builds(
        Wishes,
        quality=st.none() | st.floats(0, 1) | st.just("economy"),
        cost_max_nano=st.none() | st.integers(0, 100_000_000),
    ),
    resting=st.dictionaries(st.sampled_from(NAMES), st.just(Why.RESTING)),
    opens_in=st.dictionaries(st.sampled_from(NAMES), st.floats(1, 60)),
    region=st.sampled_from(["global", "eu"]),
    upstreams=st.sampled_from([{}, {"twin": {"url": "http://eu", "region": "eu", "mirrors": "mistral"}}]),
)


def test_of_two_that_cost_the_same_the_better_leads() -> None:
    same = {"context_tokens": 8_192, "abilities": ["chat"], "input": "1", "output": "1"}
    made = plan(
        ask(), world=rules({"able": same, "giant": same, "worse": same}, {"able": 88, "giant": 90, "worse": 88})
    )
    assert [verdict.card.name for verdict in made.order] == ["giant", "able", "worse"]


@settings(max_examples=150)
@given(CASES)
def test_what_holds_for_every_plan(case: Case) -> None:
    made = planned(case)
    assert planned(case) == made, "same input, same plan"
    eligible = {verdict.label for verdict in made.verdicts if verdict.objection is None}
    assert {verdict.label for verdict in made.order} == eligible, "whoever is not in the order has an objection"
    costs = [(one.expected_nano or 0, -(one.score.value or 0), one.card.name) for one in made.order]
    assert costs == sorted(costs), "by cost, of equal ones the better, then by name"
    assert (made.reason is Reason.NONE_SUITABLE) == (not made.order)
    for verdict in made.order:
        assert verdict.most is not None
        assert verdict.expected_nano is not None
        assert 0 < verdict.max_tokens <= verdict.card.output_tokens_max
        assert verdict.input_tokens + verdict.max_tokens < verdict.card.context_tokens
        assert case.wishes.cost_max_nano is None or verdict.most.nano <= case.wishes.cost_max_nano
        if made.asked.pin is None:
            assert made.threshold is not None
            assert verdict.score.value is not None
            assert verdict.score.value >= made.threshold
            assert verdict.expected_nano <= (costs[0][0] or 0) * made.policy.escalation_cost_max
    if made.asked.pin is not None:
        served = {verdict.card.name for verdict in made.order}
        assert served <= {made.asked.pin.card.name}, "a pin is served by that model or by none"


@given(CASES)
def test_an_outage_never_lowers_the_bar(case: Case) -> None:
    calm = planned(msgspec.structs.replace(case, resting={}, opens_in={}))
    assert planned(case).threshold == calm.threshold


@given(CASES, st.floats(0, 1), st.floats(0, 1))
def test_who_asks_for_less_never_pays_more(case: Case, one: float, other: float) -> None:
    low, high = sorted((one, other))
    costs = []
    for quality in (low, high):
        routed = msgspec.structs.replace(case, model="auto", wishes=Wishes(quality=quality), resting={}, opens_in={})
        costs.append([verdict.expected_nano or 0 for verdict in planned(routed).order])
    if costs[1]:
        assert costs[0][0] <= costs[1][0]


@given(CASES)
def test_the_expected_cost_is_never_above_the_bound(case: Case) -> None:
    for verdict in planned(case).verdicts:
        asked = ask(**case.ask)
        if verdict.most is not None and asked.output_tokens_expected <= verdict.max_tokens:
            assert verdict.expected_nano is not None
            assert verdict.expected_nano <= verdict.most.nano


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    world = rules()
    with pytest.raises(ModelNotFound) as caught:
        understand("meduim", world, world.default, Wishes())
    assert caught.value.extra["nearest"][0] == "medium"
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    with pytest.raises(ModelNotFound, match='"auto" lets the router choose'):
        understand("§§§§", world, world.default, Wishes())


def test_no_retired_model_is_proposed() -> None:
    world = rules()
    retired = {name for name, card in world.shelf.cards.items() if card.stage is Stage.RETIRED}
    assert retired
    for name in retired:
        assert {"older", *retired}.isdisjoint(world.shelf.nearest(f"{name}x"))


@pytest.mark.parametrize("name", ["auto:best", "auto:", "AUTO"])
def test_a_mode_that_does_not_exist_is_no_model(name: str) -> None:
    world = rules()
    with pytest.raises(ModelNotFound):
        understand(name, world, world.default, Wishes())


def test_a_pin_outside_the_policy_or_the_key_is_refused() -> None:
    world = rules(policy={**POLICY, "models": {"allow": ["small", "medium"]}})
    with pytest.raises(NotAllowed, match="The policy of team apps does not allow the model large"):
        understand("large", world, world.default, Wishes())
    with pytest.raises(NotAllowed, match="This key may not use the model medium"):
        understand("mid", world, world.default, Wishes(key_models=("small",)))


@pytest.mark.parametrize("scope", [("mid",), ("medium",), ("med*",), ("small", "m*")])
def test_a_keys_scope_names_ids_aliases_and_globs(scope: tuple[str, ...]) -> None:
    world = rules()
    assert understand("medium", world, world.default, Wishes(key_models=scope)).pin is not None


@pytest.mark.parametrize("quality", ["best", "", -0.1, 1.1, float("nan")])
def test_a_quality_that_cannot_be_meant_names_its_header(quality: str | float) -> None:
    world = rules()
    with pytest.raises(BadRequest) as caught:
        understand("auto", world, world.default, Wishes(quality=quality))
    assert (caught.value.code, caught.value.param) == ("invalid_value", "x-router-quality")


@pytest.mark.parametrize(
    ("name", "quality"), [("auto", 0.85), ("auto:balanced", 0.90), ("auto:economy", 0.85), ("auto:quality", 0.98)]
)
def test_a_name_says_how_good_answers_must_be(name: str, quality: float) -> None:
    world = rules()
    assert understand(name, world, world.default, Wishes()).quality == quality


ROOT = Path(__file__).parents[2]
SHIPPED = load_rules(ROOT / "config", ROOT / "policies", date(2026, 11, 23))


@pytest.mark.parametrize("kind", GENERATING)
@pytest.mark.parametrize("mode", AUTO)
@pytest.mark.parametrize("needs", [[], ["tools"], ["json"], ["vision"], ["reasoning"]])
def test_the_files_that_ship_serve_every_ordinary_request(kind: Kind, mode: str, needs: list[str]) -> None:
    made = plan(ask(kind=kind.value, needs=needs), mode, world=SHIPPED)
    assert made.chosen is not None
    assert made.chosen.expected_nano is not None
    assert made.baseline is not None


@pytest.mark.parametrize(
    ("purpose", "kind", "name", "chosen"),
    [
        ("fim", Kind.CODE, "auto", "codestral-2508"),
        ("fim", Kind.CODE, "codestral-latest", "codestral-2508"),
        ("moderation", Kind.MODERATION, "auto", "mistral-moderation-2603"),
        ("embeddings", Kind.EMBEDDING, "mistral-embed", "mistral-embed-2312"),
        ("embeddings", Kind.EMBEDDING, "auto", None),
    ],
)
def test_the_files_that_ship_serve_what_is_no_conversation(
    purpose: str, kind: Kind, name: str, chosen: str | None
) -> None:
    made = plan(ask(kind=kind.value, purpose=purpose), name, world=SHIPPED)
    assert (made.chosen.card.name if made.chosen else None) == chosen
    assert made.baseline is None, "what the baseline model cannot do, it cannot have cost"


def test_texts_of_many_windows_fit_when_the_longest_fits() -> None:
    texts = {"kind": "embedding", "purpose": "embeddings", "input_tokens": 100_000, "output_tokens_max": 0}
    assert plan(ask(**texts, window_tokens=8_000), "vectors").chosen is not None
    assert plan(ask(**texts, window_tokens=9_000), "vectors").chosen is None


def test_a_policy_that_ships_plans_for_a_prompt_of_any_length_that_a_window_holds() -> None:
    for tokens in (1, 1_000, 30_000, 120_000):
        assert plan(ask(input_tokens=tokens), world=SHIPPED).chosen is not None
    assert plan(ask(input_tokens=5_000_000), world=SHIPPED).chosen is None
