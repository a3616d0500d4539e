"""Haystack's chat generators for OpenAI and for Mistral: `haystack_both.py openai|mistral`."""

from __future__ import annotations

import sys
from typing import Any

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from haystack_integrations.components.generators.mistral import MistralChatGenerator
from lines import HELLO, PARIS, RIVERS, WEATHER, City, Job, serve, told

MADE = {"openai": OpenAIChatGenerator, "mistral": MistralChatGenerator}[sys.argv[1]]


def generator(job: Job, **options: Any) -> Any:
    return MADE(api_key=Secret.from_token(job.key), api_base_url=job.base_url, model=job.model, **options)


def ask(text: str, generator: Any) -> str:
    return str(generator.run([ChatMessage.from_user(text)])["replies"][0].text)


def chat(job: Job) -> Any:
    return {"text": ask(HELLO, generator(job))}


def stream(job: Job) -> Any:
    pieces: list[str] = []
    text = ask(RIVERS, generator(job, streaming_callback=lambda chunk: pieces.append(chunk.content)))
    assert text == "".join(pieces), "its pieces are not its text"
    return told(pieces)


def tools(job: Job, **options: Any) -> Any:
    agent = Agent(chat_generator=generator(job, **options), tools=[create_tool_from_function(job.get_weather)])
    return {"text": agent.run(messages=[ChatMessage.from_user(WEATHER)])["last_message"].text, "ran": job.ran}


def tools_stream(job: Job) -> Any:
    return tools(job, streaming_callback=lambda chunk: None)


def structured(job: Job) -> Any:
    return City.model_validate_json(ask(PARIS, generator(job, generation_kwargs={"response_format": City})))


if __name__ == "__main__":
    serve(
        "haystack-ai" if sys.argv[1] == "openai" else "mistral-haystack",
        chat=chat,
        stream=stream,
        tools=tools,
        tools_stream=tools_stream,
        structured=structured,
    )
