"""The formats that are Mistral's own: chat completions, fill-in-the-middle, embeddings, moderation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from router.errors import RouterError
from router.wire.chat import parse_chat
from router.wire.fim import parse_fim
from router.wire.reading import Bounds
from router.wire.requests import AnyRequest
from router.wire.sse import DONE, frame
from router.wire.texts import parse_embeddings, parse_moderation
from router.wire.voice import Voice, openai_refusal

_encode = msgspec.json.encode


class PlainVoice:
    """Says everything as it is."""

    def whole(self, answer: dict[str, Any]) -> bytes:
        return _encode(answer)

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        return frame(_encode(chunk))

    def end(self, chunks: list[dict[str, Any]]) -> bytes:
        return b"".join(frame(_encode(chunk)) for chunk in chunks) + frame(DONE)

    def broken(self, error: RouterError) -> bytes:
        return frame(_encode({"error": error.told()}))


class PlainFormat:
    """`parse` reads the body; answers pass in the dialect of the caller's SDK."""

    flat = False

    def __init__(self, parse: Callable[[bytes, Bounds], AnyRequest]) -> None:
        self._parse = parse

    def read(self, body: bytes, bounds: Bounds) -> tuple[AnyRequest, Voice]:
        return self._parse(body, bounds), PlainVoice()

    def refusal(self, error: RouterError, request_id: str, router: object = None) -> bytes:
        return openai_refusal(error.told(), router)


CHAT: Final = PlainFormat(parse_chat)
FIM: Final = PlainFormat(parse_fim)
EMBEDDINGS: Final = PlainFormat(parse_embeddings)
MODERATIONS: Final = PlainFormat(parse_moderation)
