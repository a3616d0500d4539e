"""How a record is kept: a row, lean and quick to look through, and for a shorter while the details of its choice.

Both stand in streams of their own, at the same place, and packed (packing.py). A row is a list of the record's fields
in their order, so a new field goes to the end of the record and has a default.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec.structs import asdict, replace

from router.core.explain import RouterObject
from router.core.record import RequestRecord, corrected
from router.store.packing import Unreadable, pack, unpack

log = logging.getLogger("router.store")

Place = tuple[int, int]


class Row(RequestRecord, frozen=True, kw_only=True, array_like=True):
    """A record without its details. `unsure` are its unconfirmed attempts, counted from 1, and what each holds: what an
    operator settles by hand is laid over them."""

    unsure: tuple[tuple[int, int], ...] = ()


_FIELDS: Final = RequestRecord.__struct_fields__
_ROW: Final = msgspec.msgpack.Decoder(Row)


def row_of(record: RequestRecord) -> bytes:
    return pack("row", row_bytes(record))


def row_bytes(record: RequestRecord) -> bytes:
    """A row before it is packed."""
    attempts = record.router.attempts if record.router else []
    unsure = tuple((number, tried.nano_usd) for number, tried in enumerate(attempts, 1) if tried.unconfirmed)
    fields = {name: getattr(record, name) for name in _FIELDS}
    return msgspec.msgpack.encode(Row(**{**fields, "router": None}, unsure=unsure))


def details_of(record: RequestRecord) -> bytes:
    """The router object; nothing when the request came to no plan."""
    return pack("details", msgspec.json.encode(record.router)) if record.router else b""


def read_rows(packed: bytes) -> list[tuple[Place, Row | None]]:
    """The reply of read_rows.lua; None for a row that cannot be read, so that it hides no other."""
    items: list[Any] = msgspec.msgpack.decode(packed)
    return [(place_of(place), _row(row)) for place, row in zip(items[::2], items[1::2], strict=True)]


def _row(packed: bytes) -> Row | None:
    try:
        return _ROW.decode(unpack("row", packed))
    except (Unreadable, msgspec.DecodeError) as error:
        _left_out(f"{error}")
        return None


def _router(packed: bytes) -> RouterObject | None:
    try:
        return msgspec.json.decode(unpack("details", packed), type=RouterObject)
    except (Unreadable, msgspec.DecodeError) as error:
        _left_out(f"{error}")
        return None


@lru_cache(maxsize=64)
def _left_out(why: str) -> None:
    """Told once for each cause: pages that keep themselves fresh come upon the same row every few seconds."""
    log.warning("records are told without what cannot be read: %s", why)


def place_of(text: str) -> Place:
    ms, _, number = text.partition("-")
    return int(ms), int(number)


def whole(row: Row, details: bytes | None, charged: Sequence[int | None]) -> RequestRecord:
    """The record, with its details where they are still kept. `charged` is what an operator settled of each unconfirmed
    attempt in `row.unsure`, None where nothing was said."""
    fields = {name: value for name, value in asdict(row).items() if name != "unsure"}
    told = _router(details) if details else None
    record = RequestRecord(**{**fields, "router": told})
    by_number = {number: nano for (number, _), nano in zip(row.unsure, charged, strict=True)}
    if told is not None:
        return corrected(record, [by_number.get(number) for number in range(1, len(told.attempts) + 1)])
    gone = sum(held for number, held in row.unsure if by_number[number] is not None)
    settled = sum(nano for nano in charged if nano is not None)
    return replace(
        record,
        nano_usd=record.nano_usd - gone + settled,
        unconfirmed_nano_usd=record.unconfirmed_nano_usd - gone,
    )
