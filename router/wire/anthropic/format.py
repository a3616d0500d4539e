"""Anthropic's format in one place: what the HTTP face needs to speak it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import RouterError
from router.wire.anthropic.events import Events, broken
from router.wire.anthropic.output import message
from router.wire.anthropic.refusal import refusal
from router.wire.anthropic.request import Read, read_count, read_request
from router.wire.chat import ChatRequest
from router.wire.reading import Bounds
from router.wire.voice import Format, Voice


class Messages:
    """A `Format`."""

    flat = True

    def read(self, body: bytes, bounds: Bounds) -> tuple[ChatRequest, Voice]:
        """The request, and the voice to answer it with. Raises `BadRequest` with a place of Anthropic's request."""
        read = read_request(body, bounds)
        return read.request, MessagesVoice(read)

    def refusal(self, error: RouterError, request_id: str, router: object = None) -> bytes:
        return refusal(error, request_id, router)


class MessagesVoice:
    """A `Voice`: one message, or the events of one."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._events = Events(prefill=read.prefill, thoughts_shown=read.thoughts_shown)

    def whole(self, answer: dict[str, Any]) -> bytes:
        told = message(answer, prefill=self._read.prefill, thoughts_shown=self._read.thoughts_shown)
        return msgspec.json.encode(told)

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        return self._events.chunk(chunk)

    def end(self, chunks: list[dict[str, Any]]) -> bytes:
        return self._events.end(chunks)

    def broken(self, error: RouterError) -> bytes:
        return broken(error)


class Counting(Messages):
    """The same format where only the prompt's tokens are asked for."""

    def read(self, body: bytes, bounds: Bounds) -> tuple[ChatRequest, Voice]:
        read = Read(request=read_count(body, bounds))
        return read.request, MessagesVoice(read)


MESSAGES: Final[Format] = Messages()
COUNTING: Final[Format] = Counting()


def counted(input_tokens: int) -> bytes:
    """The answer to `POST /v1/messages/count_tokens`."""
    return msgspec.json.encode({"input_tokens": input_tokens})
