"""Content blocks: which are served where, and what each becomes as a part of a chat message.

A block that Anthropic's own servers would fill (their tools' calls and results, uploaded files) is refused, because the
conversation would lose its meaning without it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

from router.errors import BadRequest
from router.wire.anthropic.fields import drop, take

# Every thinking block of ours carries it: Anthropic's types want a signature, and some clients give a block back only
# when there is one. Nothing is proved by it.
SIGNATURE: Final = "mistral-router"
# How a failed tool is told to a model whose format has no field for it.
FAILED: Final = "Error:"

Parts: TypeAlias = list[str | dict[str, Any]]


class Text(msgspec.Struct, kw_only=True):
    text: str


class Image(msgspec.Struct, kw_only=True):
    source: dict[str, Any]


class Document(msgspec.Struct, kw_only=True):
    source: dict[str, Any]
    title: str | None = None
    context: str | None = None


class SearchResult(msgspec.Struct, kw_only=True):
    source: str
    title: str
    content: list[dict[str, Any]]


class ToolUse(msgspec.Struct, kw_only=True):
    id: str
    name: str
    input: dict[str, Any]


class ToolResult(msgspec.Struct, kw_only=True):
    tool_use_id: str
    content: str | list[dict[str, Any]] | None = None
    is_error: bool | None = None


class Thinking(msgspec.Struct, kw_only=True):
    thinking: str
    signature: str | None = None


class RedactedThinking(msgspec.Struct, kw_only=True):
    data: str


class Source(msgspec.Struct, kw_only=True):
    """Where an image or a document comes from; `type` is base64, url, text, content or file."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: str | list[dict[str, Any]] | None = None
    file_id: str | None = None


Block = Text | Image | Document | SearchResult | ToolUse | ToolResult | Thinking | RedactedThinking
Served: TypeAlias = dict[str, type[Block]]

SYSTEM: Final[Served] = {"text": Text}
INSIDE: Final[Served] = {"text": Text, "image": Image}
RESULT: Final[Served] = {**INSIDE, "document": Document, "search_result": SearchResult}
USER: Final[Served] = {**RESULT, "tool_result": ToolResult}
ASSISTANT: Final[Served] = {
    "text": Text,
    "thinking": Thinking,
    "redacted_thinking": RedactedThinking,
    "tool_use": ToolUse,
}


def read_block(raw: dict[str, Any], place: str, served: Served, dropped: list[str]) -> Block:
    """The block at `place`. Raises `BadRequest`: `unsupported_content` when its type is not served there."""
    kind = raw.get("type")
    known = served.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise BadRequest(
            f"The block {place} has type {kind!r}; the types served there are {', '.join(served)}.",
            code="unsupported_content",
            param=f"{place}.type",
        )
    return take(known, raw, place, dropped, named="system" if served is SYSTEM else "messages.content")


def parts_of(block: Block, place: str, dropped: list[str]) -> Parts:
    """The content parts of a chat message that say the same. None for what says nothing, and for calls and results,
    which are no content there."""
    match block:
        case Text(text=text):
            return _text(text)
        case Image(source=source):
            return [_image(_source(source, place, dropped), place)]
        case Document():
            return _document(block, place, dropped)
        case SearchResult(source=source, title=title, content=content):
            return [*_text(f"{title}\n{source}"), *_all(content, f"{place}.content", SYSTEM, dropped)]
        case Thinking(thinking=thinking, signature=signature):
            if signature not in (None, "", SIGNATURE):
                drop(dropped, "messages.content.signature")
            thought = {"type": "thinking", "thinking": _text(thinking), "closed": True}
            return [thought] if thinking else []
        case RedactedThinking():
            drop(dropped, "messages.content.redacted_thinking")
            return []
        case ToolUse() | ToolResult():
            return []


def result_of(block: ToolResult, place: str, dropped: list[str]) -> str | Parts:
    """What a tool returned; a failure begins with "Error:", because the chat format has no field for it."""
    said = _all(block.content, f"{place}.content", RESULT, dropped)
    return plain([*_text(FAILED), *said] if block.is_error else said) or ""


def plain(parts: Parts) -> str | Parts | None:
    """One text as a string, which every model takes; nothing as None."""
    match parts:
        case []:
            return None
        case [{"type": "text", "text": str(text)}]:
            return text
    return parts


def _all(content: str | list[dict[str, Any]] | None, place: str, served: Served, dropped: list[str]) -> Parts:
    if not isinstance(content, list):
        return _text(content or "")
    parts: Parts = []
    for index, raw in enumerate(content):
        at = f"{place}[{index}]"
        parts += parts_of(read_block(raw, at, served, dropped), at, dropped)
    return parts


def _text(text: str) -> Parts:
    return [{"type": "text", "text": text}] if text else []


def _source(raw: dict[str, Any], place: str, dropped: list[str]) -> Source:
    source = take(Source, raw, f"{place}.source", dropped, named="messages.content.source")
    if source.type == "file":
        raise BadRequest(
            f"{place}.source is a file stored at Anthropic; send its content as base64 or its address as url.",
            code="unsupported_content",
            param=f"{place}.source",
        )
    return source


def _image(source: Source, place: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": _address(source, place, "base64 with media_type and data, or url")}


def _document(block: Document, place: str, dropped: list[str]) -> Parts:
    source = _source(block.source, place, dropped)
    match source:
        case Source(type="text", data=str(text)):
            return _text("\n\n".join(said for said in (block.title, block.context, text) if said))
        case Source(type="content", content=content) if content is not None:
            head = _text("\n\n".join(said for said in (block.title, block.context) if said))
            return [*head, *_all(content, f"{place}.source.content", INSIDE, dropped)]
    named = {"document_name": block.title} if block.title else {}
    url = _address(source, place, "base64 with media_type and data, url, text with data, or content")
    return [*_text(block.context or ""), {"type": "document_url", "document_url": url, **named}]


def _address(source: Source, place: str, forms: str) -> str:
    match source:
        case Source(type="base64", media_type=str(media_type), data=str(data)):
            return f"data:{media_type};base64,{data}"
        case Source(type="url", url=str(url)):
            return url
    raise BadRequest(f"{place}.source must be {forms}.", code="invalid_content", param=f"{place}.source")
