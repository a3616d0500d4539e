"""Requests planned again: what is remembered of them, what they cost under another policy, whom a budget refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from router.core.asked import Wishes
from router.core.classify import Classification
from router.core.explain import RouterObject, explain
from router.core.language import Source
from router.core.policy import Policy
from router.core.remembered import remembered
from router.core.replay import Case, Decision, Share, Tally, moved, replay, tally
from router.core.sites import main_site
from router.core.tokens import PromptSize
from router.wire.fitting import Misfit
from router.wire.schema import SchemaProfile
from router.wire.usage import Usage
from tests.core.making import MODELS, POLICY, ask, plan, rules

HOUR_MS = 3_600_000
NOON_MS = round(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)
# 1,000 tokens in, 100 out.
USAGE = Usage(input_tokens=1_000, output_tokens=100)
SMALL_NANO = 1_000 * 100 + 100 * 100
LARGE_NANO = 1_000 * 300 + 100 * 1_000
# What is held: 1,000 tokens in, 8,192 out.
LARGE_HELD_NANO = 1_000 * 300 + 8_192 * 1_000


def policy(**fields: Any) -> Policy:
    return msgspec.convert({**POLICY, **fields}, Policy)


def case(asked: Classification | None = None, **fields: Any) -> Case:
    return Case(**{"ask": asked or ask(), "model": "auto", "team": "apps", "usage": USAGE, **fields})


def replayed(under: Policy, *cases: Case) -> list[Decision]:
    world = rules()
    return replay(cases, lambda _: under, rules=world, sites=(main_site("http://mistral", "global"),))


# --- What is remembered -----------------------------------------------------------------------------------------------


def after_the_store(asked: Classification, wishes: Wishes) -> tuple[Classification, Wishes]:
    """What a record gives back after it was written and read."""
    written = msgspec.json.encode(explain("r1", asked, plan(asked, wishes=wishes)))
    told = msgspec.json.decode(written, type=RouterObject)
    assert told.basis is not None
    return remembered(told.basis, told.classification, asked.tags), told.basis.wishes


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"needs": ["tools", "parallel_tools"], "answers": 3, "output_tokens_max": 50, "output_tokens_expected": 50},
        {"language": "de", "answer_language": "fr", "language_source": Source.DETECTOR, "kind": "translation"},
        {"tags": ("a", "b"), "method": "sampled", "over": 40, "window_tokens": 300},
        {"input_tokens": 9_000_000},
    ],
    ids=["plain", "tools and a bound", "languages", "tags and an estimate", "fits no model"],
)
def test_a_record_gives_back_the_classification_that_it_was_planned_with(fields: dict[str, Any]) -> None:
    asked = ask(**fields)
    assert after_the_store(asked, Wishes()) == (asked, Wishes())


def test_what_the_app_wished_for_is_remembered() -> None:
    wishes = Wishes(quality=0.5, cost_max_nano=70, key_models=("small", "l*"))
    assert after_the_store(ask(), wishes)[1] == wishes


def test_tokens_that_only_some_models_get_are_remembered() -> None:
    size = PromptSize(
        tokens=90, settings_tokens=12, thinking_tokens=30, images=2, method=ask().size.method,
        profile_tokens={SchemaProfile.NO_REF: 5}, serial_tokens=7,
    )  # fmt: skip
    asked = msgspec.structs.replace(ask(), size=size, input_tokens=90, settings_tokens=12, images=2)
    assert after_the_store(asked, Wishes())[0] == asked


def test_of_a_misfit_its_code_is_remembered_so_that_the_same_models_are_left_out() -> None:
    misfit = Misfit(code="schema_recursive", place="tools[0]", what="refers to itself")
    asked = msgspec.structs.replace(ask(), misfits={SchemaProfile.NO_REF: misfit})
    [(profile, kept)] = after_the_store(asked, Wishes())[0].misfits.items()
    assert (profile, kept.code) == (SchemaProfile.NO_REF, "schema_recursive")


# --- Decisions --------------------------------------------------------------------------------------------------------


def test_a_lower_quality_moves_a_request_and_prices_its_real_tokens_there() -> None:
    [before], [after] = replayed(policy(), case()), replayed(policy(quality=0.5), case())
    assert before == Decision(model="large", nano_usd=LARGE_NANO, batch_nano_usd=LARGE_NANO, score=82.0)
    assert after == Decision(model="small", nano_usd=SMALL_NANO, batch_nano_usd=SMALL_NANO, score=60.0)
    assert moved([before], [after]) == 1
    assert moved([before], [before]) == 0


def test_without_usage_the_expected_length_is_priced() -> None:
    [found] = replayed(policy(), case(usage=None))
    assert found.nano_usd == 1_000 * 300 + 200 * 1_000


def test_cached_input_costs_its_own_rate() -> None:
    [found] = replayed(policy(), case(usage=Usage(input_tokens=1_000, cached_tokens=900, output_tokens=100)))
    assert found.nano_usd == 100 * 300 + 900 * 30 + 100 * 1_000


def test_in_a_batch_half_is_paid_where_the_model_and_its_endpoint_take_batches() -> None:
    world = rules({**MODELS, "small": {**MODELS["small"], "batch": True}})
    asked = case(model="small", usage=Usage(input_tokens=1, output_tokens=100))
    for region, model, paid in (("global", "small", 5_050), ("global", "large", None), ("eu", "small", None)):
        under = msgspec.structs.replace(asked, model=model)
        [found] = replay([under], lambda _: policy(), rules=world, sites=(main_site("http://mistral", region),))
        assert found.batch_nano_usd == (paid or found.nano_usd), (region, model)


def test_what_the_app_asked_for_holds_under_every_policy() -> None:
    wished = case(wishes=Wishes(quality=0.5))
    named = case(model="medium")
    assert [found.model for found in replayed(policy(), wished, named)] == ["small", "medium"]
    mapped = policy(models={"allow": ["*"], "map": {"medium": "auto"}})
    assert [found.model for found in replayed(mapped, named)] == ["large"]


def test_each_refusal_has_its_code_and_costs_nothing() -> None:
    narrow = policy(models={"allow": ["small"]})
    found = replayed(
        narrow, case(model="medium"), case(model="gpt-9"), case(ask(needs=["vision"])), case(model="small")
    )
    assert tally(found) == Tally(
        requests=4,
        served=1,
        nano_usd=SMALL_NANO,
        batch_nano_usd=SMALL_NANO,
        models={"small": Share(requests=1, nano_usd=SMALL_NANO)},
        refusals={"model_not_found": 1, "no_suitable_model": 1, "not_allowed": 1},
        lowest_score=60.0,
        mean_score=60.0,
    )


def test_a_tally_tells_the_mix_and_the_scores_of_the_models_chosen() -> None:
    found = tally(replayed(policy(), case(model="small"), case(), case()))
    assert list(found.models.items()) == [
        ("large", Share(requests=2, nano_usd=2 * LARGE_NANO)),
        ("small", Share(requests=1, nano_usd=SMALL_NANO)),
    ]
    assert (found.lowest_score, found.mean_score) == (60.0, 74.67)
    nothing = tally([])
    assert (nothing.requests, nothing.lowest_score, nothing.mean_score) == (0, None, None)


# --- Budgets ----------------------------------------------------------------------------------------------------------


def spending(window: str, usd: str, **more: Any) -> Policy:
    return policy(budget=[{"scope": "team", "usd": usd, "window": window, **more}])


def refused(under: Policy, *at_ms: int) -> list[bool]:
    return [found.refusal == "budget_exceeded" for found in replayed(under, *(case(at_ms=at) for at in at_ms))]


# Room for one request's hold and the cost of one before it, but not of two.
ROOM_USD = f"0.{LARGE_HELD_NANO + 2 * LARGE_NANO - 1:09d}"


def test_a_days_budget_refuses_what_would_not_fit_and_begins_anew_at_midnight() -> None:
    under = spending("day", ROOM_USD)
    times = [NOON_MS, NOON_MS + 1, NOON_MS + 2, NOON_MS + 12 * HOUR_MS]
    assert refused(under, *times) == [False, False, True, False]


def test_a_rolling_budget_lets_go_of_a_charge_when_its_bucket_has_left_the_window() -> None:
    under = spending("24h", ROOM_USD)
    times = [NOON_MS, NOON_MS + 6 * HOUR_MS, NOON_MS + 24 * HOUR_MS, NOON_MS + 25 * HOUR_MS]
    assert refused(under, *times) == [False, False, True, False]


def test_a_budget_that_only_warns_refuses_nobody() -> None:
    assert refused(spending("day", ROOM_USD, mode="soft"), *[NOON_MS] * 5) == [False] * 5


def test_a_refused_request_fills_no_budget() -> None:
    wide_then_narrow = policy(
        budget=[
            {"scope": "team", "usd": "1", "window": "total"},
            {"scope": "key", "usd": ROOM_USD, "window": "total"},
        ]
    )
    found = replayed(
        wide_then_narrow, *(case(at_ms=NOON_MS, key="k1") for _ in range(9)), case(at_ms=NOON_MS, key="k2")
    )
    assert [decision.refusal is None for decision in found] == [True, True, *[False] * 7, True]


def test_each_team_has_a_purse_of_its_own() -> None:
    under = spending("total", f"0.{LARGE_HELD_NANO:09d}")
    found = replayed(under, case(at_ms=1, team="a"), case(at_ms=2, team="b"), case(at_ms=3, team="a"))
    assert [decision.refusal for decision in found] == [None, None, "budget_exceeded"]


def test_requests_without_a_time_meet_no_budget() -> None:
    assert replayed(spending("day", "0"), case())[0].refusal is None
