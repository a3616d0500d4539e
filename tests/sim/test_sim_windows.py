"""Requests and tokens a minute, per model, and the headers that tell of them."""

import concurrent.futures

import pytest

from router.sim.windows import Limits, Window


def rates(answer):
    prefix = "x-ratelimit-"
    return {name.removeprefix(prefix): int(value) for name, value in answer.headers.items() if name.startswith(prefix)}


def test_a_plain_answer_tells_both_windows_and_its_own_cost(sim):
    answer = sim.chat()
    usage = answer.json()["usage"]
    cost = usage["total_tokens"]
    assert rates(answer) == {
        "limit-req-minute": 100,
        "remaining-req-minute": 99,
        "tokens-query-cost": cost,
        "limit-tokens-minute": 100_000,
        "remaining-tokens-minute": 100_000 - cost,
    }


def test_cached_tokens_do_not_count(sim):
    sim.chat("word " * 300, prompt_cache_key="k", max_tokens=1)
    answer = sim.chat("word " * 300, prompt_cache_key="k", max_tokens=1)
    usage = answer.json()["usage"]
    assert rates(answer)["tokens-query-cost"] == usage["total_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]


def test_a_stream_is_debited_without_telling(sim):
    usage = sim.chunks()[-1]["usage"]
    answer = sim.chat(max_tokens=1)
    spent = usage["total_tokens"] + answer.json()["usage"]["total_tokens"]
    assert rates(answer)["remaining-tokens-minute"] == 100_000 - spent
    assert rates(answer)["remaining-req-minute"] == 98


def test_of_a_burst_as_many_are_served_as_the_window_holds(sim):
    sim.windows(mistral_small_2603={"requests": 4, "tokens": 100_000})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sim.chat(max_tokens=1), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 4
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert rates(refused) == {"limit-req-minute": 4, "remaining-req-minute": 0}
    assert refused.json()["code"] == "1300"
    assert sim.bill()["generations"] == 4


def test_tokens_are_debited_afterwards_so_the_last_answer_may_overshoot(sim):
    sim.windows(mistral_small_2603={"requests": 50, "tokens": 60})
    statuses = [sim.chat(max_tokens=30).status_code for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    refused = sim.chat()
    assert rates(refused) == {"limit-tokens-minute": 60, "remaining-tokens-minute": 0}


def test_every_model_has_windows_of_its_own_shared_by_its_aliases(sim):
    sim.windows(mistral_small_2603={"requests": 1, "tokens": 1000})
    assert sim.chat(max_tokens=1).status_code == 200
    assert sim.chat(model="mistral-small-2603").status_code == 429
    assert sim.chat(model="ministral-8b-latest").status_code == 200


def test_a_limit_of_zero_is_a_model_that_is_not_on_the_plan(sim):
    sim.windows(zai_glm_5_3={"requests": 0, "tokens": 0})
    refused = sim.chat(model="zai-glm-5-3")
    assert refused.status_code == 429
    assert rates(refused) == {"limit-req-minute": 0, "remaining-req-minute": 0}


def test_wide_windows_are_never_met(sim, spawn):
    with spawn("--wide") as (url, _):
        answer = sim.http.post(f"{url}/v1/chat/completions", json=sim.body(max_tokens=1))
    assert rates(answer)["limit-req-minute"] == 1_000_000
    assert rates(answer)["limit-tokens-minute"] == 1_000_000_000


@pytest.mark.parametrize("step_s", [0.5, 7.0, 59.9])
def test_a_window_slides_and_forgets_after_sixty_seconds(step_s):
    window = Window(Limits(requests=1, tokens=10))
    now = 1000.0
    assert window.enter(now) is None
    window.debit(10, now)
    assert window.enter(now + step_s) is not None
    assert window.enter(now + 60) is None
    assert window.remaining(now + 60) == Limits(requests=0, tokens=10)
