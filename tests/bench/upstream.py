"""The bench's upstream where there is no C compiler: the same answers from a bare ASGI function. Slower, so it weighs
more in what is measured."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import uvicorn

_SOURCE = (Path(__file__).parent / "upstream.c").read_text()


def _constant(name: str) -> bytes:
    """A text of upstream.c, so that both upstreams say the same."""
    found = re.search(rf"{name}\[\] =\n(.*?);\n", _SOURCE, re.DOTALL)
    assert found is not None, name
    text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[1]))
    return text.replace('\\"', '"').replace("\\n", "\n").encode()


ANSWER, EVENT, LAST = _constant("ANSWER"), _constant("EVENT"), _constant("LAST")
CHUNKS, EVERY_S = 100, 0.002


async def app(_: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if b'"stream":true' not in body:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for _ in range(CHUNKS - 1):
        await asyncio.sleep(EVERY_S)
        await send({"type": "http.response.body", "body": EVENT, "more_body": True})
    await send({"type": "http.response.body", "body": LAST})


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"UPSTREAM_URL=http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", loop="uvloop", lifespan="off", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
