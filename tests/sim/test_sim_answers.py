"""What is generated: repeatable, of exact length, and of the kind that was asked for."""

import json

import jsonschema_rs
import pytest

from router.sim.instances import instance
from router.sim.vocabulary import vocabulary
from router.sim.words import word_list

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 3},
        "age": {"type": "integer", "minimum": 18, "maximum": 99},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1},
        "home": {"$ref": "#/$defs/address"},
        "boss": {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
    },
    "required": ["name", "age", "tags", "home"],
    "additionalProperties": False,
    "$defs": {
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def message(answer):
    return answer.json()["choices"][0]["message"]


def test_an_answer_has_the_shape_of_the_recorded_ones(sim):
    answer = sim.chat().json()
    assert (answer["object"], answer["model"]) == ("chat.completion", "mistral-small-latest")
    assert len(answer["id"]) == 32
    choice = answer["choices"][0]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"]["tool_calls"] is None
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}
    assert usage["service_tier"] == "standard"


def test_the_same_question_gets_the_same_answer_and_another_one_another(sim):
    first, again, other = (message(sim.chat(text))["content"] for text in ("one", "one", "two"))
    assert first == again
    assert first != other


@pytest.mark.parametrize("count", [1, 2, 12, 13, 14, 27, 400])
def test_every_piece_of_generated_text_is_one_token(count):
    for seed in range(40):
        pieces = word_list().pieces(count, seed)
        assert len(pieces) == count
        assert vocabulary().count("".join(pieces)) == count


def test_completion_tokens_are_those_of_the_text_and_its_end(sim):
    for text in ("a", "b", "c"):
        answer = sim.chat(text).json()
        counted = vocabulary().count(answer["choices"][0]["message"]["content"])
        assert answer["usage"]["completion_tokens"] == counted + 1
        assert 20 <= counted <= 400


@pytest.mark.parametrize("max_tokens", [0, 1, 5, 19])
def test_an_answer_longer_than_its_limit_is_cut_exactly_there(sim, max_tokens):
    answer = sim.chat(max_tokens=max_tokens).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == max_tokens
    assert vocabulary().count(answer["choices"][0]["message"]["content"]) == max_tokens


def test_the_natural_length_itself_is_still_a_cut_and_one_more_is_not(sim):
    natural = sim.chat().json()["usage"]["completion_tokens"] - 1
    for limit, finish, spent in ((natural, "length", natural), (natural + 1, "stop", natural + 1)):
        answer = sim.chat(max_tokens=limit).json()
        assert (answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"]) == (finish, spent)


def test_a_stop_sequence_ends_the_text_before_it(sim):
    whole = message(sim.chat())["content"]
    stop = whole.split()[7]
    answer = sim.chat(stop=[stop, "never said"]).json()
    content = answer["choices"][0]["message"]["content"]
    assert content == whole[: whole.index(stop)]
    assert answer["choices"][0]["finish_reason"] == "stop"
    # The tokens up to and including the stop sequence were generated.
    assert answer["usage"]["completion_tokens"] == vocabulary().count(content.rstrip()) + 1


def test_a_tool_is_called_when_tools_are_offered_and_the_user_spoke_last(sim, weather):
    answer = sim.chat("Weather?", tools=[weather]).json()
    choice = answer["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", "")
    (called,) = choice["message"]["tool_calls"]
    assert (called["type"], called["index"], called["function"]["name"]) == ("function", 0, "get_weather")
    assert len(called["id"]) == 9
    assert called["id"].isalnum()
    jsonschema_rs.Draft7Validator(weather["function"]["parameters"]).validate(
        json.loads(called["function"]["arguments"])
    )


def test_after_a_tool_result_comes_text(sim, weather):
    body = sim.body("Weather?", tools=[weather])
    calls = sim.post(body).json()["choices"][0]["message"]["tool_calls"]
    body["messages"] += [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": "sunny", "tool_call_id": calls[0]["id"]},
    ]
    assert message(sim.post(body))["content"]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("auto", ["get_weather"]),
        ("any", ["get_weather"]),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
    ],
)
def test_the_tool_choice_is_honoured(sim, weather, clock, choice, called):
    told = message(sim.chat("Well?", tools=[weather, clock], tool_choice=choice))
    assert [each["function"]["name"] for each in told["tool_calls"] or []] == called


