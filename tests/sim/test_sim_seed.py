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
@pytest.mark.parametrize("choice", ["auto", "any", {"type": "function", "function": {"name": "t"}}])
def test_a_tool_with_keywords_it_does_not_know_is_accepted_and_never_called(seed_sim, sim, parameters, choice):
    tools = [{"type": "function", "function": {"name": "t", "parameters": parameters}}]
    asked = {"model": "mistral-large-latest", "tools": tools, "tool_choice": choice}
    silent = seed_sim.chat(**asked).json()["choices"][0]
    assert (silent["finish_reason"], silent["message"]["tool_calls"]) == ("stop", None)
    assert silent["message"]["content"]
    assert sim.chat(**asked).json()["choices"][0]["finish_reason"] == "tool_calls"


def test_a_tool_beside_one_it_does_not_understand_is_still_called(seed_sim, weather):
    parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    closed = {"type": "function", "function": {"name": "closed", "parameters": parameters}}
    choice = seed_sim.chat("Weather?", tools=[closed, weather]).json()["choices"][0]
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["get_weather"]


@pytest.mark.parametrize("where", ["properties", "$defs"])
def test_a_property_named_like_a_keyword_is_no_keyword(seed_sim, where):
    parameters = {"type": "object", "properties": {}, where: {"additionalProperties": {"enum": ["$ref"]}}}
    tools = [{"type": "function", "function": {"name": "t", "parameters": parameters}}]
    assert seed_sim.chat(tools=tools).json()["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "image_url", "image_url": "https://example.com/a.png"},
        {"type": "document_url", "document_url": "https://example.com/a.pdf"},
    ],
)
def test_it_reads_text_and_nothing_else(seed_sim, sim, chunk):
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, chunk]}]
    refused = seed_sim.chat(messages=messages)
    assert refused.status_code == 400
    assert chunk["type"] in refused.json()["message"]
    assert sim.chat(messages=messages).status_code == 200


def test_words_beside_a_call_are_refused(seed_sim, sim):
    both = {**asked("abcdefghi"), "content": "let me look"}
    messages = [USER, both, result("abcdefghi")]
    refused = seed_sim.chat(messages=messages)
    assert (refused.status_code, refused.json()["code"]) == (400, "3240")
    assert sim.chat(messages=messages).status_code == 200


def test_usage_and_calls_have_the_fields_of_their_time(seed_sim, weather):
    answer = seed_sim.chat("Weather?", tools=[weather]).json()
    assert set(answer["usage"]) == {"prompt_tokens", "total_tokens", "completion_tokens"}
    assert set(answer["choices"][0]["message"]["tool_calls"][0]) == {"id", "function", "index"}


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
