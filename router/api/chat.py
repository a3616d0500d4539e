"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from router.api.edge import Handler, Receive, Scope, Send, answer, hung_up, read_json, refuse, start
from router.core.journey import Journey, told_headers
from router.errors import RouterError
from router.pipeline import CHAT, Line
from router.serving import Streamed, Whole
from router.settings import Edge
from router.wire.headers import read_headers


def chat(line: Line, edge: Edge) -> Handler:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), CHAT)
        with line.recorder.metrics.child("router_requests_in_flight").track_inprogress():
            await _serve(journey, scope, receive, send)

    async def _serve(journey: Journey, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await line.authenticate(journey)  # before the body: who has no key sends us nothing
            body = await read_json(scope, receive, edge)
        except RouterError as error:
            line.refused(journey, error)
            await refuse(send, error, told_headers(journey, line.recorder.clock()))
            return
        watch = asyncio.ensure_future(hung_up(receive))
        work = asyncio.ensure_future(_work(line, journey, body, send, watch))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and journey.request is not None and journey.request.stream:
                work.cancel()  # closes the upstream's connection, which ends the generation
            # A plain call runs on: its answer is paid for either way.
            await asyncio.wait({work})
        finally:
            watch.cancel()
            if not work.done():
                work.cancel()
        if not work.cancelled():
            work.result()

    return handle


async def _work(line: Line, journey: Journey, body: bytes, send: Send, left: asyncio.Future[None]) -> None:
    clock = line.recorder.clock
    try:
        reply = await line.chat(journey, body)
    except RouterError as error:
        await refuse(send, error, told_headers(journey, clock()))
        return
    match reply:
        case Whole(body=whole):
            await answer(send, 200, whole, told_headers(journey, clock()))
        case Streamed(frames=frames):
            async with aclosing(frames):
                first = await anext(frames)
                if not left.done():
                    await _stream(first, frames, told_headers(journey, clock(), streaming=True), send)


async def _stream(first: bytes, frames: AsyncGenerator[bytes, None], headers: dict[str, str], send: Send) -> None:
    """Frames as they come. A stream that broke is left without its end: the server then cuts the connection, because
    most SDKs take a clean end for success."""
    fixed = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
    await start(send, 200, {**fixed, **headers})
    await send({"type": "http.response.body", "body": first, "more_body": True})
    try:
        async for piece in frames:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except RouterError:
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})
