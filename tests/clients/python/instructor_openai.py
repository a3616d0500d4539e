"""Instructor over OpenAI's SDK: what it asks for comes as a tool call, or as JSON by a schema."""

from __future__ import annotations

from typing import Any

import instructor
import openai
from lines import PARIS, City, Job, serve


def ask(job: Job, mode: instructor.Mode, **options: Any) -> Any:
    client = instructor.from_openai(openai.OpenAI(base_url=job.base_url, api_key=job.key), mode=mode)
    messages: Any = [{"role": "user", "content": PARIS}]
    return client.chat.completions.create(model=job.model, messages=messages, response_model=City, **options)


def structured(job: Job) -> Any:
    return ask(job, instructor.Mode.TOOLS)


def json_schema(job: Job) -> Any:
    return ask(job, instructor.Mode.JSON_SCHEMA)


def structured_stream(job: Job) -> Any:
    client = instructor.from_openai(openai.OpenAI(base_url=job.base_url, api_key=job.key), mode=instructor.Mode.TOOLS)
    messages: Any = [{"role": "user", "content": PARIS}]
    *_, last = client.chat.completions.create_partial(model=job.model, messages=messages, response_model=City)
    return last


if __name__ == "__main__":
    serve("instructor", structured=structured, json_schema=json_schema, structured_stream=structured_stream)
