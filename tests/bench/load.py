"""The bench's load: raw sockets, one process, figures as JSON on standard output.

Without a rate a number of connections is kept busy. With one, requests go out when they are due and latency counts from
then, so that a target that stalls does not slow its own measurement down. Every prompt differs, so none is remembered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import uvloop

from tests.bench.text import body_of

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"0\r\n\r\n"


class Broken(Exception):
    """The target did not answer 200."""


class Connection(asyncio.Protocol):
    """One request at a time. `sent_s` is when it was due."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.transport: asyncio.Transport
        self.buffer = b""
        self.sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def send(self, due_s: float) -> None:
        self.sent_s, self.buffer = due_s, b""
        self.transport.write(self.load.request())

    def data_received(self, data: bytes) -> None:
        if self.load.stream:
            # A mark that is cut in two would be missed, so its first part is kept.
            seen = self.buffer[-5:] + data
            self.load.chunks += seen.count(b"data: ") - self.buffer[-5:].count(b"data: ")
            if not self.buffer and not data.startswith(b"HTTP/1.1 200"):
                self.load.fail(data)
            self.buffer = (self.buffer + data)[-64:]
            if self.buffer.endswith(_END):
                self.load.done(self)
            return
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.load.fail(self.buffer)
        length = _LENGTH.search(head)
        if length is not None and len(body) >= int(length[1]):
            self.load.done(self)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.load.over:
            self.load.fail(b"the connection was closed")


class Load:
    def __init__(self, url: str, key: str, *, stream: bool, connections: int, rate: float) -> None:
        self.url = urlsplit(url)
        self.stream, self.rate, self.size = stream, rate, connections
        self.over = False
        self.count = self.chunks = self._number = 0
        self.latencies: list[float] = []
        self._idle: deque[Connection] = deque()
        self._late: deque[float] = deque()
        self._broken: asyncio.Future[None]
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {self.url.netloc}\r\nauthorization: Bearer {key}\r\n"
            "content-type: application/json\r\n"
        )
        self._head = head.encode()

    def request(self) -> bytes:
        self._number += 1
        body = body_of(self._number, stream=self.stream)
        return self._head + b"content-length: %d\r\n\r\n" % len(body) + body

    def fail(self, said: bytes) -> None:
        if not self._broken.done():
            self._broken.set_exception(Broken(said[:600].decode(errors="replace")))

    def done(self, connection: Connection) -> None:
        self.count += 1
        self.latencies.append(time.perf_counter() - connection.sent_s)
        if self.over:
            return
        if not self.rate:
            connection.send(time.perf_counter())
        elif self._late:
            connection.send(self._late.popleft())
        else:
            self._idle.append(connection)

    async def run(self, seconds: float) -> dict[str, float]:
        loop = asyncio.get_running_loop()
        self._broken = loop.create_future()
        made = [
            (await loop.create_connection(lambda: Connection(self), self.url.hostname, self.url.port))[1]
            for _ in range(self.size)
        ]
        began_s = time.perf_counter()
        if self.rate:
            self._idle.extend(made)
            sending = asyncio.ensure_future(self._send_at_rate(began_s, seconds))
        else:
            for connection in made:
                connection.send(began_s)
            sending = asyncio.ensure_future(asyncio.sleep(seconds))
        await asyncio.wait({sending, self._broken}, return_when=asyncio.FIRST_COMPLETED)
        took_s, self.over = time.perf_counter() - began_s, True
        for connection in made:
            connection.transport.abort()
        if self._broken.done():
            self._broken.result()
        ordered = sorted(self.latencies) or [0.0]
        return {
            "requests": self.count,
            "chunks": self.chunks,
            "seconds": took_s,
            "p50_ms": ordered[len(ordered) // 2] * 1e3,
            "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
        }

    async def _send_at_rate(self, began_s: float, seconds: float) -> None:
        for number in range(int(self.rate * seconds)):
            due_s = began_s + number / self.rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            if self._idle:
                self._idle.popleft().send(due_s)
            else:
                self._late.append(due_s)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--key", default="none")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--stream", action="store_true")
    given = parser.parse_args()
    load = Load(given.url, given.key, stream=given.stream, connections=given.connections, rate=given.rate)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load.run(given.seconds))))


if __name__ == "__main__":
    main()
