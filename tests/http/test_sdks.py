"""The OpenAI and Mistral SDKs, as any app uses them: only URL and key are ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from mistralai.client import Mistral
from pydantic import BaseModel

from tests.running import Router, Simulator, wait_for

HELLO: Any = [{"role": "user", "content": "Say hello."}]
RIVERS: Any = [{"role": "user", "content": "Tell me about rivers."}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def client(router: Router) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{router.url}/v1", api_key=router.key) as made:
        yield made


@pytest.fixture
def mistral(router: Router) -> Iterator[Mistral]:
    with Mistral(server_url=router.url, api_key=router.key) as made:
        yield made


def test_openai_chats_and_streams(client: openai.OpenAI) -> None:
    plain = client.chat.completions.create(model="auto", messages=RIVERS, max_completion_tokens=50)
    assert plain.choices[0].message.content
    assert plain.usage is not None
    assert plain.usage.completion_tokens > 0
    text, last = "", None
    options: Any = {"include_usage": True}
    for chunk in client.chat.completions.create(model="auto", messages=RIVERS, stream=True, stream_options=options):
        last = chunk
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
    assert text
    assert last is not None
    assert last.usage is not None
    assert last.choices == []
    with client.chat.completions.stream(model="auto", messages=RIVERS) as helper:
        assert helper.get_final_completion().choices[0].message.content == text


def test_mistral_chats_and_streams(mistral: Mistral) -> None:
    plain = mistral.chat.complete(model="auto", messages=RIVERS, max_tokens=50)
    assert plain.choices[0].message.content
    with mistral.chat.stream(model="auto", messages=RIVERS) as events:
        chunks = [event.data for event in events]
    assert "".join(str(chunk.choices[0].delta.content or "") for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason
    assert chunks[-1].usage is not None


def test_openai_goes_through_a_whole_tool_loop(client: openai.OpenAI, upstream: Simulator) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Lyon?"}]
    first = client.chat.completions.create(model="auto", messages=messages, tools=TOOLS, tool_choice="required")
    assert first.choices[0].finish_reason == "tool_calls"
    calls = first.choices[0].message.tool_calls or []
    assert [call.type for call in calls] == ["function"]
    messages.append(first.choices[0].message)
    messages += [{"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'} for call in calls]
    second = client.chat.completions.create(model="auto", messages=messages, tools=TOOLS)
    assert second.choices[0].message.content
    messages += [second.choices[0].message, {"role": "user", "content": "Thanks."}]
    assert client.chat.completions.create(model="auto", messages=messages).choices[0].message.content
    assert [entry["status"] for entry in upstream.requests] == [200, 200, 200]


def test_a_user_may_speak_right_after_a_tool_and_long_call_ids_are_taken(
    client: openai.OpenAI, upstream: Simulator
) -> None:
    call_id = "call_" + "a" * 24
    call = {"id": call_id, "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Lyon"}'}}
    messages: Any = [
        {"role": "user", "content": "What is the weather in Lyon?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": "clear"},
        {"role": "user", "content": "And tomorrow?"},
    ]
    client.chat.completions.create(model="auto", messages=messages, tools=TOOLS)
    sent = upstream.requests[0]["body"]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"]
    assert len(sent[2]["tool_call_id"]) == 9


def test_mistral_goes_through_a_whole_tool_loop(mistral: Mistral) -> None:
    messages: Any = [{"role": "user", "content": "What is the weather in Lyon?"}]
    first = mistral.chat.complete(model="auto", messages=messages, tools=TOOLS, tool_choice="any")
    calls = first.choices[0].message.tool_calls or []
    assert json.loads(str(calls[0].function.arguments))
    messages.append(first.choices[0].message)
    messages += [{"role": "tool", "name": "get_weather", "tool_call_id": c.id, "content": "clear"} for c in calls]
    assert mistral.chat.complete(model="auto", messages=messages, tools=TOOLS).choices[0].message.content


def test_tool_calls_stream_whole_into_both_sdks(client: openai.OpenAI, mistral: Mistral, upstream: Simulator) -> None:
    asked: Any = [{"role": "user", "content": "What is the weather in Lyon?"}]
    upstream.faults({"fault": "finish_early", "times": 2})
    with client.chat.completions.stream(model="auto", messages=asked, tools=TOOLS) as helper:
        (choice,) = helper.get_final_completion().choices
    assert choice.finish_reason == "tool_calls"
    assert json.loads((choice.message.tool_calls or [])[0].function.arguments)["city"]
    with mistral.chat.stream(model="auto", messages=asked, tools=TOOLS) as events:
        calls = [call for event in events for call in event.data.choices[0].delta.tool_calls or []]
    assert json.loads("".join(str(call.function.arguments) for call in calls))["city"]


def test_both_sdks_parse_structured_output(client: openai.OpenAI, mistral: Mistral) -> None:
    asked: Any = [{"role": "user", "content": "How many people live in Paris? Answer as JSON."}]
    theirs = client.chat.completions.parse(model="auto", messages=asked, response_format=City)
    assert isinstance(theirs.choices[0].message.parsed, City)
    ours = mistral.chat.parse(City, model="auto", messages=asked)
    assert isinstance(ours.choices[0].message.parsed, City)


def test_both_sdks_list_and_retrieve_models(client: openai.OpenAI, mistral: Mistral) -> None:
    assert {"auto", "auto:quality", "mistral-small-2603"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("mistral-small-latest").id == "mistral-small-2603"
    data = mistral.models.list().data or []
    assert "auto" in {model.id for model in data}
    assert mistral.models.retrieve(model_id="mistral-small-2603").max_context_length > 0


def test_reasoning_comes_flat_to_openai_and_in_parts_to_mistral(client: openai.OpenAI, mistral: Mistral) -> None:
    flat = client.chat.completions.create(model="auto", messages=HELLO, reasoning_effort="high").choices[0].message
    assert isinstance(flat.content, str)
    assert flat.model_extra is not None
    assert flat.model_extra["reasoning_content"]
    parts = mistral.chat.complete(model="auto", messages=HELLO, reasoning_effort="high").choices[0].message.content
    assert isinstance(parts, list)


def ask(router: Router, key: str | None = None, **fields: Any) -> Exception:
    with (
        openai.OpenAI(base_url=f"{router.url}/v1", api_key=key or router.key, timeout=20) as client,
        pytest.raises(openai.APIError) as caught,
    ):
        client.chat.completions.create(**{"model": "auto", "messages": HELLO, "max_tokens": 20, **fields})
    return caught.value


def test_openai_raises_the_class_that_fits_and_never_retries_in_vain(battered: Router, upstream: Simulator) -> None:
    assert isinstance(ask(battered, key="sk-mr-wrong"), openai.AuthenticationError)
    assert isinstance(ask(battered, temperature=3), openai.BadRequestError)
    assert isinstance(ask(battered, model="nonsense"), openai.NotFoundError)
    assert isinstance(ask(battered, model="zai-glm-5-3"), openai.PermissionDeniedError)
    poor = ask(battered, key=battered.new_key("poor"), max_tokens=5_000)
    assert isinstance(poor, openai.APIStatusError)
    assert (poor.status_code, poor.code) == (402, "budget_exceeded")
    assert upstream.requests == []
    upstream.faults({"fault": "status", "status": 500, "times": None})
    down = ask(battered, model="mistral-large-2512")
    assert isinstance(down, openai.InternalServerError)
    assert down.code == "upstream_unavailable"
    assert len(upstream.requests) == 1, "the SDK did not try again: the router has tried all there is"


def test_openai_waits_as_long_as_it_is_told_when_that_helps(battered: Router, upstream: Simulator) -> None:
    key = battered.new_key("narrow")
    upstream.faults({"fault": "slow", "delay_ms": 800, "times": 2})
    held = [threading.Thread(target=battered.chat, kwargs={"key": key, "max_tokens": 5}) for _ in range(2)]
    for thread in held:
        thread.start()
    wait_for(lambda: len(upstream.requests) == 2)
    with openai.OpenAI(base_url=f"{battered.url}/v1", api_key=key) as client:
        answer = client.chat.completions.create(model="auto", messages=HELLO, max_tokens=5)
    assert answer.choices[0].message.content, "refused for concurrency, told to wait a second, and then served"
    for thread in held:
        thread.join()


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "truncate", "after_bytes": 1500},
        {"fault": "reset", "after_bytes": 1500},
        {"fault": "error_finish"},
    ],
)
def test_a_broken_stream_raises_in_both_sdks(battered: Router, upstream: Simulator, fault: dict[str, Any]) -> None:
    upstream.faults({**fault, "times": 2})
    seen: list[Any] = []
    with openai.OpenAI(base_url=f"{battered.url}/v1", api_key=battered.key) as client:
        events = client.chat.completions.create(model="auto", messages=RIVERS, stream=True, max_tokens=60)
        with pytest.raises(openai.APIError):
            seen.extend(iter(events))
    count = len(seen)
    with Mistral(server_url=battered.url, api_key=battered.key) as mistral:
        parts = mistral.chat.stream(model="auto", messages=RIVERS, max_tokens=60)
        with pytest.raises(Exception, match=r"(?s)broke off|validation|closed"):
            seen.extend(iter(parts))
    assert len(seen) > count > 2, "content had come before"
    assert len(upstream.requests) == 2
