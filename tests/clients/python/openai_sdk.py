"""OpenAI's SDK for Python."""

from __future__ import annotations

from typing import Any

import openai
from lines import HELLO, PARIS, RIVERS, TOOL, WEATHER, City, Job, serve, told


def client(job: Job) -> openai.OpenAI:
    return openai.OpenAI(base_url=job.base_url, api_key=job.key)


def chat(job: Job) -> Any:
    with client(job) as api:
        answer = api.chat.completions.create(model=job.model, messages=[{"role": "user", "content": HELLO}])
    return {"text": answer.choices[0].message.content}


def stream(job: Job) -> Any:
    asked: Any = {"model": job.model, "messages": [{"role": "user", "content": RIVERS}], "stream": True}
    pieces = []
    with client(job) as api:
        for chunk in api.chat.completions.create(**asked, stream_options={"include_usage": True}):
            pieces += [choice.delta.content or "" for choice in chunk.choices]
    assert chunk.usage is not None, "no usage came"
    return told(pieces)


def tools(job: Job) -> Any:
    messages: list[Any] = [{"role": "user", "content": WEATHER}]
    with client(job) as api:
        while True:
            answer = api.chat.completions.create(model=job.model, messages=messages, tools=[TOOL]).choices[0]
            if answer.finish_reason != "tool_calls":
                return {"text": answer.message.content, "ran": job.ran}
            messages += [answer.message, *results(job, answer.message)]


def tools_stream(job: Job) -> Any:
    messages: list[Any] = [{"role": "user", "content": WEATHER}]
    with client(job) as api:
        while True:
            with api.chat.completions.stream(model=job.model, messages=messages, tools=[TOOL]) as events:
                answer = events.get_final_completion().choices[0]
            if answer.finish_reason != "tool_calls":
                return {"text": answer.message.content, "ran": job.ran}
            messages += [answer.message, *results(job, answer.message)]


def results(job: Job, message: Any) -> list[Any]:
    return [
        {"role": "tool", "tool_call_id": call.id, "content": job.run_tool(call.function.arguments)}
        for call in message.tool_calls
    ]


def structured(job: Job) -> Any:
    asked: Any = [{"role": "user", "content": PARIS}]
    with client(job) as api:
        return (
            api.chat.completions.parse(model=job.model, messages=asked, response_format=City).choices[0].message.parsed
        )


def responses(job: Job) -> Any:
    with client(job) as api:
        return {"text": api.responses.create(model=job.model, input=HELLO).output_text}


def responses_stream(job: Job) -> Any:
    with client(job) as api:
        events = api.responses.create(model=job.model, input=RIVERS, stream=True)
        return told([event.delta for event in events if event.type == "response.output_text.delta"])


if __name__ == "__main__":
    serve(
        "openai",
        **{
            verb.__name__: verb for verb in (chat, stream, tools, tools_stream, structured, responses, responses_stream)
        },
    )
