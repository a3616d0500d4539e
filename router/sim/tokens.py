"""How many tokens a prompt has: the chat template of tokenizer generations v13 and v15, as reproduced from recorded
traffic.

It returns the tokens rather than their number, because the prefix cache compares them. Control tokens are negative.
The rules hold exactly for every recorded exchange whose text is known (2026-11); a schema counts as it was sent, so a
recorder that sorts its keys may change the count. Generations before v13 name the call in its result, and so count its
id twice; that is all that is told apart here, though v3 and v7 differ in more and had other vocabularies too.
"""

import base64
import binascii
import contextlib
import itertools
import json
import math
from collections.abc import Iterator
from typing import Any, Final

from router.sim.catalog import Tokenizer
from router.sim.vocabulary import Vocabulary

BOS, EOS, OPEN, CLOSE, IMAGE = -1, -2, -3, -4, -5

# Images are scaled to fit, then cut into cells: (ceil(w/28)+1) x ceil(h/28) tokens, seen on seven images of known size.
IMAGE_SIDE_MAX: Final = 1540
IMAGE_CELL: Final = 28
# An image behind a link is not fetched; it counts as the one most often recorded.
UNSEEN_IMAGE: Final = (400, 301)
# A document's text is unknown beforehand; one stands for a page of text.
DOCUMENT_TOKENS: Final = 400
AUDIO_TOKENS: Final = 375
# Their templates write the id of a call, before its arguments and before its result.
IDS_WRITTEN: Final = ("v3", "v7", "v11")

Chunk = dict[str, Any]


def chat_tokens(body: dict[str, Any], tokenizer: Tokenizer, words: Vocabulary) -> list[int]:
    """The prompt of a chat request as the model sees it. The body has passed validation."""
    tokens = [BOS]
    joiner = "" if tokenizer == "v15" else "\n\n"
    ids = tokenizer in IDS_WRITTEN
    preamble = _preamble(body, tokenizer, words)
    for role, messages in itertools.groupby(body["messages"], key=lambda message: message["role"]):
        match role:
            case "system":
                for message in messages:
                    tokens += _wrapped(_content_tokens([message.get("content")], joiner, words))
            case "user":
                tokens += preamble
                preamble = []
                tokens += _wrapped(_content_tokens([message.get("content") for message in messages], joiner, words))
            case "assistant":
                tokens += _assistant_tokens(list(messages), joiner, words, ids=ids)
            case _:
                for message in messages:
                    named = [OPEN, *words.encode(message.get("tool_call_id") or "")] if ids else []
                    tokens += named + _wrapped(_content_tokens([message.get("content")], joiner, words))
    return tokens + _forced_call(body, words)


def _preamble(body: dict[str, Any], tokenizer: Tokenizer, words: Vocabulary) -> list[int]:
    """What stands before the first user message: the tools, and on v15 the settings."""
    tokens: list[int] = []
    if tools := offered_tools(body):
        tokens += _wrapped(words.encode(json.dumps([_tool_text(tool) for tool in tools], ensure_ascii=False)))
    # With a JSON answer asked for, the settings block was left out in every recording.
    json_wanted = (body.get("response_format") or {}).get("type", "text") != "text"
    if tokenizer == "v15" and not json_wanted:
        settings = {"reasoning_effort": body.get("reasoning_effort") or "none"}
        tokens += _wrapped(words.encode(json.dumps(settings)))
    return tokens


def offered_tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """`tool_choice: none` leaves the tools out of the prompt (40 tokens instead of 159 in a recording)."""
    if body.get("tool_choice") == "none":
        return []
    return [tool for tool in body.get("tools") or [] if "function" in tool]


