"""The Responses format as the line uses it: a reader of requests, and a voice for each answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import RouterError
from router.wire.chat import ChatRequest
from router.wire.reading import Bounds
from router.wire.responses.events import Events
from router.wire.responses.output import Asked, whole
from router.wire.responses.places import renamed
from router.wire.responses.request import read_request
from router.wire.voice import Format, openai_refusal


class ResponsesVoice:
    """A `Voice` in Responses objects and events. There is no `[DONE]` in this format: its last event is the end."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._events = Events(asked)

    def whole(self, answer: dict[str, Any]) -> bytes:
        return msgspec.json.encode(whole(self._asked, answer))

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        return self._events.chunk(chunk)

    def end(self, chunks: list[dict[str, Any]]) -> bytes:
        return self._events.end(chunks)

    def broken(self, error: RouterError) -> bytes:
        return self._events.broken(error)


class Responses:
    """A `Format`."""

    flat = True

    def read(self, body: bytes, bounds: Bounds) -> tuple[ChatRequest, ResponsesVoice]:
        """The request in `body` (JSON), and the voice to answer it with. Raises `BadRequest` with place and remedy."""
        request, asked = read_request(body, bounds)
        return request, ResponsesVoice(asked)

    def refusal(self, error: RouterError, request_id: str, router: object = None) -> bytes:
        """The body of an error answer, in the form that all of OpenAI's endpoints share."""
        return openai_refusal(error.told() | {"param": renamed(error.param, ()) if error.param else None}, router)


RESPONSES: Final[Format] = Responses()
