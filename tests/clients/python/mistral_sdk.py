"""Mistral's SDK for Python."""

from __future__ import annotations

from typing import Any

from lines import HELLO, PARIS, RIVERS, TOOL, WEATHER, City, Job, serve, told
from mistralai.client import Mistral


def client(job: Job) -> Mistral:
    return Mistral(server_url=job.url, api_key=job.key)


def text_of(content: Any) -> str:
    """Without what was thought, which this SDK gets as parts of the content."""
    if isinstance(content, list):
        return "".join(part.text for part in content if part.type == "text")
    return content or ""


def chat(job: Job) -> Any:
    with client(job) as api:
        answer = api.chat.complete(model=job.model, messages=[{"role": "user", "content": HELLO}])
    return {"text": text_of(answer.choices[0].message.content)}


def stream(job: Job) -> Any:
    asked: Any = [{"role": "user", "content": RIVERS}]
    with client(job) as api, api.chat.stream(model=job.model, messages=asked) as events:
        chunks = [event.data for event in events]
    assert chunks[-1].usage is not None, "no usage came"
    assert chunks[-1].choices[0].finish_reason, "it did not finish"
    return told([text_of(chunk.choices[0].delta.content) for chunk in chunks])


def tools(job: Job) -> Any:
    messages: list[Any] = [{"role": "user", "content": WEATHER}]
    with client(job) as api:
        while True:
            answer = api.chat.complete(model=job.model, messages=messages, tools=[TOOL]).choices[0].message
            if not answer.tool_calls:
                return {"text": answer.content, "ran": job.ran}
            messages += [answer, *results(job, answer.tool_calls)]


def tools_stream(job: Job) -> Any:
    messages: list[Any] = [{"role": "user", "content": WEATHER}]
    with client(job) as api:
        while True:
            with api.chat.stream(model=job.model, messages=messages, tools=[TOOL]) as events:
                deltas = [event.data.choices[0].delta for event in events]
            calls = joined([call for delta in deltas for call in delta.tool_calls or ()])
            if not calls:
                return {"text": "".join(delta.content or "" for delta in deltas), "ran": job.ran}
            messages += [{"role": "assistant", "content": "", "tool_calls": calls}, *results(job, calls)]


def joined(fragments: list[Any]) -> list[Any]:
    """The SDK leaves it to its user to put the fragments of a call together."""
    calls: dict[int, Any] = {}
    for fragment in fragments:
        if fragment.index in calls:
            calls[fragment.index].function.arguments += fragment.function.arguments
        else:
            calls[fragment.index] = fragment
    return list(calls.values())


def results(job: Job, calls: list[Any]) -> list[Any]:
    return [
        {
            "role": "tool",
            "name": call.function.name,
            "tool_call_id": call.id,
            "content": job.run_tool(call.function.arguments),
        }
        for call in calls
    ]


def structured(job: Job) -> Any:
    with client(job) as api:
        answer = api.chat.parse(City, model=job.model, messages=[{"role": "user", "content": PARIS}])
    return answer.choices[0].message.parsed


if __name__ == "__main__":
    serve("mistralai", chat=chat, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured)