def _tool_text(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool["function"]
    return {
        "type": "function",
        "function": {
            "name": function["name"],
            "description": function.get("description") or "",
            "parameters": function["parameters"],
        },
    }


def _forced_call(body: dict[str, Any], words: Vocabulary) -> list[int]:
    match body.get("tool_choice"):
        case {"function": {"name": str(name)}}:
            return [OPEN, *words.encode(name), CLOSE]
        case _:
            return []


def _wrapped(tokens: list[int]) -> list[int]:
    return [OPEN, *tokens, CLOSE]


def _assistant_tokens(messages: list[dict[str, Any]], joiner: str, words: Vocabulary, *, ids: bool) -> list[int]:
    tokens = _content_tokens([message.get("content") for message in messages], joiner, words)
    for message in messages:
        for call in message.get("tool_calls") or []:
            function = call["function"]
            tokens += [OPEN, *words.encode(function["name"]), CLOSE]
            if ids:
                tokens += [OPEN, *words.encode(call.get("id") or "")]
            tokens += words.encode(_arguments_text(function["arguments"]))
    return tokens if any(message.get("prefix") for message in messages) else [*tokens, EOS]


def _arguments_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        if not arguments:
            return "{}"
        with contextlib.suppress(ValueError):
            arguments = json.loads(arguments)
    return json.dumps(arguments, ensure_ascii=False)


def _content_tokens(contents: list[str | list[Chunk] | None], joiner: str, words: Vocabulary) -> list[int]:
    """Neighbouring texts are one text: a blank line between messages, `joiner` between the chunks of one message."""
    tokens: list[int] = []
    text = ""
    for content in contents:
        glue = "\n\n"
        for chunk in _chunks(content):
            if chunk["type"] == "text":
                if chunk["text"]:
                    text = f"{text}{glue}{chunk['text']}" if text else chunk["text"]
                    glue = joiner
                continue
            tokens += words.encode(text)
            text = ""
            tokens += _other_chunk(chunk, words)
    return tokens + words.encode(text)


def _chunks(content: str | list[Chunk] | None) -> Iterator[Chunk]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
        return
    for chunk in content or []:
        yield {"type": chunk.get("type") or kind_of(chunk), **chunk}


def kind_of(chunk: Chunk) -> str:
    """`type` has a default in every chunk of the specification, so the kind follows from the field that is there."""
    return next((kind for kind in ("image_url", "document_url", "thinking", "input_audio") if kind in chunk), "text")


def _other_chunk(chunk: Chunk, words: Vocabulary) -> list[int]:
    match chunk["type"]:
        case "image_url":
            url = chunk["image_url"]
            width, height = image_size(url if isinstance(url, str) else url["url"])
            return [IMAGE] * image_tokens(width, height)
        case "thinking":
            # The parts of a thought are encoded one by one (three of them, recorded 2025-09).
            thought = [token for part in chunk["thinking"] for token in words.encode(part.get("text", ""))]
            return _wrapped(thought) if chunk.get("closed", True) else [OPEN, *thought]
        case "document_url" | "file":
            return [IMAGE] * DOCUMENT_TOKENS
        case "input_audio":
            return [IMAGE] * AUDIO_TOKENS
        case _:
            return []


def image_tokens(width: int, height: int) -> int:
    scale = max(width, height) / IMAGE_SIDE_MAX
    if scale > 1:
        width, height = round(width / scale), round(height / scale)
    return (math.ceil(width / IMAGE_CELL) + 1) * math.ceil(height / IMAGE_CELL)


def image_size(url: str) -> tuple[int, int]:
    """Width and height of a PNG, GIF or JPEG in a data URL."""
    if not url.startswith("data:"):
        return UNSEEN_IMAGE
    try:
        data = base64.b64decode(url.partition(",")[2])
    except (binascii.Error, ValueError):
        return UNSEEN_IMAGE
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[:4] == b"GIF8" and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    return _jpeg_size(data) or UNSEEN_IMAGE


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while data[:2] == b"\xff\xd8" and position + 9 < len(data):
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        # The start-of-frame markers carry the size; three others share their range and do not.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[position + 5 : position + 7], "big")
            return int.from_bytes(data[position + 7 : position + 9], "big"), height
        position += 2 + max(length, 2)
    return None
