"""The formats that apps may speak: each reads its own requests, and says the answer in its own words.

Between them lies one form, OpenAI's chat completions as `answer.py` and `chunks.py` leave it: flat content beside
`reasoning_content`, whole tool calls with ids, the finish and the usage at the end.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from router.errors import RouterError
from router.wire.reading import Bounds
from router.wire.requests import AnyRequest


class Voice(Protocol):
    """How one request is answered. Made anew for each, because a stream has a state."""

    def whole(self, answer: dict[str, Any]) -> bytes:
        """The body of a plain answer; `answer` is a `chat.completion`, its usage with `cost`, perhaps with `router`."""

    def chunk(self, chunk: dict[str, Any]) -> bytes:
        """The frames that pass on a `chat.completion.chunk`; empty when there is nothing to say of it."""

    def end(self, chunks: list[dict[str, Any]]) -> bytes:
        """The frames that end a complete stream; `chunks` hold each choice's finish, the usage and `router`."""

    def broken(self, error: RouterError) -> bytes:
        """The frames that say a stream broke off."""


class Format(Protocol):
    """One format of request and answer. `flat` says that its voice always takes answers in the one form; otherwise they
    come in the dialect of the caller's SDK."""

    @property
    def flat(self) -> bool: ...

    def read(self, body: bytes, bounds: Bounds) -> tuple[AnyRequest, Voice]:
        """The request in `body` (JSON) and the voice to answer it with. Raises `BadRequest` with the place (in this
        format's own fields) and the remedy."""

    def refusal(self, error: RouterError, request_id: str, router: object = None) -> bytes:
        """The body of an error answer, with the `router` object where an explanation was asked for."""


def openai_refusal(error: dict[str, Any], router: object) -> bytes:
    """The body of an error answer in OpenAI's form; `router` stands where answers have it."""
    return msgspec.json.encode({"error": error} | ({"router": router} if router is not None else {}))
