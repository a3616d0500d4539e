"""What the same tokens would have cost elsewhere, against sums made by hand."""

from __future__ import annotations

from router.core.savings import Elsewhere, elsewhere
from router.wire.usage import Usage
from tests.core.making import MODELS, POLICY, ask, plan, rules

USAGE = Usage(input_tokens=1_000, cached_tokens=400, output_tokens=200)
# 600 fresh and 400 cached tokens in, 200 out, at nano-USD per token.
LARGE_NANO = 600 * 300 + 400 * 30 + 200 * 1_000
MEDIUM_NANO = 600 * 400 + 400 * 40 + 200 * 2_000
GIANT_NANO = 600 * 2_000 + 400 * 200 + 200 * 6_000


def test_an_answers_tokens_are_priced_at_the_dearest_the_cheapest_and_the_baseline_model() -> None:
    made = plan(ask())
    assert [verdict.label for verdict in made.order] == ["large", "medium"]
    assert elsewhere(made, USAGE) == Elsewhere(
        dearest_nano=MEDIUM_NANO, baseline_nano=GIANT_NANO, cheapest_nano=LARGE_NANO
    )


def test_the_cheapest_is_told_by_the_real_tokens_and_not_by_those_that_were_expected() -> None:
    """medium is planned first for long prompts with short answers, until the answer is long."""
    priced = {**MODELS, "medium": {**MODELS["medium"], "input": "0.20"}}
    made = plan(ask(output_tokens_expected=10), world=rules(models=priced))
    assert [verdict.label for verdict in made.order] == ["medium", "large"]
    found = elsewhere(made, Usage(input_tokens=1_000, output_tokens=1_000))
    assert (found.cheapest_nano, found.dearest_nano) == (300_000 + 1_000_000, 200_000 + 2_000_000)


def test_a_regions_factor_counts_everywhere() -> None:
    made = plan(ask(), region="eu")
    assert elsewhere(made, USAGE) == Elsewhere(
        dearest_nano=MEDIUM_NANO * 11 // 10,
        baseline_nano=GIANT_NANO * 11 // 10,
        cheapest_nano=LARGE_NANO * 11 // 10,
    )


def test_a_pin_leaves_one_model_to_compare_with_beside_the_baseline() -> None:
    found = elsewhere(plan(ask(), "small"), USAGE)
    assert found.dearest_nano == found.cheapest_nano == 600 * 100 + 400 * 10 + 200 * 100
    assert found.baseline_nano == GIANT_NANO


def test_a_baseline_without_a_price_or_made_for_other_work_is_no_measure() -> None:
    unpriced = {**MODELS, "giant": {name: value for name, value in MODELS["giant"].items() if name != "input"}}
    del unpriced["giant"]["output"]
    assert elsewhere(plan(ask(), world=rules(models=unpriced)), USAGE).baseline_nano is None
    vectors = plan(ask(purpose="embeddings"), "vectors", world=rules(policy=POLICY))
    assert elsewhere(vectors, Usage(input_tokens=1_000, output_tokens=0)).baseline_nano is None
