"""The regional hosts: dearer, with windows of their own, and for chat alone; told apart by the `Host` header."""

import pytest

EU, US = {"host": "api.eu.mistral.ai"}, {"host": "api.us.mistral.ai"}


def charged(sim):
    return [request["nano_usd"] for request in sim.requests()]


def test_a_regional_host_costs_a_tenth_more_than_the_global_one(sim):
    for headers in ({}, EU, US):
        assert sim.post(sim.body(), headers=headers).status_code == 200
    worldwide, *regional = charged(sim)
    assert regional == [-(-worldwide * 11 // 10)] * 2
    assert sim.bill()["nano_usd"] == sum(charged(sim))


def test_each_host_counts_for_itself(sim):
    sim.windows(mistral_small_2603={"requests": 1, "tokens": 1_000_000})
    statuses = [sim.post(sim.body(max_tokens=1), headers=headers).status_code for headers in (EU, EU, {}, US, US)]
    assert statuses == [200, 429, 200, 200, 429]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "mistral-embed", "input": "a"}),
        ("/v1/fim/completions", {"model": "codestral-latest", "prompt": "a"}),
    ],
)
def test_a_regional_host_knows_no_other_endpoint(sim, path, body):
    answer = sim.post(body, path, headers=EU)
    assert (answer.status_code, answer.json()) == (404, {"message": "no Route matched with those values"})
    assert sim.post(body, path).status_code == 200


def test_the_cache_is_shared_between_hosts(sim):
    body = sim.body("word " * 100, prompt_cache_key="k", max_tokens=1)
    usages = [sim.post(body, headers=headers).json()["usage"] for headers in ({}, EU)]
    assert [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages] == [0, 96]


def test_each_request_tells_what_was_generated_and_charged_for_it(sim):
    sim.chat()
    sim.chat(user="u")
    sim.chat(stream=True)
    assert [request["generations"] for request in sim.requests()] == [1, 0, 1]
    assert charged(sim)[1] == 0
    assert sum(charged(sim)) == sim.bill()["nano_usd"]
