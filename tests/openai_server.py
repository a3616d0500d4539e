"""A server of open-weight models for tests: strict about OpenAI's field names."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

KNOWN: Final = frozenset(
    {
        *("model", "messages", "max_tokens", "temperature", "top_p", "stop", "seed", "presence_penalty", "n", "tools"),
        *("frequency_penalty", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "stream"),
        *("stream_options",),
    }
)
USAGE: Final = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}


@dataclass
class OpenServer:
    """`seen` holds (headers, body) of every request; `status` other than 200 is answered with OpenAI's error form."""

    url: str
    seen: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    status: int = 200


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "open", "choices": [choice]}


def _handler(server: OpenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
            unknown = sorted(body.keys() - KNOWN)
            if unknown or server.status != 200:
                error = {"message": f"no {unknown}", "type": "invalid_request_error", "param": None, "code": None}
                self._answer(400 if unknown else server.status, json.dumps({"error": error}).encode())
            elif body.get("stream"):
                self._stream(bool((body.get("stream_options") or {}).get("include_usage")))
            else:
                message = {"role": "assistant", "content": "Open words.", "tool_calls": [], "reasoning_content": None}
                choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
                answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
                self._answer(200, json.dumps({**answer, "choices": [choice], "usage": USAGE}).encode())

        def _stream(self, with_usage: bool) -> None:
            chunks = [_chunk({"role": "assistant", "content": ""}), _chunk({"content": "Open "})]
            chunks += [_chunk({"content": "words."}), _chunk({"content": ""}, "stop")]
            if with_usage:
                chunks.append({**_chunk({}), "choices": [], "usage": USAGE})
            events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            self._answer(200, events.encode(), "text/event-stream")

        def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent: what was asked is in `seen`."""

    return Handler


@contextmanager
def open_server() -> Iterator[OpenServer]:
    """A running one, on a free port."""
    server = OpenServer(url="")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
