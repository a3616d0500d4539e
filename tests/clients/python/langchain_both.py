"""LangChain's chat models for OpenAI and for Mistral: `langchain_both.py openai|mistral`."""

from __future__ import annotations

import sys
from functools import reduce
from operator import add
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from lines import HELLO, PARIS, RIVERS, WEATHER, City, Job, serve, told

KIND = sys.argv[1]


def model(job: Job) -> BaseChatModel:
    if KIND == "openai":
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(base_url=job.base_url, api_key=job.key, model=job.model)
    from langchain_mistralai import ChatMistralAI

    return ChatMistralAI(endpoint=job.base_url, api_key=job.key, model=job.model)


def chat(job: Job) -> Any:
    return {"text": model(job).invoke(HELLO).text}


def stream(job: Job) -> Any:
    return told([chunk.text for chunk in model(job).stream(RIVERS)])


def tools(job: Job, streaming: bool = False) -> Any:
    bound = model(job).bind_tools([tool(job.get_weather)])
    messages: list[Any] = [HumanMessage(WEATHER)]
    while True:
        # Chunks of a message add up to it.
        chunks: Any = bound.stream(messages) if streaming else [bound.invoke(messages)]
        answer = reduce(add, chunks)
        if not answer.tool_calls:
            return {"text": answer.text, "ran": job.ran}
        messages += [answer, *(tool(job.get_weather).invoke(call) for call in answer.tool_calls)]


def tools_stream(job: Job) -> Any:
    return tools(job, streaming=True)


def structured(job: Job) -> Any:
    return model(job).with_structured_output(City).invoke(PARIS)


if __name__ == "__main__":
    serve(
        f"langchain-{KIND}{'ai' if KIND == 'mistral' else ''}",
        chat=chat,
        stream=stream,
        tools=tools,
        tools_stream=tools_stream,
        structured=structured,
    )
