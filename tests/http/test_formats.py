"""OpenAI's Responses and Anthropic's Messages, spoken by their own SDKs, down the same line as chat."""

from __future__ import annotations

import anthropic
import openai
import pytest

from tests.running import Router, Simulator, call, stream

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def by_openai(router: Router, key: str | None = None) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{router.url}/v1", api_key=key or router.key, organization="org-x", max_retries=0)


def by_anthropic(router: Router, key: str | None = None) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=router.url, api_key=key or router.key, max_retries=0)


def test_responses_answer_and_cost_what_is_billed(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "answer", "answer": {"content": "Lisbon.", "output_tokens": 3}})
    answer = by_openai(router).responses.create(model="auto", input="What is the capital of Portugal?")
    assert answer.output_text == "Lisbon."
    assert answer.status == "completed"
    assert answer.usage is not None
    assert answer.usage.output_tokens == 3
    assert answer.usage.model_extra is not None
    assert answer.usage.model_extra["cost"] == upstream.bill["nano_usd"] / 1e9
    assert [seen["path"] for seen in upstream.requests] == ["/v1/chat/completions"]


def test_responses_stream_to_the_same_answer(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "answer", "answer": {"content": "Lisbon, on the Tagus."}})
    with by_openai(router).responses.stream(model="auto", input="Name a capital.") as events:
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    assert deltas == final.output_text == "Lisbon, on the Tagus."


def test_responses_call_a_tool_and_take_its_result(router: Router, upstream: Simulator) -> None:
    client = by_openai(router)
    tool = {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": False}
    asked = [{"role": "user", "content": "What is the weather in Lyon?"}]
    first = client.responses.create(model="auto", input=asked, tools=[tool])  # type: ignore[call-overload]
    [called] = [item for item in first.output if item.type == "function_call"]
    found = {"type": "function_call_output", "call_id": called.call_id, "output": "sunny"}
    history = [*asked, *(item.model_dump(exclude_none=True) for item in first.output), found]
    upstream.faults({"fault": "answer", "answer": {"content": "It is sunny."}})
    second = client.responses.create(model="auto", input=history, tools=[tool])  # type: ignore[call-overload]
    assert second.output_text == "It is sunny."
    turns = upstream.requests[-1]["body"]["messages"]
    assert turns[1]["tool_calls"][0]["id"] == turns[2]["tool_call_id"] == called.call_id


def test_messages_answer_and_cost_what_is_billed(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "answer", "answer": {"content": "Lisbon.", "output_tokens": 3}})
    ask = {"model": "auto", "max_tokens": 20, "messages": [{"role": "user", "content": "Name a capital."}]}
    answer = by_anthropic(router).messages.create(**ask)  # type: ignore[call-overload]
    assert [block.text for block in answer.content] == ["Lisbon."]
    assert (answer.stop_reason, answer.usage.output_tokens) == ("end_turn", 3)
    raw = router.post("/v1/messages", ask)
    assert raw.headers["x-router-cost-usd"] == f"{raw.json['usage']['cost']:.9f}"
    assert router.record(raw)["endpoint"] == "messages"


def test_messages_stream_think_and_call(router: Router, upstream: Simulator) -> None:
    tool = {"name": "get_weather", "input_schema": WEATHER}
    with by_anthropic(router).messages.stream(
        model="auto",
        max_tokens=300,
        tools=[tool],  # type: ignore[list-item]
        messages=[{"role": "user", "content": "What is the weather in Lyon?"}],
    ) as events:
        final = events.get_final_message()
    [called] = [block for block in final.content if block.type == "tool_use"]
    assert final.stop_reason == "tool_use"
    assert called.input.keys() == {"city"}
    assert final.usage.input_tokens > 0


def test_messages_count_a_prompt_without_charging(router: Router, upstream: Simulator) -> None:
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Name a capital."}]
    counted = by_anthropic(router).messages.count_tokens(model="mistral-small-2603", messages=messages)
    assert upstream.requests == []
    router.post("/v1/messages", {"model": "mistral-small-2603", "max_tokens": 5, "messages": messages})
    [line] = upstream.bill["by_model"].values()
    assert counted.input_tokens == line["input_tokens"]


def test_errors_come_in_the_form_that_the_sdk_knows(router: Router) -> None:
    ask = {"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi."}]}
    with pytest.raises(anthropic.AuthenticationError):
        by_anthropic(router, "sk-mr-wrong").messages.create(**ask)  # type: ignore[call-overload]
    refused = router.post("/v1/messages", {**ask, "messages": [{"role": "user", "content": [{"type": "hologram"}]}]})
    assert (refused.status, refused.json["type"]) == (400, "error")
    assert (refused.error["type"], refused.error["param"]) == ("invalid_request_error", "messages[0].content[0].type")
    poor = router.post("/v1/messages", {**ask, "max_tokens": 9_000}, router.new_key("poor"))
    assert (poor.status, poor.error["type"], poor.error["code"]) == (402, "billing_error", "budget_exceeded")
    with pytest.raises(openai.BadRequestError, match="nothing is stored"):
        by_openai(router).responses.create(model="auto", input="Hi.", previous_response_id="resp_1")


BODIES = {
    "/v1/responses": {"model": "auto", "input": "Tell me about rivers.", "max_output_tokens": 60, "stream": True},
    "/v1/messages": {
        "model": "auto", "max_tokens": 60, "stream": True, "messages": [{"role": "user", "content": "About rivers."}]
    },
}  # fmt: skip


@pytest.mark.parametrize("path", BODIES)
def test_a_stream_that_breaks_ends_with_an_error_event_and_a_cut(
    battered: Router, upstream: Simulator, path: str
) -> None:
    upstream.faults({"fault": "truncate", "after_bytes": 1_500})
    reply = stream(f"{battered.url}{path}", BODIES[path], battered.key)
    assert reply.cut
    assert b"event: error" in reply.body
    assert not any(end in reply.body for end in (b"event: response.completed", b"event: message_stop"))


def test_the_sdks_raise_when_a_stream_breaks(battered: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "truncate", "after_bytes": 1_500, "times": 2})
    events = by_openai(battered).responses.create(model="auto", input="Tell me about rivers.", stream=True)
    with pytest.raises(openai.APIError):
        list(events)
    with (
        by_anthropic(battered).messages.stream(
            model="auto", max_tokens=60, messages=[{"role": "user", "content": "About rivers."}]
        ) as pieces,
        pytest.raises(anthropic.APIError),
    ):
        pieces.get_final_message()


def test_a_key_is_kept_to_its_format(router: Router) -> None:
    key = router.new_key("apps", endpoints=["messages"])
    ask = {"model": "auto", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi."}]}
    assert call(f"{router.url}/v1/messages", "POST", ask, headers={"x-api-key": key}).status == 200
    assert router.post("/v1/responses", {"model": "auto", "input": "Hi."}, key).error["code"] == "not_allowed"
