"""Content parts: text, images, audio, documents, thinking, in both dialects; kept in Mistral's shape.

Source of the shapes: Mistral's OpenAPI file (components ContentChunk), seen 2026-08-21. OpenAI's are told apart by
form: `input_audio` is a string for Mistral and an object for OpenAI, `file` carries an id for the one, an object for
the other.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from router.errors import BadRequest

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_TAGS: Final = ("text", "image_url", "document_url", "file", "input_audio", "reference", "thinking")


class ImageUrl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    url: str
    detail: Literal["low", "auto", "high"] | None = None


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    text: str


class ImagePart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="image_url"):
    image_url: str | ImageUrl

    @property
    def url(self) -> str:
        return self.image_url if isinstance(self.image_url, str) else self.image_url.url


class DocumentPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="document_url"):
    document_url: str
    document_name: str | None = None


class FilePart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="file"):
    file_id: str


class AudioPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="input_audio"):
    input_audio: str


class ReferencePart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reference"):
    reference_ids: list[int]


class ThinkingPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="thinking"):
    thinking: list[TextPart]
    closed: bool | None = None
    signature: str | None = None


Part = TextPart | ImagePart | DocumentPart | FilePart | AudioPart | ReferencePart | ThinkingPart


# Which parts a turn may hold: mistral-common 1.13.1, and for the parts it does not know the OpenAPI file.
_MEDIA: Final = (TextPart, ImagePart, DocumentPart, FilePart, AudioPart, ReferencePart)
_ALLOWED: Final[dict[str, tuple[type[Part], ...]]] = {
    "system": (TextPart,),
    "user": _MEDIA,
    "assistant": (TextPart, ThinkingPart, ReferencePart),
    "tool": _MEDIA,
}


def read_content(raw: str | list[str | dict[str, Any]] | None, role: str, place: str) -> str | list[Part] | None:
    """The content of a turn of `role` (system, user, assistant, tool); `place` is the turn's path, for errors."""
    if not isinstance(raw, list):
        return raw
    parts: list[Part] = []
    for index, given in enumerate(raw):
        where = f"{place}.content[{index}]"
        part = TextPart(text=given) if isinstance(given, str) else parse_part(given, where)
        if role == "system" and isinstance(part, ThinkingPart):
            # The system prompt documented for Magistral shows the form of a thought; its words are kept.
            parts += part.thinking
            continue
        if not isinstance(part, _ALLOWED[role]):
            raise BadRequest(
                f"Content part {where} has type {part.__struct_config__.tag!r}, which no {role} message may hold.",
                code="invalid_content",
                param=where,
            )
        parts.append(part)
    return parts


def joined(parts: list[Part]) -> str:
    """The text among the parts, a line for each."""
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))


def parse_part(raw: dict[str, Any], place: str) -> Part:
    """One content part of either dialect in Mistral's shape; `place` is its path, for the error."""
    kind = raw.get("type")
    if kind == "refusal":  # OpenAI's assistant turns carry a refusal as a part of its own
        return TextPart(text=str(raw.get("refusal", "")))
    raw = _translated(raw)
    try:
        part: Part = msgspec.convert(raw, Part)
    except msgspec.ValidationError as error:
        if kind not in _TAGS:
            raise BadRequest(
                f"Content part {place} has type {kind!r}; the types served are {', '.join(_TAGS)}.",
                code="unsupported_content",
                param=place,
            ) from error
        what = str(error).partition(" - at")[0]
        raise BadRequest(f"Content part {place} is not valid: {what}.", code="invalid_content", param=place) from error
    if isinstance(part, FilePart) and not _UUID.match(part.file_id):
        raise BadRequest(
            f"Content part {place} needs the id of a file at Mistral, a UUID; a document sent along is a document_url.",
            code="invalid_content",
            param=place,
        )
    return part


def _translated(raw: dict[str, Any]) -> dict[str, Any]:
    """The part with what OpenAI writes otherwise, or Mistral's answers hold and its models do not read, put right."""
    match raw:
        case {"type": "input_audio", "input_audio": dict(audio)}:
            return {"type": "input_audio", "input_audio": audio.get("data")}
        case {"type": "file", "file": dict(file)}:
            return {"type": "file", "file_id": file.get("file_id") or ""}
        case {"type": "image_url", "image_url": {"detail": "original", **image}}:  # OpenAI's word for the finest
            return {"type": "image_url", "image_url": {**image, "detail": "high"}}
        case {"type": "thinking", "thinking": list(pieces)}:  # references inside a thought hold no words
            words = [
                piece
                for piece in pieces
                if not (isinstance(piece, dict) and str(piece.get("type")).endswith("reference"))
            ]
            return {**raw, "thinking": words}
    return raw