@pytest.mark.parametrize(("fields", "count"), [({}, 2), ({"parallel_tool_calls": False}, 1)])
def test_two_wishes_are_two_calls_unless_parallel_calls_are_off(sim, weather, clock, fields, count):
    calls = message(sim.chat("The weather and the time", tools=[weather, clock], **fields))["tool_calls"]
    assert len(calls) == len({each["id"] for each in calls}) == count
    assert [each["index"] for each in calls] == list(range(count))


def test_a_call_that_does_not_fit_its_limit_is_cut(sim, weather):
    answer = sim.chat("Weather?", tools=[weather], max_tokens=8).json()
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 8


def test_third_party_models_name_their_calls_otherwise(sim, weather):
    (called,) = message(sim.chat("Weather?", model="zai-glm-5", tools=[weather]))["tool_calls"]
    assert called["id"].startswith("chatcmpl-tool-")


def test_json_is_answered_when_json_is_asked_for(sim):
    assert isinstance(json.loads(message(sim.chat(response_format={"type": "json_object"}))["content"]), dict)


def test_an_answer_fits_the_schema_it_was_asked_to_fit(sim):
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
    value = json.loads(message(sim.chat(response_format=wanted))["content"])
    jsonschema_rs.Draft7Validator(PERSON).validate(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 7, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
        {"type": "string", "format": "date-time"},
        {"oneOf": [{"const": "x"}, {"type": "integer"}]},
        {"allOf": [{"properties": {"a": {"type": "boolean"}}}, {"required": ["a"]}], "type": "object"},
        {"type": ["null", "string"], "maxLength": 2},
    ],
)
def test_a_made_up_value_fits_its_schema(schema):
    jsonschema_rs.Draft7Validator(schema).validate(instance(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"$ref": "#"}]},
        {"type": "object", "properties": {key: {"$ref": "#"} for key in "abcdefgh"}, "required": list("abcdefgh")},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": 10**9},
        {"$ref": "#/nowhere"},
    ],
)
def test_a_schema_without_end_still_gets_a_small_value(schema):
    assert len(json.dumps(instance(schema))) < 100_000


def test_thinking_comes_as_a_list_of_chunks(sim):
    content = message(sim.chat(reasoning_effort="high"))["content"]
    thought, text = content
    assert (thought["type"], thought["closed"], text["type"]) == ("thinking", True, "text")
    assert thought["thinking"][0]["text"]
    assert text["text"]
    assert isinstance(message(sim.chat(reasoning_effort="none"))["content"], str)


def test_several_choices_are_several_answers_paid_together(sim):
    answer = sim.chat(n=3).json()
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert len(set(texts)) == 3
    assert answer["usage"]["completion_tokens"] == sum(vocabulary().count(text) + 1 for text in texts)
    assert sim.bill()["generations"] == 1


def test_fill_in_the_middle_answers_for_models_that_can(sim):
    answer = sim.post({"model": "codestral-latest", "prompt": "def f(", "suffix": "return 1"}, "/v1/fim/completions")
    assert message(answer)["content"]
    refused = sim.post({"model": "mistral-small-latest", "prompt": "def f("}, "/v1/fim/completions")
    assert refused.json()["code"] == "1500"


def test_embeddings_are_unit_vectors_and_repeatable(sim):
    body = {"model": "mistral-embed", "input": ["Tell me a joke about OpenTelemetry", "b"]}
    answer = sim.post(body, "/v1/embeddings")
    vectors = [entry["embedding"] for entry in answer.json()["data"]]
    assert [len(vector) for vector in vectors] == [1024, 1024]
    assert sum(value * value for value in vectors[0]) == pytest.approx(1)
    assert vectors == [entry["embedding"] for entry in sim.post(body, "/v1/embeddings").json()["data"]]
    assert "x-ratelimit-limit-req-minute" in answer.headers
    assert "x-ratelimit-limit-tokens-minute" not in answer.headers


def test_one_recorded_embedding_counts_ten_tokens(sim):
    body = {"model": "mistral-embed", "input": "Tell me a joke about OpenTelemetry"}
    assert sim.post(body, "/v1/embeddings").json()["usage"]["prompt_tokens"] == 10


def test_moderation_scores_every_text(sim):
    answer = sim.post({"model": "mistral-moderation-latest", "input": ["a", "b"]}, "/v1/moderations").json()
    assert len(answer["results"]) == 2
    assert set(answer["results"][0]["categories"]) == set(answer["results"][0]["category_scores"])
