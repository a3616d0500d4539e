"""An upstream on a bare socket: it replays one recorded stream, up to a byte, and ends the connection as it is told."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
ABSENT = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
ENDS = ("politely", "without the last chunk", "with a reset")


class Replay(socketserver.ThreadingTCPServer):
    """Set `stream` to what is sent and `end` to one of `ENDS` before asking."""

    daemon_threads = True
    stream = b""
    end = ENDS[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Connection(socketserver.StreamRequestHandler):
    server: Replay

    def handle(self) -> None:
        asked = self.rfile.readline()
        length = 0
        while line := self.rfile.readline().strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.rfile.read(length)
        if not asked.startswith(b"POST"):
            self.wfile.write(ABSENT)
            return
        self.wfile.write(HEAD)
        if self.server.stream:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(self.server.stream), self.server.stream))
        if self.server.end == "politely":
            self.wfile.write(b"0\r\n\r\n")
        elif self.server.end == "with a reset":
            # A connection closed with no time to linger is reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


@contextmanager
def replaying() -> Iterator[Replay]:
    with Replay(("127.0.0.1", 0), _Connection) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
