"""A reverse proxy that puts SSE comments between the router's events, as servers do to keep a quiet connection open."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

COMMENT = b": keep-alive\n\n"


@contextmanager
def commenting(url: str) -> Iterator[str]:
    """The proxy's address, in front of the router at `url`."""
    behind = urlsplit(url)

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sent = {name: self.headers[name] for name in ("authorization", "content-type", "user-agent")}
            connection = http.client.HTTPConnection(behind.hostname or "", behind.port, timeout=60)
            connection.request("POST", self.path, body, sent)
            answer = connection.getresponse()
            events = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for event in (COMMENT + COMMENT + events.replace(b"\n\n", b"\n\n" + COMMENT)).splitlines(keepends=True):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            """Silence: the tests say what they miss."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
