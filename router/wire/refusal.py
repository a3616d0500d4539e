"""How an upstream says no. Four shapes of body, and often none that is JSON at all.

A  {"object": "error", "message": <string or object>, "type", "param", "code", "raw_status_code"}   the API itself
B  {"detail": <string or list>}                                                                     its framework
C  {"message": …, "request_id": …}                                                                  its gateway
D  {"error": {"message", "type", "param", "code"}} or {"error": <string>}         other servers, in OpenAI's form
Recorded 2025 to 2026; 5xx often carry HTML or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_decode = msgspec.json.Decoder()
_OVERFLOW: Final = re.compile(r"prompt contains (\d+) tokens.*?(\d+) maximum context", re.IGNORECASE | re.DOTALL)
_LIMITS: Final = ("x-ratelimit-limit-req-minute", "x-ratelimit-limit-tokens-minute")
_MESSAGE_MAX: Final = 300


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """`message` is safe to show. `window` is the model's real context when the refusal told it. `never` marks a limit
    of zero: the model is not on the plan, and no waiting helps."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    window: int | None = None
    never: bool = False


def read_refusal(body: bytes, headers: Mapping[str, str]) -> Refusal:
    """What the upstream said, whatever shape it came in."""
    try:
        said: Any = _decode.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = None
    if isinstance(said, dict) and "error" in said:  # OpenAI's form, as vLLM and Ollama answer
        said = said["error"] if isinstance(said["error"], dict) else {"message": said["error"]}
    if not isinstance(said, dict):
        return Refusal(message="The upstream answered without an explanation.", never=_never(headers))
    message, param = _message(said.get("message", said.get("detail")))
    overflow = _OVERFLOW.search(message)
    return Refusal(
        message=_shown(message),
        type=_text(said.get("type")),
        code=_text(said.get("code")),
        param=_text(said.get("param")) or param,
        window=int(overflow[2]) if overflow else None,
        never=_never(headers),
    )


def _message(said: Any) -> tuple[str, str | None]:
    """The text, and the place it is about when it is a list of findings."""
    if isinstance(said, dict):
        return _message(said.get("detail", said.get("message")))
    if isinstance(said, list) and said and isinstance(said[0], dict):
        first = said[0]
        loc = first.get("loc")
        place = ".".join(str(step) for step in loc if step != "body") if isinstance(loc, list) else ""
        return f"{first.get('msg', 'not valid')}{f' at {place}' if place else ''}", place or None
    return (said if isinstance(said, str) else "no reason given"), None


def _never(headers: Mapping[str, str]) -> bool:
    return any(headers.get(name, "").strip() == "0" for name in _LIMITS)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) else None


_SECRET: Final = re.compile(r"(?i)(bearer\s+\S+|sk-[\w-]{8,}|[A-Za-z0-9+/_-]{32,}|https?://\S+)")


def _shown(message: str) -> str:
    """At most 300 characters, one line, without anything that could be a key or an address."""
    line = "".join(letter if letter.isprintable() else " " for letter in _SECRET.sub("…", message))
    return line[:_MESSAGE_MAX]
