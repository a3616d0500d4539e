"""The matrix: which clients there are, what each is put through, and what must come of it.

A row is a client library with its defaults, told nothing but the router's address and a key. A column is a scenario:
what the app does, what the simulator is told to answer, and what the app must have in its hands in the end. A broken
answer must be an error that the library raises; half an answer passed off as whole is the worst of all outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".venv-clients"

WORDS: Final = "Größe, façade, 東京 — 🙂 and so it flows, from the spring to the sea."
CLEAR: Final = "It is clear in Zürich."
PARIS: Final = {"name": "Paris", "people": 2_102_650}
JSON: Final = '{"name": "Paris", "people": 2102650}'


RESPONSES: Final = ("responses", "responses_stream")


@dataclass(frozen=True, kw_only=True)
class Client:
    """`program` runs in `environment` and knows `verbs`. `retries` says whether it waits and asks again when it is told
    to. `model` is what it asks for. `tool` is how it asks for structured output: by a tool of that name, or by a JSON
    schema when it is None."""

    program: tuple[str, ...]
    environment: str = "current"
    verbs: tuple[str, ...] = ("chat", "stream", "tools", "tools_stream", "structured")
    retries: bool = True
    model: str = "auto"
    tool: str | None = None

    @property
    def command(self) -> list[str]:
        if self.environment == "node":
            return ["node", *self.program]
        return [str(ENVIRONMENTS / self.environment / "bin" / "python"), *self.program]


CLIENTS: Final[dict[str, Client]] = {
    "openai": Client(program=("python/openai_sdk.py",), verbs=(*Client.verbs, *RESPONSES)),
    "mistral": Client(program=("python/mistral_sdk.py",), retries=False),
    "langchain-openai": Client(program=("python/langchain_both.py", "openai")),
    "langchain-mistral": Client(program=("python/langchain_both.py", "mistral"), retries=False, tool="City"),
    "pydantic-ai-openai": Client(program=("python/pydantic_both.py", "openai"), tool="final_result"),
    "pydantic-ai-mistral": Client(program=("python/pydantic_both.py", "mistral"), retries=False, tool="final_result"),
    "instructor": Client(
        program=("python/instructor_openai.py",),
        environment="instructor",
        verbs=("structured", "json_schema", "structured_stream"),
        tool="City",
    ),
    "openai-agents": Client(program=("python/openai_agents.py", "chat")),
    "openai-agents-responses": Client(program=("python/openai_agents.py", "responses")),
    "haystack-openai": Client(program=("python/haystack_both.py", "openai")),
    "haystack-mistral": Client(program=("python/haystack_both.py", "mistral")),
    "litellm-openai": Client(program=("python/litellm_client.py", "openai")),
    "litellm-mistral": Client(program=("python/litellm_client.py", "mistral"), retries=False),
    "llama-index-openai": Client(program=("python/llama_index_both.py", "openai"), environment="older", tool="City"),
    "llama-index-mistral": Client(
        program=("python/llama_index_both.py", "mistral"),
        environment="older",
        # Its agent, when it streams, repeats all that came before with every piece.
        verbs=("chat", "stream", "tools", "structured"),
        retries=False,
        # It knows "auto" from no list of its own.
        model="mistral-small-latest",
        tool="City",
    ),
    "crewai": Client(program=("python/crewai_openai.py",), environment="older"),
    "node-openai": Client(program=("node/openai.mjs",), environment="node", verbs=(*Client.verbs, *RESPONSES)),
    "node-mistral": Client(program=("node/mistral.mjs",), environment="node", retries=False),
    "node-langchain-openai": Client(program=("node/langchain.mjs", "openai"), environment="node"),
    "node-langchain-mistral": Client(program=("node/langchain.mjs", "mistral"), environment="node", tool="extract"),
    "ai-compatible": Client(program=("node/ai.mjs", "compatible"), environment="node"),
    "ai-mistral": Client(program=("node/ai.mjs", "mistral"), environment="node"),
    "ai-openai": Client(program=("node/ai.mjs", "openai"), environment="node"),
    "ai-openai-responses": Client(program=("node/ai.mjs", "responses"), environment="node"),
}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`rules` is the simulator's fault script. The app ends with `made`; or, when that is None, with an error, of HTTP
    `status` when one is given. `team` is whose key asks. `through` names what stands between client and router."""

    verb: str
    rules: tuple[dict[str, Any], ...] = ()
    made: dict[str, Any] | None = None
    status: int | None = None
    team: str = "apps"
    model: str | None = None
    through: str = ""
    # Whether the client is busy waiting for a slot that somebody else holds for a while.
    held: bool = False


def answer(fault: str = "answer", **said: Any) -> dict[str, Any]:
    return {"fault": fault, "answer": said}


