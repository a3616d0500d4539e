"""The stream shapes on record, and what is left out of a stream."""

import pytest


def texts(chunks):
    return [chunk["choices"][0]["delta"].get("content") for chunk in chunks]


def test_a_stream_says_what_the_plain_answer_says(sim):
    plain = sim.chat().json()
    chunks = sim.chunks()
    assert "".join(texts(chunks)) == plain["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == plain["usage"]


def test_the_first_chunk_has_the_role_and_only_later_ones_are_padded(sim):
    first, *later = sim.chunks()
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "p" not in first
    assert all(chunk["p"].startswith("a") for chunk in later)
    assert len({len(chunk["p"]) for chunk in later}) > 3


def test_the_reason_and_the_usage_come_with_the_last_text(sim):
    *earlier, last = sim.chunks()
    assert all(chunk["choices"][0]["finish_reason"] is None and "usage" not in chunk for chunk in earlier)
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["choices"][0]["delta"]["content"]


def test_all_chunks_share_an_id_and_echo_the_alias(sim):
    chunks = sim.chunks()
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["model"] for chunk in chunks} == {"mistral-small-latest"}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_a_stream_carries_no_rate_headers(sim):
    answer = sim.chat(stream=True)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_whole_calls_come_in_one_chunk_with_reason_and_usage(sim, weather, clock):
    _, last = sim.chunks("The weather and the time", tools=[weather, clock])
    choice = last["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in choice["delta"]["tool_calls"]] == ["get_weather", "get_time"]
    assert last["usage"]


@pytest.mark.parametrize(
    ("fields", "later_ids", "last_delta"),
    [
        ({"stream_options": {"stream_tool_calls": True}}, {None, "null"}, {"content": ""}),
        ({"model": "zai-glm-5"}, {None}, {"content": "", "index": 0}),
    ],
)
def test_calls_come_in_fragments_where_they_do(sim, weather, fields, later_ids, last_delta):
    plain = sim.chat("Weather?", tools=[weather], model=fields.get("model", "mistral-small-latest")).json()
    chunks = sim.chunks("Weather?", tools=[weather], **fields)
    fragments = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    head, *tail = fragments
    whole = plain["choices"][0]["message"]["tool_calls"][0]
    assert (head["id"], head["function"]) == (whole["id"], {"name": "get_weather", "arguments": ""})
    assert {fragment.get("id") for fragment in tail} == later_ids
    assert {fragment["function"]["name"] for fragment in tail} == {""}
    assert "".join(fragment["function"]["arguments"] for fragment in tail) == whole["function"]["arguments"]
    choice = chunks[-1]["choices"][0]
    assert (choice["delta"], choice["finish_reason"]) == (last_delta, "tool_calls")


def test_a_third_party_stream_repeats_the_role_numbers_its_deltas_and_is_not_padded(sim, weather):
    first, second, *later = sim.chunks("Weather?", model="zai-glm-5", tools=[weather])
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert second["choices"][0]["delta"] == {"role": "assistant", "content": "", "index": 0}
    assert all(chunk["choices"][0]["delta"]["index"] == 0 for chunk in later)
    assert all(chunk["choices"][0]["delta"]["content"] == "" for chunk in later)
    assert all(chunk["choices"][0]["logprobs"] is None and "p" not in chunk for chunk in later)


def test_three_wishes_are_three_calls_at_most(sim, weather, clock):
    third, fourth = ({**clock, "function": {**clock["function"], "name": name}} for name in ("third", "fourth"))
    tools = [weather, clock, third, fourth]
    _, last = sim.chunks("This and that and more and more", tools=tools)
    calls = last["choices"][0]["delta"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "get_time", "third"]
    fragmented = sim.chunks("This and that and more", tools=tools, stream_options={"stream_tool_calls": True})
    pieces = [call for chunk in fragmented for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    for index, call in enumerate(calls):
        mine = [piece["function"]["arguments"] for piece in pieces if piece["index"] == index]
        assert "".join(mine) == call["function"]["arguments"]


@pytest.mark.parametrize(("model", "nulls"), [("mistral-large-4", 2), ("mistral-small-latest", 0), ("zai-glm-5", 1)])
def test_a_choice_has_the_empty_fields_that_its_model_was_recorded_with(sim, model, nulls):
    choice = sim.chat(model=model).json()["choices"][0]
    assert len([name for name in ("logprobs", "prompt_logprobs") if name in choice]) == nulls


def test_thinking_streams_as_lists_then_a_mixed_list_then_text(sim):
    kinds = []
    for content in texts(sim.chunks(reasoning_effort="high"))[1:]:
        kinds.append("text" if isinstance(content, str) else "+".join(part["type"] for part in content))
    turn = kinds.index("thinking+text")
    assert set(kinds[:turn]) == {"thinking"}
    assert set(kinds[turn + 1 :]) == {"text"}


def test_several_choices_stream_one_after_the_other_with_one_usage(sim):
    chunks = sim.chunks(n=2)
    assert [chunk["choices"][0]["index"] for chunk in chunks] == sorted(
        chunk["choices"][0]["index"] for chunk in chunks
    )
    assert [bool(chunk.get("usage")) for chunk in chunks].count(True) == 1
    assert chunks[-1]["usage"] == sim.chat(n=2).json()["usage"]


def test_an_error_before_the_stream_is_a_plain_error(sim):
    answer = sim.chat(stream=True, user="u")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/json")
