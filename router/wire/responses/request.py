"""A Responses request, read into a chat request.

Nothing is stored, so what refers to an earlier answer is refused with the remedy; what only asks for storing is dropped
and named, like everything that no model reads.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import BadRequest
from router.wire.chat import ChatRequest, IncomingChat, read_chat
from router.wire.reading import Bounds, decode
from router.wire.responses.items import read_items
from router.wire.responses.output import Asked
from router.wire.responses.places import renamed, replaced
from router.wire.responses.tools import chat_choice, chat_format, chat_tools


class _TextForm(msgspec.Struct, kw_only=True):
    format: dict[str, Any] | None = None
    verbosity: Any = None


class _Reasoning(msgspec.Struct, kw_only=True):
    effort: str | None = None
    summary: str | None = None
    generate_summary: Any = None  # the forerunner of `summary`
    context: Any = None
    mode: Any = None


class _Incoming(msgspec.Struct, kw_only=True):
    model: str
    input: str | list[dict[str, Any]] | None = None  # needed, but what stands in its place explains its absence
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    text: _TextForm | None = None
    reasoning: _Reasoning | None = None
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None
    stream: bool | None = None
    store: bool | None = None
    truncation: str | None = None
    include: list[str] | None = None
    background: bool | None = None
    previous_response_id: Any = None
    conversation: Any = None
    prompt: Any = None


_decoder = msgspec.json.Decoder(_Incoming)
# What an app that relies on storing must do instead.
_REMEDIES: Final = {
    "previous_response_id": "send the conversation so far as input",
    "conversation": "send the conversation so far as input",
    "prompt": "send the prompt's text as instructions and input",
    "background": "wait for the answer, or stream it",
}


def read_request(body: bytes, bounds: Bounds) -> tuple[ChatRequest, Asked]:
    """The request in `body` (JSON), and what its answer repeats of it. Raises `BadRequest` with place and remedy."""
    raw, dropped = decode(body, _decoder)
    for name, remedy in _REMEDIES.items():
        if getattr(raw, name):
            raise BadRequest(
                f"{name} is not served, because nothing is stored: {remedy}.", code="nothing_stored", param=name
            )
    if raw.input is None:
        raise BadRequest("input is required.", code="missing_field", param="input")
    text, reasoning = raw.text or _TextForm(), raw.reasoning or _Reasoning()
    dropped += _ignored(raw, text, reasoning)
    turns = read_items(raw.input, raw.instructions, bounds.messages_max, dropped)
    incoming = IncomingChat(
        model=raw.model,
        messages=turns.messages,
        temperature=raw.temperature,
        top_p=raw.top_p,
        max_tokens=raw.max_output_tokens,
        stream=raw.stream,
        prompt_cache_key=raw.prompt_cache_key,
        metadata=raw.metadata,
        tools=chat_tools(raw.tools),
        tool_choice=chat_choice(raw.tool_choice),
        parallel_tool_calls=raw.parallel_tool_calls,
        response_format=chat_format(text.format),
        reasoning_effort=reasoning.effort,
    )
    known = len(dropped)
    try:
        request = read_chat(incoming, dropped, bounds)
    except BadRequest as error:
        raise replaced(error, turns.places) from error
    told = (*request.dropped[:known], *(renamed(name, turns.places) for name in request.dropped[known:]))
    return msgspec.structs.replace(request, dropped=told), _asked(raw, text, reasoning)


def _ignored(raw: _Incoming, text: _TextForm, reasoning: _Reasoning) -> list[str]:
    """The names of known fields that ask for what nobody does here."""
    asked = {
        "store": raw.store,
        "truncation": raw.truncation not in (None, "disabled"),
        "include": raw.include,
        "text.verbosity": text.verbosity,
        "reasoning.summary": reasoning.summary,
        "reasoning.generate_summary": reasoning.generate_summary,
        "reasoning.context": reasoning.context,
        "reasoning.mode": reasoning.mode,
    }
    return [name for name, wish in asked.items() if wish]


def _asked(raw: _Incoming, text: _TextForm, reasoning: _Reasoning) -> Asked:
    return Asked(
        instructions=raw.instructions,
        tools=raw.tools or [],
        tool_choice=raw.tool_choice or "auto",
        parallel_tool_calls=raw.parallel_tool_calls is not False,
        temperature=raw.temperature,
        top_p=raw.top_p,
        max_output_tokens=raw.max_output_tokens,
        format=text.format or {"type": "text"},
        effort=reasoning.effort,
        summary=reasoning.summary,
        # OpenAI's type knows strings alone; `tags` are the router's and no part of what is repeated.
        metadata={key: value for key, value in (raw.metadata or {}).items() if isinstance(value, str)},
        prompt_cache_key=raw.prompt_cache_key,
    )
