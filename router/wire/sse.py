"""Server-sent events, read as they come: bytes in any pieces, whole events out.

The line rules are WHATWG's: lines end in CR, LF or CRLF; `data:` lines of one event are joined by LF; comments and
other fields are passed over. What has no blank line behind it is not an event yet, and never becomes one by the
stream's end.
"""

from __future__ import annotations

from typing import Final

DONE: Final = b"[DONE]"
# A single event beyond this is no chat chunk; holding it would let one stream eat the memory.
EVENT_BYTES_MAX: Final = 8 * 1024 * 1024


class EventTooLarge(Exception):
    """An event grew beyond `EVENT_BYTES_MAX` without an end."""


class EventParser:
    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of every event that `piece` completes. Raises EventTooLarge."""
        if self._after_cr and piece.startswith(b"\n"):  # the second half of a CRLF that was cut in two
            piece = piece[1:]
            self._after_cr = False
        if piece:
            self._after_cr = piece.endswith(b"\r")
        text = self._rest + piece
        lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        events = [event for line in lines if (event := self._line(line)) is not None]
        if self._size + len(self._rest) > EVENT_BYTES_MAX:
            raise EventTooLarge
        return events

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            event = b"\n".join(self._data) if self._data else None
            self._data.clear()
            self._size = 0
            return event
        if line.startswith(b"data:"):
            value = line[5:]
            self._data.append(value[1:] if value.startswith(b" ") else value)
            self._size += len(line)
        return None


def frame(data: bytes) -> bytes:
    """One event as it is sent."""
    return b"data: " + data + b"\n\n"
