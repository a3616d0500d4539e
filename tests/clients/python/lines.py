"""What every adapter shares: jobs come in as lines of JSON, what became of them goes out as lines of JSON.

An adapter is a program of its own, in an environment of its own, because the libraries' requirements exclude each other
and ours. It knows one library; what is asked, of whom, and what should come of it, is the matrix's business.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

HELLO = "Say hello."
RIVERS = "Tell me about rivers."
WEATHER = "What is the weather in Zürich?"
PARIS = "How many people live in Paris?"
# The tool, as a schema for those who want one and as a function for those who make one of it.
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass
class Job:
    """`url` is the router's, without `/v1`. `ran` are the cities that the tool was asked for."""

    url: str
    key: str
    model: str
    ran: list[str]

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def run_tool(self, arguments: str | dict[str, Any]) -> str:
        """Run the tool as a library would: with the arguments that the model made up."""
        given = json.loads(arguments) if isinstance(arguments, str) else arguments
        return self.get_weather(**given)

    def get_weather(self, city: str) -> str:
        """The weather in a city."""
        self.ran.append(city)
        return "clear"


class City(BaseModel):
    """A city and how many people live there."""

    name: str
    people: int


Verb = Callable[[Job], Any]


def serve(package: str, **verbs: Verb) -> None:
    """Do jobs until there are none. A verb's job ends in what the library made of the answer, or in what it raised."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer

    def say(what: dict[str, Any]) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    say({"ready": f"{package} {version(package)}", "verbs": sorted(verbs)})
    for line in sys.stdin:
        asked = json.loads(line)
        job = Job(url=asked["url"], key=asked["key"], model=asked["model"], ran=[])
        try:
            made = verbs[asked["verb"]](job)
        except AssertionError as error:
            say({"missed": str(error)})  # by the adapter: the library itself has raised nothing
        except Exception as error:
            # `status` is what an app can find out: the library's own error, or what it names as the cause.
            say({"raised": type(error).__name__, "status": status_of(error), "message": str(error)[:2000]})
        else:
            say(made.model_dump() if isinstance(made, BaseModel) else made)


def told(pieces: list[str]) -> dict[str, Any]:
    """A streamed text. An empty piece is none."""
    return {"text": "".join(pieces), "streamed": sum(map(bool, pieces)) > 1}


def status_of(error: BaseException | None) -> int | None:
    while error is not None:
        for holder in (error, getattr(error, "response", None), getattr(error, "raw_response", None)):
            for name in ("status_code", "http_status"):
                if isinstance(status := inspect.getattr_static(holder, name, None), int):
                    return status
                if isinstance(status := getattr(holder, name, None), int):
                    return status
        error = error.__cause__ or error.__context__
    return None
