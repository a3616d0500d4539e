"""Pydantic AI's models for OpenAI and for Mistral: `pydantic_both.py openai|mistral`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from lines import HELLO, PARIS, RIVERS, WEATHER, City, Job, serve, told
from pydantic_ai import Agent
from pydantic_ai.models import Model

KIND = sys.argv[1]


def model(job: Job) -> Model:
    if KIND == "openai":
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        return OpenAIChatModel(job.model, provider=OpenAIProvider(base_url=job.base_url, api_key=job.key))
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    return MistralModel(job.model, provider=MistralProvider(base_url=job.url, api_key=job.key))


def chat(job: Job) -> Any:
    return {"text": Agent(model(job)).run_sync(HELLO).output}


def stream(job: Job) -> Any:
    async def run() -> list[str]:
        async with Agent(model(job)).run_stream(RIVERS) as answer:
            return [piece async for piece in answer.stream_text(delta=True, debounce_by=None)]

    return told(asyncio.run(run()))


def tools(job: Job) -> Any:
    return {"text": Agent(model(job), tools=[job.get_weather]).run_sync(WEATHER).output, "ran": job.ran}


def tools_stream(job: Job) -> Any:
    async def run() -> str:
        async with Agent(model(job), tools=[job.get_weather]).run_stream(WEATHER) as answer:
            return await answer.get_output()

    return {"text": asyncio.run(run()), "ran": job.ran}


def structured(job: Job) -> Any:
    return Agent(model(job), output_type=City).run_sync(PARIS).output


if __name__ == "__main__":
    serve("pydantic-ai-slim", chat=chat, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured)
