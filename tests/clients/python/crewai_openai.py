"""CrewAI's model class, which speaks through OpenAI's SDK."""

from __future__ import annotations

from typing import Any

from crewai import LLM, Agent
from crewai.events import crewai_event_bus
from crewai.events.types.llm_events import LLMStreamChunkEvent
from crewai.tools import tool
from lines import HELLO, PARIS, RIVERS, WEATHER, City, Job, serve, told


def model(job: Job, **options: Any) -> LLM:
    return LLM(model=f"openai/{job.model}", base_url=job.base_url, api_key=job.key, **options)


def chat(job: Job) -> Any:
    return {"text": model(job).call(HELLO)}


def stream(job: Job) -> Any:
    pieces: list[str] = []
    with crewai_event_bus.scoped_handlers():
        crewai_event_bus.on(LLMStreamChunkEvent)(lambda source, event: pieces.append(event.chunk))
        text = model(job, stream=True).call(RIVERS)
        crewai_event_bus.flush()
    assert text == "".join(pieces), "its pieces are not its text"
    return told(pieces)


def tools(job: Job, streaming: bool = False) -> Any:
    agent = Agent(
        role="guide",
        goal="Tell the weather.",
        backstory="You know every city.",
        llm=model(job, stream=streaming),
        tools=[tool("get_weather")(job.get_weather)],
    )
    return {"text": agent.kickoff(WEATHER).raw, "ran": job.ran}


def tools_stream(job: Job) -> Any:
    return tools(job, streaming=True)


def structured(job: Job) -> Any:
    got = model(job).call(PARIS, response_model=City)
    return got if isinstance(got, City) else City.model_validate_json(got)


if __name__ == "__main__":
    serve("crewai", chat=chat, stream=stream, tools=tools, tools_stream=tools_stream, structured=structured)
