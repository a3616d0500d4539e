"""The demo's requests: few, and as different as real traffic is. Each is asked over HTTP, as any app would ask."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import Any, Final

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`fault` is what the simulator does to the first attempt."""

    title: str
    body: dict[str, Any]
    fault: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. Money is nano-USD."""

    title: str
    model: str
    reason: str
    cost_nano: int
    saved_nano: int
    attempts: int
    seconds: float


def says(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": 300, **fields}


WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city today.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
INVOICE: Final = {
    "type": "json_schema",
    "json_schema": {
        "name": "invoice",
        "schema": {
            "type": "object",
            "properties": {"vendor": {"type": "string"}, "total": {"type": "number"}, "currency": {"type": "string"}},
            "required": ["vendor", "total", "currency"],
        },
    },
}
REPORT: Final = "The council met on Tuesday to discuss the new tram line between the harbour and the university. " * 120

_BAT: Final = "A bat and a ball cost 1.10 together, the bat 1.00 more than the ball. What does the ball cost?"

REQUESTS: Final = (
    Asked(title="Short question", body=says("What is the capital of Portugal?")),
    Asked(
        title="Extract to JSON",
        body=says("Invoice: Acme Ltd, total 1,249.50 EUR. Extract it.", response_format=INVOICE),
    ),
    Asked(title="German prose", body=says("Erkläre einem Kind in ein paar Sätzen, warum der Himmel blau ist.")),
    Asked(title="Translate to Czech", body=says("Translate to Czech: the meeting has moved to Thursday afternoon.")),
    Asked(title="Write code", body=says("Write a Python function that merges two sorted lists, with type hints.")),
    Asked(title="Call a tool", body=says("What is the weather in Lyon today?", tools=[WEATHER])),
    Asked(title="Long text, streamed", body=says(f"Summarise this in three sentences.\n\n{REPORT}", stream=True)),
    Asked(title="Reasoning", body=says(_BAT, reasoning_effort="high")),
    Asked(title="Best quality", body=says("Prove that the square root of two is irrational.", model="auto:quality")),
    Asked(title="Upstream says 429", body=says("Name three rivers of France."), fault="rate_limited"),
)


async def ask(url: str, key: str, asked: Asked, simulator_url: str) -> Outcome:
    """One request over HTTP, and what the router says it cost."""
    if asked.fault:
        await asyncio.to_thread(
            post, f"{simulator_url}/_sim/faults", "", {"rules": [{"fault": asked.fault, "times": 1}]}
        )
    began = time.monotonic()
    headers, body = await asyncio.to_thread(post, f"{url}/v1/chat/completions", key, asked.body)
    seconds = time.monotonic() - began
    if asked.body.get("stream"):
        last = json.loads(body.decode().split("data: ")[-2])
        told = last["router"]
        return Outcome(
            title=asked.title,
            model=told["chosen"],
            reason=told["reason"],
            cost_nano=_nano(told["cost_usd"]),
            saved_nano=_nano(told["saved_usd"]),
            attempts=len(told["attempts"]),
            seconds=seconds,
        )
    return Outcome(
        title=asked.title,
        model=headers["x-router-model"],
        reason=headers["x-router-reason"],
        cost_nano=_nano(headers["x-router-cost-usd"]),
        saved_nano=_nano(headers["x-router-saved-usd"]),
        attempts=int(headers["x-router-attempts"]),
        seconds=seconds,
    )


def post(url: str, key: str, body: dict[str, Any]) -> tuple[Any, bytes]:
    """The answer's headers and body. Raises OSError, which is HTTPError for a refusal."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        return answer.headers, answer.read()


def _nano(usd: str) -> int:
    """Nano-USD of a header's nine decimals."""
    return int(usd.replace(".", ""))
