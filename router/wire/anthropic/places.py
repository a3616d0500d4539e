"""Places and words of the chat format told in Anthropic's: the rules are shared, the fields that they name are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from router.errors import BadRequest

_MESSAGE: Final = re.compile(r"messages\[(\d+)\](.*)\Z", re.DOTALL)
_HEAD: Final = re.compile(r"(?:messages|tools)\[\d+\]|response_format|tool_choice")
_REST: Final = r"(?:\.\w+|\[\d+\])*(?:/[^\s:]*)?"
_FIELDS: Final = (
    (re.compile(r"(tools\[\d+\])\.function\.parameters"), r"\1.input_schema"),
    (re.compile(r"(tools\[\d+\])\.function"), r"\1"),
    (re.compile(r"tool_choice\.function"), "tool_choice"),
)
_FORMAT: Final = re.compile(r"response_format(\.json_schema)?")
# What the shared rules and remedies call things, and what Anthropic's clients know them as.
_WORDS: Final = (
    ("or an assistant turn with prefix: true", "or an assistant turn that the answer goes on with"),
    ("without tool_call_id", "without tool_use_id"),
    ("needs one tool message", "needs one tool_result block in the next user turn"),
    ("leave out the assistant prefix", "let the last message be the user's"),
    ("leave out reasoning_effort", "leave out thinking and output_config.effort"),
    ("leave out response_format", "leave out output_config.format"),
)


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where in Anthropic's request a chat message comes from: the turn (or block), and its content."""

    turn: str
    content: str


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """`form` is the field that asked for a form of the answer."""

    origins: Sequence[Origin]
    form: str

    def told(self, place: str) -> str:
        """That place of the chat request as a place of Anthropic's."""
        if (found := _MESSAGE.match(place)) and int(found[1]) < len(self.origins):
            return _inside(self.origins[int(found[1])], found[2])
        for pattern, here in _FIELDS:
            place = pattern.sub(here, place, count=1)
        return _FORMAT.sub(self.form, place, count=1)

    def translated(self, error: BadRequest) -> BadRequest:
        """The same error about Anthropic's request."""
        message, param = error.message, error.param
        if param and (head := _HEAD.match(param)):
            # Only places that begin as the named one does: a quoted part of the request stays as the app wrote it.
            message = re.sub(re.escape(head[0]) + _REST, lambda found: self.told(found[0]), message)
            param = self.told(param)
        return BadRequest(said(message), code=error.code, param=param, extra=error.extra)


def said(message: str) -> str:
    """A message for someone who speaks Anthropic's format."""
    for ours, theirs in _WORDS:
        message = message.replace(ours, theirs)
    return message


def _inside(origin: Origin, rest: str) -> str:
    match rest.lstrip(".").partition(".")[0].partition("[")[0]:
        case "content" | "tool_calls" | "reasoning_content":
            return origin.content
        case "tool_call_id":
            return f"{origin.turn}.tool_use_id"
        case "role" if origin.turn.endswith("]"):
            return f"{origin.turn}.role"
    return origin.turn
