"""One unknown field anywhere refuses a request, and so does every rule about messages, tools and sizes."""

import copy

import pytest

USER = {"role": "user", "content": "hi"}


def call(call_id="abcdefghi", name="get_weather"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def asked(*calls):
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


def result(call_id="abcdefghi"):
    return {"role": "tool", "content": "sunny", "tool_call_id": call_id}


def tool(**parameters):
    return {"type": "function", "function": {"name": "t", "parameters": parameters}}


@pytest.mark.parametrize(
    ("fields", "kind", "loc"),
    [
        ({"user": "u1"}, "extra_forbidden", ["user"]),
        ({"seed": 1}, "extra_forbidden", ["seed"]),
        ({"max_completion_tokens": 1}, "extra_forbidden", ["max_completion_tokens"]),
        ({"logit_bias": {}}, "extra_forbidden", ["logit_bias"]),
        ({"store": False}, "extra_forbidden", ["store"]),
        (
            {"stream_options": {"include_obfuscation": False}},
            "extra_forbidden",
            ["stream_options", "include_obfuscation"],
        ),
        ({"messages": [{**USER, "name": "bob"}]}, "extra_forbidden", ["messages", 0, "user", "name"]),
        (
            {"messages": [USER, {"role": "assistant", "content": "x", "refusal": None}, USER]},
            "extra_forbidden",
            ["messages", 1, "assistant", "refusal"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]},
            "extra_forbidden",
            ["messages", 0, "user", "content", 0, "text", "cache_control"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "size": 1}}]}]},
            "extra_forbidden",
            ["messages", 0, "user", "content", 0, "image_url", "image_url", "size"],
        ),
        ({"messages": [{"role": "developer", "content": "x"}]}, "union_tag_invalid", ["messages", 0]),
        ({"messages": [{"content": "x"}]}, "union_tag_not_found", ["messages", 0]),
        ({"messages": [{"role": "user"}]}, "missing", ["messages", 0, "user", "content"]),
        ({"messages": "hi"}, "list_type", ["messages"]),
        ({"messages": [{"role": "user", "content": 5}]}, "string_type", ["messages", 0, "user", "content"]),
        (
            {"tools": [{**tool(type="object"), "required": []}]},
            "extra_forbidden",
            ["tools", 0, "function", "required"],
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "t"}}]},
            "missing",
            ["tools", 0, "function", "function", "parameters"],
        ),
        ({"tools": [tool(type="object")] * 129}, "too_long", ["tools"]),
        ({"tools": [tool(type="object")], "tool_choice": "maybe"}, "enum", ["tool_choice"]),
        ({"temperature": 1.6}, "less_than_equal", ["temperature"]),
        ({"temperature": -0.1}, "greater_than_equal", ["temperature"]),
        ({"temperature": "hot"}, "float_type", ["temperature"]),
        ({"top_p": 0}, "greater_than", ["top_p"]),
        ({"top_p": 1.1}, "less_than_equal", ["top_p"]),
        ({"max_tokens": -1}, "greater_than_equal", ["max_tokens"]),
        ({"max_tokens": 1.5}, "int_type", ["max_tokens"]),
        ({"max_tokens": True}, "int_type", ["max_tokens"]),
        ({"n": 0}, "greater_than_equal", ["n"]),
        ({"presence_penalty": 3}, "less_than_equal", ["presence_penalty"]),
        ({"random_seed": -1}, "greater_than_equal", ["random_seed"]),
        ({"stream": None}, "bool_type", ["stream"]),
        ({"stop": [1]}, "string_type", ["stop", 0]),
        ({"service_tier": "flex"}, "enum", ["service_tier"]),
        ({"reasoning_effort": "extreme"}, "enum", ["reasoning_effort"]),
        ({"response_format": {"type": "xml"}}, "enum", ["response_format", "type"]),
        ({"response_format": {"type": "text", "schema": {}}}, "extra_forbidden", ["response_format", "schema"]),
    ],
)
def test_a_field_that_does_not_fit_is_a_422_naming_its_place(sim, fields, kind, loc):
    answer = sim.chat(**fields)
    assert answer.status_code == 422
    error = answer.json()
    assert (error["object"], error["type"], error["code"]) == ("error", "invalid_request_error", None)
    found = error["message"]["detail"][0]
    assert (found["type"], found["loc"]) == (kind, ["body", *loc])
    assert {"msg", "input"} <= set(found)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(sim, body):
    answer = sim.http.post("/v1/chat/completions", content=body)
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": None, "top_p": None, "max_tokens": None, "stop": None, "n": None, "tools": None},
        {"presence_penalty": None, "frequency_penalty": None, "response_format": {"type": "text"}},
        {"min_tokens": 1, "top_k": 4, "logprobs": False, "repetition_penalty": 1.1, "safe_prompt": True},
        {"metadata": {"any": [1]}, "prompt_cache_key": "k", "service_tier": "standard_only", "random_seed": 3},
        {"stream_options": {"include_usage": True, "stream_tool_calls": False}},
        {"messages": [{"role": "system", "content": "be brief"}, USER]},
        {"messages": [USER, USER]},
        {"messages": [USER, {"role": "assistant", "content": "I say", "prefix": True}]},
        {"messages": [USER, asked(call()), result(), USER]},
        {"messages": [USER, asked(call("a"), call("b")), result("b"), result("a")]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": "u"}]}
            ]
        },
        {"tools": [tool(type="object", properties={}, additionalProperties=False)]},
        {"tools": [tool(type="object", properties={"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/b"}]}})]},
        {"tools": []},
    ],
)
def test_what_the_documentation_and_recordings_allow_is_allowed(sim, fields):
    answer = sim.post({**sim.body(max_tokens=4), **fields})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("messages", "code", "part"),
    [
        ([], "3230", "at least one message"),
        ([{"role": "assistant", "content": "x", "prefix": True}], "3230", "must start with a user message"),
        ([USER, {"role": "assistant", "content": "x"}], "3230", "Expected last role User or Tool"),
        ([{"role": "system", "content": "x"}, result()], "3230", "Unexpected role 'tool' after role 'system'"),
        ([USER, result()], "3230", "Unexpected role 'tool' after role 'user'"),
        ([USER, asked(call("a"), call("b")), result("a")], "3230", "Not the same number of function calls"),
        ([USER, asked(call("a")), result("a"), result("a")], "3230", "Duplicate tool call id a"),
        ([USER, asked(call("a")), result("z")], "3230", "Unexpected tool call id z"),
        ([USER, asked(call("a"), call("a")), result("a")], "3230", "Duplicate tool call id a"),
        ([USER, asked(call("null")), result("null")], "3280", "has to be defined in serving mode"),
        ([USER, asked(call("")), result("")], "3280", "non-empty string"),
        ([USER, asked(call(name="get weather")), result()], "3280", "Function name was get weather"),
        ([USER, {"role": "assistant", "content": ""}, USER], "3240", "either content or tool_calls"),
        ([USER, {"role": "assistant", "content": "x", "prefix": True}, USER], "3240", "must be last message"),
    ],
)
def test_messages_out_of_order_or_unpaired_are_a_400(sim, messages, code, part):
    answer = sim.chat(messages=messages)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert part in answer.json()["message"]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"tool_choice": "auto"}, "Tool choice is only allowed when tools are specified"),
        ({"tools": [tool(type="objekt")]}, "Invalid tool schema"),
        ({"tools": [tool(type="object", properties={"a": {"exclusiveMinimum": True}})]}, "Invalid tool schema"),
        ({"tools": [{"type": "function", "function": {"name": "a b", "parameters": {}}}]}, "Function name was a b"),
        ({"tools": [tool(type="object")], "tool_choice": {"function": {"name": "u"}}}, "not among the tools"),
        ({"reasoning_effort": "medium"}, "reasoning_effort='medium' is not supported"),
        ({"model": "mistral-large-latest", "reasoning_effort": "high"}, "is not supported for this model"),
        ({"response_format": {"type": "json_schema"}}, "needs json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": 1}}}},
            "Invalid JSON",
        ),
        ({"n": 2, "prediction": {"type": "content", "content": "x"}}, "prediction"),
    ],
)
def test_settings_and_tools_that_contradict_are_a_400(sim, fields, part):
    answer = sim.chat(**fields)
    assert answer.status_code == 400, answer.text
    assert part in answer.json()["message"]


