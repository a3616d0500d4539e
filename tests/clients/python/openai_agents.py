"""OpenAI's Agents SDK: `openai_agents.py chat` for chat completions, `openai_agents.py responses` for its default."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from agents import Agent, FunctionTool, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from lines import HELLO, PARIS, RIVERS, WEATHER, City, Job, serve, told
from openai import AsyncOpenAI

MODEL = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}[sys.argv[1]]


def agent(job: Job, **options: Any) -> Agent:
    client = AsyncOpenAI(base_url=job.base_url, api_key=job.key)
    return Agent(name="guide", model=MODEL(job.model, client), **options)


def weather(job: Job) -> FunctionTool:
    return function_tool(job.get_weather)


def chat(job: Job) -> Any:
    return {"text": Runner.run_sync(agent(job), HELLO).final_output}


def stream(job: Job) -> Any:
    async def run() -> list[str]:
        events = Runner.run_streamed(agent(job), RIVERS).stream_events()
        raw = [event.data async for event in events if event.type == "raw_response_event"]
        return [data.delta for data in raw if data.type == "response.output_text.delta"]

    return told(asyncio.run(run()))


def tools(job: Job) -> Any:
    return {"text": Runner.run_sync(agent(job, tools=[weather(job)]), WEATHER).final_output, "ran": job.ran}


def tools_stream(job: Job) -> Any:
    async def run() -> Any:
        running = Runner.run_streamed(agent(job, tools=[weather(job)]), WEATHER)
        async for _ in running.stream_events():
            pass
        return running.final_output

    return {"text": asyncio.run(run()), "ran": job.ran}


def structured(job: Job) -> Any:
    return Runner.run_sync(agent(job, output_type=City), PARIS).final_output


if __name__ == "__main__":
    serve("openai-agents", chat=chat, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured)
