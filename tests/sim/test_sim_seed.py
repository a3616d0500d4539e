"""The API of the early models, with its gotchas."""

import pytest

USER = {"role": "user", "content": "hi"}


def asked(*ids):
    calls = [{"id": each, "function": {"name": "f", "arguments": "{}"}} for each in ids]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def result(call_id):
    return {"role": "tool", "content": "x", "tool_call_id": call_id}


@pytest.mark.parametrize(
    ("model", "context"),
    [("mistral-small-latest", 8_192), ("ministral-8b-latest", 8_192), ("mistral-large-latest", 32_768)],
)
def test_windows_are_narrow(seed_sim, model, context):
    refused = seed_sim.chat("word " * context, model=model)
    assert refused.status_code == 400
    assert f"{context} maximum context length" in refused.json()["message"]
    assert seed_sim.http.get(f"/v1/models/{model}").json()["max_context_length"] == context


def test_small_models_call_one_tool_at_a_time(seed_sim, weather, clock):
    def calls(model):
        answer = seed_sim.chat("The weather and the time", model=model, tools=[weather, clock])
        return len(answer.json()["choices"][0]["message"]["tool_calls"])

    assert calls("mistral-small-latest") == 1
    assert calls("mistral-large-latest") == 2


@pytest.mark.parametrize("name", ["OpenAI-Organization", "OpenAI-Project"])
def test_organization_headers_are_refused(seed_sim, sim, name):
    assert seed_sim.post(seed_sim.body(), headers={name: "org-1"}).status_code == 400
    assert sim.post(sim.body(), headers={name: "org-1"}).status_code == 200


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": True}}},
    ],
)
def test_schemas_with_keywords_it_does_not_know_are_refused(seed_sim, sim, parameters):
    tools = [{"type": "function", "function": {"name": "t", "parameters": parameters}}]
    refused = seed_sim.chat(tools=tools)
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("Invalid tool schema")
    assert sim.chat(tools=tools).status_code == 200


@pytest.mark.parametrize("call_id", ["call_abcdefghijkl", "short", "with-dash"])
def test_call_ids_are_nine_letters_and_digits(seed_sim, sim, call_id):
    messages = [USER, asked(call_id), result(call_id)]
    refused = seed_sim.chat(messages=messages)
    assert (refused.status_code, refused.json()["code"]) == (400, "3280")
    assert refused.json()["message"].startswith(f"Tool call id was {call_id} but must be")
    assert sim.chat(messages=messages).status_code == 200
    assert seed_sim.chat(messages=[USER, asked("abcdefGH1"), result("abcdefGH1")]).status_code == 200


def test_a_user_may_not_follow_a_tool(seed_sim):
    messages = [USER, asked("abcdefghi"), result("abcdefghi"), USER]
    refused = seed_sim.chat(messages=messages)
    assert (refused.status_code, refused.json()["code"]) == (400, "3230")
    assert refused.json()["message"] == "Unexpected role 'user' after role 'tool'"
    messages.insert(3, {"role": "assistant", "content": "OK"})
    assert seed_sim.chat(messages=messages).status_code == 200


@pytest.mark.parametrize("text", ["Weather?", "The weather and the time"])
def test_streams_finish_before_the_last_piece_of_a_call(seed_sim, weather, clock, text):
    chunks = seed_sim.chunks(text, model="mistral-large-latest", tools=[weather, clock])
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons[-2:] == ["tool_calls", None]
    assert chunks[-1]["choices"][0]["delta"]["tool_calls"]