def test_ids_are_strict_where_the_generation_of_the_model_is_old(sim):
    messages = [USER, asked(call("call_1")), result("call_1")]
    refused = sim.chat(model="voxtral-small-latest", messages=messages)
    assert (refused.status_code, refused.json()["code"]) == (400, "3280")
    assert sim.chat(model="mistral-large-latest", messages=messages).status_code == 200


def test_a_strict_answer_schema_with_a_keyword_no_grammar_knows_is_a_400(sim):
    schema = {"$id": "x", "type": "object", "properties": {"$schema": {"type": "string"}}}
    wanted = {"name": "a", "schema": schema, "strict": False}
    assert sim.chat(response_format={"type": "json_schema", "json_schema": wanted}).status_code == 200
    wanted["strict"] = True
    refused = sim.chat(response_format={"type": "json_schema", "json_schema": wanted})
    assert "Grammar error" in refused.json()["message"]
    del schema["$id"]
    assert sim.chat(response_format={"type": "json_schema", "json_schema": wanted}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "kind", "loc"),
    [
        ("fim/completions", {"prompt": "x", "n": 1}, "extra_forbidden", ["n"]),
        ("fim/completions", {"suffix": "x"}, "missing", ["prompt"]),
        ("fim/completions", {"prompt": "x", "min_tokens": -1}, "greater_than_equal", ["min_tokens"]),
        ("embeddings", {"input": "x", "user": "u"}, "extra_forbidden", ["user"]),
        ("embeddings", {"input": "x", "output_dtype": "float16"}, "enum", ["output_dtype"]),
        ("embeddings", {"input": ["x", 5]}, "string_type", ["input", 1]),
        ("moderations", {"input": "x", "n": 1}, "extra_forbidden", ["n"]),
        ("moderations", {}, "missing", ["input"]),
    ],
)
def test_the_other_endpoints_have_closed_lists_too(sim, path, body, kind, loc):
    models = {"fim": "codestral-latest", "embeddings": "mistral-embed", "moderations": "mistral-moderation-latest"}
    answer = sim.post({"model": models[path.partition("/")[0]], **body}, f"/v1/{path}")
    assert answer.status_code == 422
    found = answer.json()["message"]["detail"][0]
    assert (found["type"], found["loc"]) == (kind, ["body", *loc])


