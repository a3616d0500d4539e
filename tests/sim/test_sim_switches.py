"""Single switches, turned while the simulator runs: what the API did at other times, or may do."""

import json
import time

import httpx
import pytest

USER = {"role": "user", "content": "hi"}
CALL = {"id": "abcdefghi", "function": {"name": "f", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": "x", "tool_call_id": "abcdefghi"}


def test_a_reset_turns_every_switch_back(sim):
    before = sim.http.get("/_sim/switches").json()
    turned = sim.switch(user_after_tool=False, retired="unknown")
    assert turned == {**before, "user_after_tool": False, "retired": "unknown"}
    sim.http.post("/_sim/reset")
    assert sim.http.get("/_sim/switches").json() == before


@pytest.mark.parametrize(
    ("switches", "place"),
    [({"user_after_tol": True}, "user_after_tol"), ({"usage": "2024"}, "2024"), ({"text_only": 1}, "$.text_only")],
)
def test_a_switch_that_is_none_is_a_400_that_names_it(sim, switches, place):
    answer = sim.post(switches, "/_sim/switches")
    assert answer.status_code == 400
    assert place in answer.json()["error"]


def test_a_user_after_a_tool_may_be_refused(sim):
    messages = [USER, ASKED, RESULT, USER]
    assert sim.chat(messages=messages).status_code == 200
    sim.switch(user_after_tool=False)
    assert sim.chat(messages=messages).json()["code"] == "3230"


@pytest.mark.parametrize(("body", "code"), [("object", None), ("bare", None), ("text", "1000")])
def test_a_422_comes_in_each_of_its_three_shapes(sim, body, code):
    sim.switch(validation_body=body)
    answer = sim.chat(user="u", max_tokens=-1)
    assert answer.status_code == 422
    error = answer.json()
    assert error.get("code") == code
    holder = error if body == "bare" else error["message"]
    detail = (json.loads(holder) if body == "text" else holder)["detail"]
    assert [problem["loc"] for problem in detail] == [["body", "user"], ["body", "max_tokens"]]


@pytest.mark.parametrize(
    ("mode", "status", "code"), [("gone", 404, "1500"), ("unknown", 400, "1500"), ("replaced", 200, None)]
)
def test_a_retired_name_is_gone_or_unknown_or_served_by_what_took_its_place(sim, mode, status, code):
    sim.switch(retired=mode)
    answer = sim.chat(model="open-mistral-nemo", max_tokens=1)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    if mode == "replaced":
        assert answer.json()["model"] == "open-mistral-nemo"
        assert list(sim.bill()["by_model"]) == ["ministral-8b-2512"]


@pytest.mark.parametrize(
    ("time_of", "more"),
    [
        ("2025", set()),
        ("2026-01", {"num_cached_tokens"}),
        ("2026-02", {"prompt_tokens_details"}),
        ("2026-08", {"prompt_tokens_details", "service_tier"}),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_usage_has_the_fields_of_its_time(sim, time_of, more, stream):
    sim.switch(usage=time_of)
    usage = sim.chunks()[-1]["usage"] if stream else sim.chat().json()["usage"]
    assert set(usage) == {"prompt_tokens", "total_tokens", "completion_tokens"} | more


def test_a_short_prompt_may_be_cached_without_a_key(sim):
    def cached():
        return sim.chat("word " * 100, max_tokens=1).json()["usage"]["prompt_tokens_details"]["cached_tokens"]

    sim.switch(cached_from_tokens=16)
    assert [cached(), cached()] == [0, 96]


def test_a_refusal_may_name_a_time_to_wait(sim):
    sim.switch(retry_after_s=7)
    sim.windows(mistral_small_2603={"requests": 0, "tokens": 0})
    assert sim.chat().headers["retry-after"] == "7"
    sim.faults({"fault": "rate_limited"})
    assert sim.chat(model="mistral-large-latest").headers["retry-after"] == "7"


@pytest.mark.parametrize("status", [402, 403])
def test_beyond_the_monthly_cap_nothing_is_generated(sim, status):
    cost_nano = _cost_of_one(sim)
    sim.http.post("/_sim/reset")
    sim.switch(spend_limit_nano_usd=cost_nano + 1, spend_limit_status=status)
    assert [sim.chat().status_code for _ in range(3)] == [200, 200, status]
    assert sim.bill()["generations"] == 2


def _cost_of_one(sim):
    sim.chat()
    return sim.bill()["nano_usd"]


def test_every_model_may_be_one_of_an_older_generation(sim):
    messages = [USER, {**ASKED, "tool_calls": [{**CALL, "id": "call_1"}]}, {**RESULT, "tool_call_id": "call_1"}]
    assert sim.chat(messages=messages).status_code == 200
    sim.switch(tokenizer="v11")
    assert sim.chat(messages=messages).json()["code"] == "3280"
    assert sim.chat(reasoning_effort="high").status_code == 400


def test_early_generations_count_results_and_later_ones_match_their_ids(sim):
    messages = [USER, ASKED, {**RESULT, "tool_call_id": "zzzzzzzzz"}]
    for generation, status in (("v7", 200), ("v11", 400), ("v13", 400)):
        sim.switch(tokenizer=generation)
        assert sim.chat(messages=messages).status_code == status
    sim.switch(tokenizer="v7")
    for wrong in ([USER, ASKED, RESULT, RESULT], [USER, ASKED, {"role": "assistant", "content": "x"}, USER]):
        assert "Not the same number" in sim.chat(messages=wrong).json()["message"]


@pytest.mark.parametrize(("generation", "status"), [("v13", 400), ("v15", 200)])
def test_an_image_in_a_result_needs_the_newest_generation(sim, generation, status):
    sim.switch(tokenizer=generation)
    image = [{"type": "image_url", "image_url": "https://example.com/a.png"}]
    assert sim.chat(messages=[USER, ASKED, {**RESULT, "content": image}]).status_code == status


def test_the_list_of_models_may_leave_aliases_out(sim):
    sim.switch(aliases_listed=False)
    ids = {model["id"] for model in sim.http.get("/v1/models").json()["data"]}
    assert "mistral-small-2603" in ids
    assert "mistral-small-latest" not in ids


def test_calls_and_chunks_may_be_barer(sim, weather):
    sim.switch(typed_calls=False, padded=False)
    chunks = sim.chunks("Weather?", tools=[weather])
    assert not [chunk for chunk in chunks if "p" in chunk]
    (call,) = chunks[-1]["choices"][0]["delta"]["tool_calls"]
    assert set(call) == {"id", "function", "index"}


def test_the_port_can_be_closed_for_a_while(sim):
    assert sim.chat(max_tokens=1).status_code == 200
    sim.post({"for_ms": 300}, "/_sim/refuse").raise_for_status()
    refused = 0
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(f"{sim.url}/v1/chat/completions", json=sim.body(max_tokens=1), headers=sim.http.headers)
            break
        except httpx.ConnectError:
            refused += 1
            time.sleep(0.02)
    assert refused
    assert answer.status_code == 200
    # Connections that were open are gone as well, and the world behind the port is the same.
    assert sim.bill()["generations"] == 2
