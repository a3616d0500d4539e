"""The upstream's stream, cut at every byte: an app gets the whole answer, or an error. Never half an answer in silence.

Every shape of stream that Mistral sends is cut at each of its offsets, in each way a connection can end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.core.attempts import Outcome
from router.upstream.client import AttemptFailed
from router.upstream.relay import relay
from router.wire.chat import Dialect
from router.wire.chunks import Chunks
from tests.wire.streams import ROLE, SHAPES, USAGE, Chunk, Read, chunk

RECORDED = Path(__file__).parents[1] / "wire" / "recorded"
DONE = b"data: [DONE]\n\n"


def of_answer(index: int, made: Chunk) -> Chunk:
    made["choices"][0]["index"] = index
    return made


TWO_ANSWERS = [
    of_answer(0, chunk(ROLE)),
    of_answer(1, chunk(ROLE)),
    of_answer(0, chunk({"content": "Größe, "})),
    of_answer(1, chunk({"content": "東京"})),
    of_answer(0, chunk({"content": "façade"}, "stop")),
    of_answer(1, chunk({"content": " 🙂"}, "length", usage=USAGE)),
]


def on_the_wire(stream: list[Chunk]) -> bytes:
    frames = (b"data: " + json.dumps(one, ensure_ascii=False).encode() + b"\n\n" for one in stream)
    return b"".join(frames) + DONE


STREAMS: dict[str, bytes] = {
    **{title: on_the_wire(stream) for title, (stream, _) in SHAPES.items()},
    "two answers, letters of several bytes": on_the_wire(TWO_ANSWERS),
    "recorded, with padding": (RECORDED / "padded.sse").read_bytes(),
    "recorded, with thoughts": (RECORDED / "thinking.sse").read_bytes(),
}
# How a connection ends, and what the client then says of it; None for a proper end.
ENDS: dict[str, Outcome | None] = {
    "closed properly": None,
    "reset": Outcome.RESET,
    "silent until the time was over": Outcome.TIMED_OUT,
}


async def arriving(stream: bytes, end: Outcome | None) -> AsyncIterator[bytes]:
    yield stream
    if end is not None:
        raise AttemptFailed(end)


async def read(stream: bytes, end: Outcome | None, dialect: Dialect) -> tuple[Read, Outcome]:
    """What the app has in the end, and how the attempt ended."""
    chunks, app = Chunks(model="m", dialect=dialect), Read()
    try:
        async for made in relay(arriving(stream, end), chunks):
            app.add(made)
    except AttemptFailed as failure:
        return app, failure.outcome
    for made in chunks.last(usage=chunks.usage, router=None, apart=False):
        app.add(made)
    return app, Outcome.OK


async def cut_everywhere(stream: bytes, end: Outcome | None, dialect: Dialect) -> None:
    whole, outcome = await read(stream, None, dialect)
    assert outcome is Outcome.OK
    complete = 0
    for at in range(len(stream)):
        app, outcome = await read(stream[:at], end, dialect)
        if outcome is Outcome.OK:
            complete += 1
            assert vars(app) == vars(whole), f"cut at {at}, half an answer was passed off as whole"
        elif app.thought or app.calls or any(app.text.values()):
            assert outcome is Outcome.CUT, f"cut at {at}: content has gone out, so nobody may try again"
            assert not app.finishes, f"cut at {at}: an app would take the finish for the end"
            assert all(whole.text[index].startswith(text) for index, text in app.text.items())
        else:
            assert outcome is (end or Outcome.BAD_RESPONSE), f"cut at {at}: another model may still answer"
    assert complete <= len(DONE), "only what misses no more than its closing line is whole"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("title", STREAMS)
def test_a_stream_cut_at_any_byte_is_whole_or_an_error(title: str, dialect: Dialect, end: str) -> None:
    asyncio.run(cut_everywhere(STREAMS[title], ENDS[end], dialect))
