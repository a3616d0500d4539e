"""The endpoints that are served upstream: chat completions and its kin, in every format that apps may speak."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final

from router.api.edge import Handler, Receive, Scope, Send, answer, hung_up, read_json, refuse, start
from router.collecting import Collection
from router.core.journey import Journey, told_headers
from router.errors import RouterError
from router.pipeline import Line
from router.serving import STREAM_S_MAX, Streamed, Whole
from router.settings import Edge
from router.telling import explained
from router.wire.headers import read_headers

KEEP_ALIVE: Final = b": keep-alive\n\n"


class Works:
    """The requests under way, so that a stop can wait for what they still have to hand over."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Whole | None]] = set()

    def start(self, work: Coroutine[None, None, Whole | None]) -> asyncio.Task[Whole | None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def ended(self, timeout_s: float) -> None:
        """Wait until none is left, or the time is over."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)


def call(endpoint: str, line: Line, collection: Collection, works: Works, edge: Edge) -> Handler:
    """The handler of one endpoint of pipeline.CALLS."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        journey = line.begin(read_headers(scope["headers"]), endpoint)
        with line.recorder.metrics.child("router_requests_in_flight").track_inprogress():
            try:
                await line.authenticate(journey)  # before the body: who has no key sends us nothing
                body = await read_json(scope, receive, edge)
            except RouterError as error:
                line.refused(journey, error)
                await _refuse(send, error, journey, line.recorder.clock())
                return
            watch = asyncio.ensure_future(hung_up(receive))
            try:
                if not await _collect(journey, body, watch, send):
                    await _serve(journey, body, watch, send)
            finally:
                watch.cancel()

    async def _collect(journey: Journey, body: bytes, watch: asyncio.Future[None], send: Send) -> bool:
        """Answer a retry with what its first try left. False when nothing was left."""
        asking = asyncio.ensure_future(collection.collect(journey, body))
        await _either(asking, watch)
        if not asking.done():
            asking.cancel()
            await asyncio.wait({asking})
            return True  # this app has left too; the answer waits for the next retry
        collected = asking.result()
        if collected is None:
            return False
        line.collected(journey)
        headers = told_headers(journey, line.recorder.clock())
        await answer(send, 200, collected.whole.body, {**headers, "x-router-cache": f"collected {collected.paid_by}"})
        collected.taken(not watch.done())
        return True

    async def _serve(journey: Journey, body: bytes, watch: asyncio.Future[None], send: Send) -> None:
        """Serve, and watch whether the app stays: a stream ends with it, a plain call runs on, for it is paid for."""
        work = works.start(_work(line, journey, body, send, watch))
        try:
            await _either(work, watch)
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
            work.cancel()
        if not work.cancelled():
            work.result()

    return handle


async def _either(*awaited: asyncio.Future[Any]) -> None:
    """Wait until one of them is done."""
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)


async def _work(line: Line, journey: Journey, body: bytes, send: Send, left: asyncio.Future[None]) -> Whole | None:
    """Down the line and back to the app. A plain answer is returned as well, in case the app has left."""
    clock, keep_alive_s = line.recorder.clock, line.serving.attempting.timing.keep_alive
    try:
        reply = await line.serve(journey, body)
    except RouterError as error:
        await _refuse(send, error, journey, clock())
        return None
    match reply:
        case Whole(body=whole):
            await answer(send, 200, whole, told_headers(journey, clock()))
            return reply
        case Streamed(frames=frames):
            async with aclosing(frames):
                first = await anext(frames)
                if not left.done():
                    with contextlib.suppress(TimeoutError):  # an app that does not read must not keep it open for ever
                        async with asyncio.timeout(STREAM_S_MAX):
                            headers = told_headers(journey, clock(), streaming=True)
                            await _stream(first, frames, headers, _Pulse(send, keep_alive_s), send)
            return None


class _Pulse:
    """Sends frames, and a comment when there was none for a while: apps and proxies cut connections that seem dead,
    and a model may think for minutes. Every SDK tried passes over comments (recorded 2026-11)."""

    def __init__(self, send: Send, every_s: float) -> None:
        self._send = send
        self._every_s = every_s
        self._silent = False

    async def send(self, piece: bytes) -> None:
        self._silent = False
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def beat(self) -> None:
        while True:
            self._silent = True
            await asyncio.sleep(self._every_s)
            if self._silent:
                await self.send(KEEP_ALIVE)


async def _refuse(send: Send, error: RouterError, journey: Journey, now_s: float) -> None:
    told = explained(journey, refused=True) if journey.wanted.explain else None
    body = journey.format.refusal(error, journey.request_id, told)
    await refuse(send, error, told_headers(journey, now_s), body)


async def _stream(
    first: bytes, frames: AsyncGenerator[bytes, None], headers: dict[str, str], pulse: _Pulse, send: Send
) -> None:
    """Frames as they come. A stream that broke is left without its end: the server then cuts the connection, because
    most SDKs take a clean end for success."""
    fixed = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
    await start(send, 200, {**fixed, **headers})
    beating = asyncio.ensure_future(pulse.beat())
    try:
        await pulse.send(first)
        async for piece in frames:
            await pulse.send(piece)
    except RouterError:
        return
    finally:
        beating.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
