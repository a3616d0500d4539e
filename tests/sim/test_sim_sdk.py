"""The vendor's own SDK finds nothing to complain about."""

import json

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError


@pytest.fixture
def sdk(sim):
    with Mistral(api_key="any", server_url=sim.url) as client:
        yield client


def test_it_reads_a_plain_answer(sdk):
    answer = sdk.chat.complete(model="mistral-small-latest", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens > 0
    assert answer.usage.service_tier == "standard"


def test_it_reads_a_stream(sdk, sim):
    text, usage = "", None
    with sdk.chat.stream(model="mistral-small-latest", messages=[{"role": "user", "content": "hi"}]) as stream:
        for event in stream:
            text += event.data.choices[0].delta.content or ""
            usage = event.data.usage or usage
    assert text == sim.chat("hi").json()["choices"][0]["message"]["content"]
    assert usage.total_tokens > 0


def test_it_carries_a_tool_call_through(sdk, weather):
    messages = [{"role": "user", "content": "Weather?"}]
    answer = sdk.chat.complete(model="mistral-large-latest", messages=messages, tools=[weather])
    call = answer.choices[0].message.tool_calls[0]
    assert set(json.loads(call.function.arguments)) == {"city", "unit"}
    messages += [
        answer.choices[0].message,
        {"role": "tool", "name": call.function.name, "content": "sunny", "tool_call_id": call.id},
    ]
    final = sdk.chat.complete(model="mistral-large-latest", messages=messages, tools=[weather])
    assert isinstance(final.choices[0].message.content, str)


def test_it_replays_thoughts(sdk):
    messages = [{"role": "user", "content": "Think."}]
    asked = {"model": "mistral-small-latest", "reasoning_effort": "high"}
    answer = sdk.chat.complete(messages=messages, **asked)
    assert answer.choices[0].message.content[0].type == "thinking"
    messages += [answer.choices[0].message, {"role": "user", "content": "Again."}]
    assert sdk.chat.complete(messages=messages, **asked).choices


def test_it_lists_models(sdk):
    models = {model.id: model for model in sdk.models.list().data}
    assert models["mistral-large-2512"].capabilities.function_calling
    assert sdk.models.retrieve(model_id="mistral-large-latest").name == "mistral-large-2512"


def test_it_embeds_and_fills_in_the_middle(sdk):
    assert len(sdk.embeddings.create(model="mistral-embed", inputs=["a", "b"]).data) == 2
    assert sdk.fim.complete(model="codestral-latest", prompt="def f(").choices[0].message.content


def test_it_reads_an_error(sdk, sim):
    sim.faults({"fault": "capacity", "status": 503})
    with pytest.raises(SDKError) as caught:
        sdk.chat.complete(model="mistral-small-latest", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.status_code == 503
    assert "3505" in caught.value.body