def broken(ends: str = "stop", **fault: Any) -> tuple[dict[str, Any], ...]:
    """The same for every attempt, also those that a library makes of its own."""
    return ({**fault, "times": None, "answer": {"content": WORDS * 4, "finish_reason": ends}},)


TEXT: Final = {"text": WORDS}
FLOWS: Final = {"text": WORDS, "streamed": True}
LOOP: Final = {"text": CLEAR, "ran": ["Zürich"]}
CALL: Final = {"name": "get_weather", "arguments": '{"city": "Zürich"}'}

SCENARIOS: Final[dict[str, Scenario]] = {
    "chat": Scenario(verb="chat", rules=(answer(content=WORDS),), made=TEXT),
    "a thought": Scenario(verb="chat", rules=(answer(content=WORDS, thinking="Well."),), made=TEXT),
    "stream": Scenario(verb="stream", rules=(answer(content=WORDS),), made=FLOWS),
    "streamed thought": Scenario(verb="stream", rules=(answer(content=WORDS, thinking="Well."),), made=FLOWS),
    "split stream": Scenario(verb="stream", rules=(answer("split", content=WORDS),), made=FLOWS),
    "comments": Scenario(verb="stream", rules=(answer(content=WORDS),), made=FLOWS, through="comments"),
    "tools": Scenario(verb="tools", rules=(answer(tool_calls=[CALL]), answer(content=CLEAR)), made=LOOP),
    "streamed tools": Scenario(
        verb="tools_stream", rules=(answer(tool_calls=[CALL]), answer(content=CLEAR)), made=LOOP
    ),
    "early finish": Scenario(
        verb="tools_stream", rules=(answer("finish_early", tool_calls=[CALL]), answer(content=CLEAR)), made=LOOP
    ),
    "structured": Scenario(verb="structured", rules=(answer(content=JSON),), made=PARIS),
    "JSON schema": Scenario(verb="json_schema", rules=(answer(content=JSON),), made=PARIS),
    "streamed structured": Scenario(verb="structured_stream", rules=(answer(content=JSON),), made=PARIS),
    "responses": Scenario(verb="responses", rules=(answer(content=WORDS),), made=TEXT),
    "streamed responses": Scenario(verb="responses_stream", rules=(answer(content=WORDS),), made=FLOWS),
    "wrong key": Scenario(verb="chat", team="", status=401),
    "no money": Scenario(verb="chat", team="poor", status=402),
    "no money, stream": Scenario(verb="stream", team="poor", status=402),
    "no such model": Scenario(verb="chat", model="nonsense", status=404),
    "busy": Scenario(verb="chat", team="narrow", rules=(answer(content=WORDS),), made=TEXT, status=429, held=True),
    "down": Scenario(verb="chat", rules=broken(fault="status", status=500), status=503),
    "down, stream": Scenario(verb="stream", rules=broken(fault="status", status=500), status=503),
    "closed early": Scenario(verb="stream", rules=broken(fault="truncate", after_bytes=1_500)),
    "reset": Scenario(verb="stream", rules=broken(fault="reset", after_bytes=1_500)),
    "stalled": Scenario(verb="stream", rules=broken(fault="stall", after_bytes=1_500)),
    "ended in error": Scenario(verb="stream", rules=broken(fault="answer", ends="error")),
    "half a plain answer": Scenario(verb="chat", rules=broken(fault="truncate")),
}
FAILURES: Final = ("down", "down, stream", "closed early", "reset", "stalled", "ended in error", "half a plain answer")


def rules_for(client: Client, scenario: Scenario) -> list[dict[str, Any]]:
    """The script, with a tool call where the client asks for structured output by one."""
    if client.tool is None or scenario.made != PARIS or scenario.verb == "json_schema":
        return list(scenario.rules)
    return [answer(tool_calls=[{"name": client.tool, "arguments": JSON}])]


@dataclass(frozen=True, kw_only=True)
class Odd:
    """Where a library falls short of its row, and why: there it raises, or makes something else of the answer."""

    why: str
    made: dict[str, Any] | None = None


ODD: Final[dict[tuple[str, str], Odd]] = {
    ("langchain-mistral", "early finish"): Odd(
        why="it makes up an id for each fragment of the first call, so it can only read calls that come whole, as "
        "native models send them; and it speaks as plain httpx, so nobody can tell that it is not an OpenAI client"
    ),
    ("llama-index-mistral", "a thought"): Odd(why="only for models on a list of its own it expects content in parts"),
    ("llama-index-mistral", "streamed thought"): Odd(
        why="for models that are not on its list it takes thoughts for text, and ends every part with a line",
        made={"text": WORDS.replace("Grö", "Well\n.\nGr\nö"), "streamed": True},
    ),
    ("llama-index-mistral", "no such model"): Odd(why="it never asks for a model that is not on its list"),
}
