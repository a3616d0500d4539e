"""LlamaIndex's models for whatever is like OpenAI and for Mistral: `llama_index_both.py openai|mistral`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from lines import HELLO, PARIS, RIVERS, WEATHER, City, Job, serve, told
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate

KIND = sys.argv[1]


def model(job: Job) -> Any:
    if KIND == "openai":
        from llama_index.llms.openai_like import OpenAILike

        return OpenAILike(
            model=job.model,
            api_base=job.base_url,
            api_key=job.key,
            is_chat_model=True,
            is_function_calling_model=True,
            context_window=128_000,
        )
    from llama_index.llms.mistralai import MistralAI

    return MistralAI(model=job.model, endpoint=job.url, api_key=job.key)


def chat(job: Job) -> Any:
    return {"text": model(job).chat([ChatMessage(HELLO)]).message.content}


def stream(job: Job) -> Any:
    return told([chunk.delta or "" for chunk in model(job).stream_chat([ChatMessage(RIVERS)])])


def tools(job: Job, streaming: bool = False) -> Any:
    async def run() -> str:
        agent = FunctionAgent(tools=[job.get_weather], llm=model(job), streaming=streaming)
        return str(await AgentWorkflow(agents=[agent]).run(user_msg=WEATHER))

    return {"text": asyncio.run(run()), "ran": job.ran}


def tools_stream(job: Job) -> Any:
    return tools(job, streaming=True)


def structured(job: Job) -> Any:
    return model(job).structured_predict(City, PromptTemplate(PARIS))


if __name__ == "__main__":
    package = {"openai": "llama-index-llms-openai-like", "mistral": "llama-index-llms-mistralai"}[KIND]
    streamed_loop = {"tools_stream": tools_stream} if KIND == "openai" else {}
    serve(package, chat=chat, stream=stream, tools=tools, structured=structured, **streamed_loop)
