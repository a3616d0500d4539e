"""Rows and details, packed small: deflated against a dictionary of what they usually say.

A dictionary is a file of the package, made by tools/make_record_dictionaries.py. Whatever was packed names the version
of the dictionary that it needs in its first byte; so a new version is a new file, and the older ones stay as long as
stores hold what was packed by them.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Final, Literal

FOLDER: Final = Path(__file__).parents[1] / "data" / "records"
VERSION: Final = 1
# By kind: the window (a power of two, at least the dictionary's length) and the level. More level finds little more in
# texts this short, and costs every request time.
_SHAPES: Final = {"row": (12, 6), "details": (15, 3)}

Kind = Literal["row", "details"]


class Unreadable(ValueError):
    """Packed by a newer router, or damaged."""


def pack(kind: Kind, data: bytes) -> bytes:
    window, level = _SHAPES[kind]
    compressor = zlib.compressobj(level, zlib.DEFLATED, -window, 9, zlib.Z_DEFAULT_STRATEGY, _dictionary(kind, VERSION))
    return bytes([VERSION]) + compressor.compress(data) + compressor.flush()


def unpack(kind: Kind, packed: bytes) -> bytes:
    """What was packed. Raises Unreadable."""
    try:
        decompressor = zlib.decompressobj(-_SHAPES[kind][0], _dictionary(kind, packed[0]))
        data = decompressor.decompress(packed[1:])
    except (zlib.error, OSError, IndexError) as error:
        raise Unreadable(f"a {kind} of a record cannot be read: {error}") from error
    if not decompressor.eof:
        raise Unreadable(f"a {kind} of a record cannot be read: it was cut")
    return data


@cache
def _dictionary(kind: Kind, version: int) -> bytes:
    return path_of(kind, version).read_bytes()


def window(kind: Kind) -> int:
    """Bytes that a dictionary may have."""
    return int(2 ** _SHAPES[kind][0])


def path_of(kind: Kind, version: int) -> Path:
    return FOLDER / f"{kind}.{version}"
