"""A stream on its way down: events out of bytes, chunks out of events, and how the stream ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from router.core.attempts import Outcome
from router.upstream.client import AttemptFailed
from router.wire.chunks import Chunks
from router.wire.sse import DONE, EventParser, EventTooLarge


async def relay(pieces: AsyncIterator[bytes], chunks: Chunks) -> AsyncIterator[dict[str, Any]]:
    """The chunks to pass on, as they come. Ends when the upstream's stream is complete, with `chunks` holding the
    finish and the usage.

    Raises AttemptFailed when it is not: CUT after content has been seen, else what a new attempt can be made of. A
    stream is complete when every answer in it has finished and `[DONE]` or the usage has come, however its connection
    ends; any other is not, however quietly it ends.
    """
    parser, done = EventParser(), False
    try:
        async for piece in pieces:
            for data in parser.feed(piece):
                if done := data == DONE:
                    break
                chunk = chunks.feed(data)
                if chunk is not None:
                    yield chunk
            if done:
                break
    except AttemptFailed as failure:
        if not chunks.complete:
            raise AttemptFailed(Outcome.CUT if chunks.has_content else failure.outcome) from failure
    except (ValueError, EventTooLarge) as error:
        raise AttemptFailed(Outcome.CUT if chunks.has_content else Outcome.BAD_RESPONSE) from error
    _check_end(chunks, done)


def _check_end(chunks: Chunks, done: bool) -> None:
    if chunks.in_error:
        raise AttemptFailed(Outcome.CUT if chunks.has_content else Outcome.FINISHED_IN_ERROR)
    if not (chunks.finished if done else chunks.complete):
        raise AttemptFailed(Outcome.CUT if chunks.has_content else Outcome.BAD_RESPONSE)
