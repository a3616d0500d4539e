"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from router.api.edge import Handler, Receive, Scope, Send, answer, hung_up, read_json, refuse, start
from router.collecting import Collection
from router.core.journey import Journey, told_headers
from router.errors import RouterError
from router.pipeline import CHAT, Line
from router.serving import Streamed, Whole
from router.settings import Edge
from router.wire.headers import read_headers


def chat(line: Line, collection: Collection, edge: Edge) -> Handler:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), CHAT)
        with line.recorder.metrics.child("router_requests_in_flight").track_inprogress():
            try:
                await line.authenticate(journey)  # before the body: who has no key sends us nothing
                body = await read_json(scope, receive, edge)
            except RouterError as error:
                line.refused(journey, error)
                await refuse(send, error, told_headers(journey, line.recorder.clock()))
                return
            collected = await collection.collect(journey, body)
            if collected is None:
                await _serve(journey, body, receive, send)
            else:
                whole, paid_by = collected
                line.collected(journey)
                headers = {**told_headers(journey, line.recorder.clock()), "x-router-cache": f"collected {paid_by}"}
                await answer(send, 200, whole.body, headers)

    async def _serve(journey: Journey, body: bytes, receive: Receive, send: Send) -> None:
        """Serve, and watch whether the app stays: a stream ends with it, a plain call runs on, for it is paid for."""
        watch = asyncio.ensure_future(hung_up(receive))
        work = asyncio.ensure_future(_work(line, journey, body, send, watch))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and journey.request is not None:
                if journey.request.stream:
                    work.cancel()  # closes the upstream's connection, which ends the generation
                    await asyncio.wait({work})
                else:
                    arrived = collection.leave(journey, body)
                    await asyncio.wait({work})
                    arrived(work.result() if not work.cancelled() and work.exception() is None else None)
            await asyncio.wait({work})
        finally:
            watch.cancel()
            work.cancel()
        if not work.cancelled():
            work.result()

    return handle


async def _work(line: Line, journey: Journey, body: bytes, send: Send, left: asyncio.Future[None]) -> Whole | None:
    """Down the line and back to the app. A plain answer is returned as well, in case the app has left."""
    clock = line.recorder.clock
    try:
        reply = await line.chat(journey, body)
    except RouterError as error:
        await refuse(send, error, told_headers(journey, clock()))
        return None
    match reply:
        case Whole(body=whole):
            await answer(send, 200, whole, told_headers(journey, clock()))
            return reply
        case Streamed(frames=frames):
            async with aclosing(frames):
                first = await anext(frames)
                if not left.done():
                    await _stream(first, frames, told_headers(journey, clock(), streaming=True), send)
            return None


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
