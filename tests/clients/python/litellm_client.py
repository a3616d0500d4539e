"""LiteLLM as a client, by its OpenAI and by its Mistral route: `litellm_client.py openai|mistral`."""

from __future__ import annotations

import sys
from typing import Any

import litellm
from lines import HELLO, PARIS, RIVERS, TOOL, WEATHER, City, Job, serve, told

ROUTE = sys.argv[1]


def ask(job: Job, messages: list[Any], **options: Any) -> Any:
    return litellm.completion(
        model=f"{ROUTE}/{job.model}", api_base=job.base_url, api_key=job.key, messages=messages, **options
    )


def chat(job: Job) -> Any:
    return {"text": ask(job, [{"role": "user", "content": HELLO}]).choices[0].message.content}


def stream(job: Job) -> Any:
    chunks = ask(job, [{"role": "user", "content": RIVERS}], stream=True)
    return told([chunk.choices[0].delta.content or "" for chunk in chunks])


def tools(job: Job, streaming: bool = False) -> Any:
    messages: list[Any] = [{"role": "user", "content": WEATHER}]
    while True:
        answer = ask(job, messages, tools=[TOOL], stream=streaming)
        if streaming:
            answer = litellm.stream_chunk_builder(list(answer), messages=messages)
        message = answer.choices[0].message
        if not message.tool_calls:
            return {"text": message.content, "ran": job.ran}
        messages.append(message)
        for call in message.tool_calls:
            result = job.run_tool(call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


def tools_stream(job: Job) -> Any:
    return tools(job, streaming=True)


def structured(job: Job) -> Any:
    answer = ask(job, [{"role": "user", "content": PARIS}], response_format=City)
    return City.model_validate_json(answer.choices[0].message.content)


if __name__ == "__main__":
    serve("litellm", chat=chat, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured)
