"""The bill against sums made here, from prices written down here, with fractions."""

import fractions
import math
import random

import pytest

# Input, cached and output, USD per million tokens (price lists of 2026-10-29).
PRICES = {
    "mistral-small-2603": ("0.15", "0.015", "0.60"),
    "mistral-large-2512": ("0.50", "0.05", "1.50"),
    "mistral-large-4-0": ("0.70", "0.07", "2.10"),
    "mistral-medium-3-5": ("1.50", "0.15", "7.50"),
    "ministral-3b-2512": ("0.10", "0.01", "0.10"),
    "ministral-8b-2512": ("0.15", "0.015", "0.15"),
    "codestral-2508": ("0.30", "0.03", "0.90"),
    "deepseek-v4-1-flash-1017": ("0.30", "0.007", "1.20"),
}


def cost_nano(model, usage, factor="1"):
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    tokens = (usage["prompt_tokens"] - cached, cached, usage["completion_tokens"])
    usd = sum(count * fractions.Fraction(price) for count, price in zip(tokens, PRICES[model], strict=True))
    return math.ceil(usd * 1000 * fractions.Fraction(factor))


def test_the_bill_is_the_sum_of_its_generations(sim):
    dice = random.Random(20261123)
    expected = 0
    for index in range(60):
        model = dice.choice(sorted(PRICES))
        usage = sim.chat(f"{index} " * dice.randrange(1, 200), model=model, max_tokens=dice.randrange(1, 500)).json()
        expected += cost_nano(model, usage["usage"])
    bill = sim.bill()
    assert (bill["generations"], bill["nano_usd"]) == (60, expected)
    assert sum(line["nano_usd"] for line in bill["by_model"].values()) == expected


def test_streams_are_billed_like_plain_answers(sim):
    usage = sim.chunks()[-1]["usage"]
    assert sim.bill()["nano_usd"] == cost_nano("mistral-small-2603", usage)


def test_an_alias_is_billed_under_the_model_behind_it(sim):
    usage = sim.chat(model="mistral-medium-latest").json()["usage"]
    line = {
        "generations": 1,
        "nano_usd": cost_nano("mistral-medium-3-5", usage),
        "input_tokens": usage["prompt_tokens"],
        "cached_tokens": 0,
        "output_tokens": usage["completion_tokens"],
    }
    assert sim.bill()["by_model"] == {"mistral-medium-3-5": line}


def test_a_fraction_of_a_nano_is_rounded_up_once(sim):
    # 15 nano-USD a hundred cached tokens: prompts of odd lengths leave fractions.
    body = sim.body("x" * 3 + " word" * 40, model="deepseek-v4-1-flash-1017", prompt_cache_key="k", n=3, max_tokens=1)
    usages = [sim.post(body).json()["usage"] for _ in range(2)]
    assert usages[1]["prompt_tokens_details"]["cached_tokens"] > 0
    assert sim.bill()["nano_usd"] == sum(cost_nano("deepseek-v4-1-flash-1017", usage) for usage in usages)


def test_the_priority_tier_costs_seven_quarters(sim):
    usage = sim.chat(service_tier="auto").json()["usage"]
    assert usage["service_tier"] == "priority"
    assert sim.bill()["nano_usd"] == cost_nano("mistral-small-2603", usage, "7/4")


def test_a_regional_host_costs_a_tenth_more(sim, spawn):
    with spawn("--regional") as (url, _):
        usage = sim.http.post(f"{url}/v1/chat/completions", json=sim.body(service_tier="auto")).json()["usage"]
        bill = sim.http.get(f"{url}/_sim/bill").json()
    assert bill["nano_usd"] == cost_nano("mistral-small-2603", usage, "77/40")


def test_a_repeated_prefix_is_cached_in_blocks_of_16_and_costs_a_tenth(sim):
    usages = [sim.chat("word " * 300 + end, prompt_cache_key="thread", max_tokens=1).json()["usage"] for end in "ab"]
    cached = [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages]
    assert cached[0] == 0
    assert cached[1] % 16 == 0
    assert 270 <= cached[1] < usages[1]["prompt_tokens"]
    assert sim.bill()["nano_usd"] == sum(cost_nano("mistral-small-2603", usage) for usage in usages)
    assert sim.bill()["by_model"]["mistral-small-2603"]["cached_tokens"] == cached[1]


def test_a_cache_key_shares_nothing_with_another_key_or_model(sim):
    def cached(**fields):
        return sim.chat("word " * 300, max_tokens=1, **fields).json()["usage"]["prompt_tokens_details"]["cached_tokens"]

    assert cached(prompt_cache_key="a") == 0
    assert cached(prompt_cache_key="b") == 0
    assert cached(prompt_cache_key="a", model="mistral-large-latest") == 0
    assert cached(prompt_cache_key="a") > 0


@pytest.mark.parametrize(("words", "hits"), [(300, False), (1100, True)])
def test_without_a_key_only_long_prompts_are_cached(sim, words, hits):
    first, second = (
        sim.chat("word " * words, max_tokens=1).json()["usage"]["prompt_tokens_details"]["cached_tokens"]
        for _ in range(2)
    )
    assert first == 0
    assert (second > 0) is hits


def test_embeddings_are_billed_by_their_input(sim):
    usage = sim.post({"model": "mistral-embed", "input": ["some text", "more"]}, "/v1/embeddings").json()["usage"]
    assert sim.bill()["nano_usd"] == usage["prompt_tokens"] * 100