def test_a_strict_tool_with_a_keyword_no_grammar_knows_is_a_400(sim):
    strict = copy.deepcopy(tool(**{"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}))
    assert sim.chat(tools=[strict], max_tokens=9).status_code == 200
    strict["function"]["strict"] = True
    assert "Grammar error" in sim.chat(tools=[strict]).json()["message"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("codestral-latest", {"role": "user", "content": [{"type": "image_url", "image_url": "https://x/y.png"}]}),
        ("mistral-small-latest", {"role": "user", "content": [{"type": "input_audio", "input_audio": "aGk="}]}),
    ],
)
def test_content_a_model_cannot_take_is_refused(sim, model, message):
    answer = sim.chat(model=model, messages=[message])
    assert answer.status_code == 400
    assert "Unexpected content chunk types" in answer.json()["message"]


def test_thoughts_are_refused_by_a_model_that_does_not_think(sim):
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    messages = [USER, {"role": "assistant", "content": [thinking, {"type": "text", "text": "x"}]}, USER]
    assert sim.chat(messages=messages, max_tokens=2).status_code == 200
    assert sim.chat(messages=messages, model="mistral-large-latest").status_code == 400


def test_a_prompt_beyond_the_window_is_a_400_with_the_counts(sim):
    answer = sim.chat("word " * 40_000, model="voxtral-small-latest")
    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "Prompt contains 40004 tokens and 0 draft tokens, too large for model with 32768 maximum context length"
    )


def test_asking_for_as_many_tokens_as_the_window_holds_is_a_422(sim):
    refused = sim.chat(max_tokens=262_144)
    assert refused.status_code == 422
    assert refused.json()["message"]["detail"][0]["loc"] == ["body", "max_tokens"]
    prompt_tokens = sim.chat(max_tokens=1).json()["usage"]["prompt_tokens"]
    assert sim.chat(max_tokens=262_144 - prompt_tokens).status_code == 200
    assert sim.chat(max_tokens=262_145 - prompt_tokens).status_code == 422


def test_a_refused_request_costs_nothing_and_uses_up_no_fault(sim):
    sim.faults({"fault": "status"})
    assert sim.chat(user="u").status_code == 422
    assert sim.bill()["generations"] == 0
    assert sim.chat().status_code == 503
