"""How many tokens an image has: its size read from its first bytes, and the vendor's formula.

The formula is that of tokenizer generations v13 and v15, checked on seven recorded images of known size (2026).
"""

from __future__ import annotations

import base64
import re
from math import ceil
from typing import Final, Literal

# An image is scaled until its longer side fits, then cut into cells; seen on seven recorded images of known size.
IMAGE_SIDE_MAX: Final = 1_540
IMAGE_CELL: Final = 28
IMAGE_TOKENS_MAX: Final = 3_080
# How much of a file is read: most tell their size at once, a JPEG's may hide behind its metadata. Beyond that the image
# counts as one of unknown size.
_HEADS: Final = (768, 65_536)
_MARK: Final = ";base64,"
_MARK_WITHIN: Final = 256


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image of that size in pixels."""
    scale = max(width, height) / IMAGE_SIDE_MAX
    if scale > 1:
        width, height = max(round(width / scale), 1), max(round(height / scale), 1)
    return (ceil(width / IMAGE_CELL) + 1) * ceil(height / IMAGE_CELL)


def image_size(url: str) -> tuple[int, int] | None:
    """Width and height of the PNG, GIF, WebP or JPEG in a base64 data URL; None when it cannot be told."""
    start = url.find(_MARK, 0, _MARK_WITHIN) + len(_MARK)
    if not url.startswith("data:") or start < len(_MARK):
        return None
    for head in _HEADS:
        try:
            # Whole groups of four letters only, so that the beginning decodes alone.
            data = base64.b64decode(url[start : start + head // 3 * 4], validate=False)
        except ValueError:
            return None
        width, height = _size_in(data)
        if width > 0 and height > 0:
            return width, height
    return None


# The size's place in the first bytes of a file: pattern of two fields, byte order, bits that count, what is added.
_FORMATS: Final[tuple[tuple[re.Pattern[bytes], Literal["big", "little"], int, int], ...]] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n.{8}(.{4})(.{4})", re.DOTALL), "big", 0xFFFF_FFFF, 0),
    (re.compile(rb"GIF8..(..)(..)", re.DOTALL), "little", 0xFFFF, 0),
    (re.compile(rb"RIFF.{4}WEBPVP8 .{10}(..)(..)", re.DOTALL), "little", 0x3FFF, 0),
    (re.compile(rb"RIFF.{4}WEBPVP8X.{8}(...)(...)", re.DOTALL), "little", 0xFF_FFFF, 1),
)
_WEBP_LOSSLESS: Final = re.compile(rb"RIFF.{4}WEBPVP8L.{5}(.{4})", re.DOTALL)  # two fields of 14 bits


def _size_in(data: bytes) -> tuple[int, int]:
    """Width and height from a file's first bytes; zeros when they are not there."""
    for pattern, order, bits, more in _FORMATS:
        if found := pattern.match(data):
            width, height = (int.from_bytes(field, order) & bits for field in found.groups())
            return width + more, height + more
    if found := _WEBP_LOSSLESS.match(data):
        both = int.from_bytes(found[1], "little")
        return (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
    return _jpeg_size(data)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    position = 2
    while data[:2] == b"\xff\xd8" and position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        # The start-of-frame markers carry the size; three others share their range and do not.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = data[position + 5 : position + 7], data[position + 7 : position + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        position += 2 + max(int.from_bytes(data[position + 2 : position + 4], "big"), 2)
    return 0, 0
