"""Content parts of the Responses format, put into the chat format's."""

from __future__ import annotations

from typing import Any, Final

from router.errors import BadRequest

# What each type of part cannot do without. Images are asked for by address, because no file of the app's is kept here.
_NEEDS: Final = {
    "input_text": "text",
    "input_image": "image_url, an address or a data URL; nothing is stored, so a file_id is not served",
    "input_file": "file_url, or file_data as a data URL, or the file_id of a file at Mistral",
    "input_audio": "input_audio.data, the sound in base64",
    "output_text": "text",
    "refusal": "refusal",
}
# OpenAI also knows `original`, which Mistral would refuse.
_DETAILS: Final = ("auto", "low", "high")


def chat_content(
    content: str | list[dict[str, Any]], place: str, dropped: list[str]
) -> str | list[str | dict[str, Any]]:
    """The content as the chat format has it: one text alone as a string, else a list of parts.

    Raises `BadRequest` with the place of the part that is not served (`unsupported_content`, `invalid_content`).
    """
    if isinstance(content, str):
        return content
    parts: list[str | dict[str, Any]] = []
    for index, raw in enumerate(content):
        parts.append(_part(raw, f"{place}[{index}]"))
        if raw.get("annotations") and "input.annotations" not in dropped:
            dropped.append("input.annotations")
    match parts:
        case [{"type": "text", "text": str(text)}]:
            return text
    return parts


def _part(raw: dict[str, Any], place: str) -> dict[str, Any]:
    match raw:
        case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "refusal", "refusal": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "input_image", "image_url": str(url)}:
            detail = raw.get("detail")
            return {
                "type": "image_url",
                "image_url": {"url": url, **({"detail": detail} if detail in _DETAILS else {})},
            }
        case {"type": "input_file", "file_url": str(url)}:
            return _document(url, raw)
        case {"type": "input_file", "file_data": str(data)} if data.startswith("data:"):
            return _document(data, raw)
        case {"type": "input_file", "file_id": str(file_id)}:
            return {"type": "file", "file_id": file_id}
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return {"type": "input_audio", "input_audio": data}
        case {"type": str(kind)} if kind in _NEEDS:
            text = f"Content part {place} is not valid: {kind} needs {_NEEDS[kind]}."
            raise BadRequest(text, code="invalid_content", param=place)
    raise BadRequest(
        f"Content part {place} has type {raw.get('type')!r}; the types served are {', '.join(_NEEDS)}.",
        code="unsupported_content",
        param=place,
    )


def _document(url: str, raw: dict[str, Any]) -> dict[str, Any]:
    name = raw.get("filename")
    return {"type": "document_url", "document_url": url, **({"document_name": name} if isinstance(name, str) else {})}
