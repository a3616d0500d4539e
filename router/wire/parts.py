"""Content parts: text, images, audio, documents, thinking, in both dialects; kept in Mistral's shape.

Source of the shapes: Mistral's OpenAPI file (components ContentChunk), seen 2026-08-21. OpenAI's are told apart by
form: `input_audio` is a string for Mistral and an object for OpenAI, `file` carries an id for the one, an object for
the other.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from router.errors import BadRequest

_TAGS: Final = ("text", "image_url", "document_url", "file", "input_audio", "reference", "thinking")


class ImageUrl(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    url: str
    detail: str | None = None


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


def parse_part(raw: dict[str, Any], place: str) -> Part:
    """One content part of either dialect in Mistral's shape; `place` is its path, for the error."""
    kind = raw.get("type")
    if kind == "refusal":  # OpenAI's assistant turns carry a refusal as a part of its own
        return TextPart(text=str(raw.get("refusal", "")))
    if kind == "input_audio" and isinstance(raw.get("input_audio"), dict):
        raw = {"type": kind, "input_audio": raw["input_audio"].get("data")}
    if kind == "file" and isinstance(raw.get("file"), dict):
        raw = {"type": kind, "file_id": raw["file"].get("file_id")}
    try:
        part: Part = msgspec.convert(raw, Part)
        return part
    except msgspec.ValidationError as error:
        if kind not in _TAGS:
            raise BadRequest(
                f"Content part {place} has type {kind!r}; the types served are {', '.join(_TAGS)}.",
                code="unsupported_content",
                param=place,
            ) from error
        what = str(error).partition(" - at")[0]
        raise BadRequest(f"Content part {place} is not valid: {what}.", code="invalid_content", param=place) from error
