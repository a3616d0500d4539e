"""The journal's lines, and what they say together of the holds of a router that is gone.

A line is a JSON array of a checksum and one happening, so that any tool reads it and a torn or damaged one is known.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from router.core.charges import Amounts
from router.store.ledger import Ending, Entries, Reservation, Write, charges_of


class Intent(msgspec.Struct, frozen=True, kw_only=True, tag="intent", tag_field="is"):
    """A hold is about to be asked for. `entries` are enough to end it, even if the store lost it; `twin` is its part in
    the organisation's accounts."""

    id: str
    team: str
    entries: Entries
    note: str
    at_ms: int
    twin: Intent | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag="sent", tag_field="is"):
    """The request is about to go upstream, and may cost something from now on."""

    id: str


class End(msgspec.Struct, frozen=True, kw_only=True, tag="final", tag_field="is"):
    """How a hold ends: all that the store must be told of it. `actual` is charged by the entries. The end of a request
    that holds nothing (any more) has no `ending`, only a record to write."""

    id: str
    team: str
    ending: Ending | None
    at_ms: int
    entries: Entries = ()
    actual: tuple[int, ...] = ()
    note: str = ""
    write: Write | None = None
    twin: End | None = None

    @property
    def parts(self) -> tuple[End, ...]:
        """One for each group of accounts."""
        return (self,) if self.twin is None else (self, self.twin)


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done", tag_field="is"):
    """The store has taken the end, or never had the hold."""

    id: str


Line = Intent | Sent | End | Done

_encode: Final = msgspec.json.Encoder().encode
_decoder: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)
# ["1a2b3c4d",{...}]
_PAYLOAD: Final = 12


def line_of(happening: Line) -> bytes:
    payload = _encode(happening)
    return b'["%08x",%b]\n' % (zlib.crc32(payload), payload)


def intent_of(asked: Reservation, at_ms: int) -> Intent:
    twin = intent_of(asked.twin, at_ms) if asked.twin is not None else None
    return Intent(id=asked.id, team=asked.team, entries=asked.entries, note=asked.note, at_ms=at_ms, twin=twin)


def ended(hold: Reservation, ending: Ending, actual: Amounts, at_ms: int, write: Write | None = None) -> End:
    """The end of a hold, in each group of accounts that has a part of it."""
    return End(
        id=hold.id,
        team=hold.team,
        ending=ending,
        entries=hold.entries,
        actual=charges_of(hold, actual),
        note=hold.note,
        at_ms=at_ms,
        write=write,
        twin=ended(hold.twin, ending, actual, at_ms) if hold.twin is not None else None,
    )


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment says. `damaged` counts the lines that could not be believed, and were passed over."""

    happenings: list[Line]
    damaged: int


def read_lines(segment: bytes) -> Lines:
    """Every whole line, in order. A kill may have torn the last one, a full disk one in the middle."""
    happenings: list[Line] = []
    damaged = 0
    for line in segment.split(b"\n"):
        if not line:
            continue
        happening = _read(line)
        if happening is None:
            damaged += 1
        else:
            happenings.append(happening)
    return Lines(happenings=happenings, damaged=damaged)


def _read(line: bytes) -> Line | None:
    payload = line[_PAYLOAD:-1]
    if line != b'["%08x",%b]' % (zlib.crc32(payload), payload):
        return None
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError:
        return None  # of another version


class Known(msgspec.Struct, kw_only=True):
    """All that the lines say of one id."""

    intent: Intent | None = None
    sent: bool = False
    end: End | None = None
    done: bool = False


def known_of(happenings: Iterable[Line]) -> dict[str, Known]:
    """By id. An intent begins anew, because one that was refused is asked for again under its id; a later end replaces
    an earlier one."""
    found: dict[str, Known] = {}
    for happening in happenings:
        known = found.setdefault(happening.id, Known())
        match happening:
            case Intent():
                found[happening.id] = Known(intent=happening)
            case Sent():
                known.sent = True
            case End():
                known.end = happening
            case Done():
                known.done = True
    return found


def end_of(known: Known) -> End | None:
    """How a hold of a dead router ends; None when nothing is left to end.

    What never went upstream costs nothing. What did, and whose usage never came, stays charged in full, unconfirmed.
    """
    if known.end is not None:
        return known.end
    intent = known.intent
    if known.done or intent is None:
        return None
    return _unanswered(intent, sent=known.sent)


def _unanswered(intent: Intent, *, sent: bool) -> End:
    held = tuple(entry[2] for entry in intent.entries)
    return End(
        id=intent.id,
        team=intent.team,
        ending=Ending.UNCONFIRMED if sent else Ending.VOIDED,
        entries=intent.entries,
        actual=held if sent else (0,) * len(held),
        note=intent.note,
        at_ms=intent.at_ms,
        twin=_unanswered(intent.twin, sent=sent) if intent.twin is not None else None,
    )


def as_unconfirmed(end: End) -> End:
    """The same charge, as one that nobody can vouch for: the store may have booked it, and forgotten that it did."""
    entries: Any = tuple(
        (name, kind, charged, first, second, at)
        for (name, kind, _, first, second, at), charged in zip(end.entries, end.actual, strict=True)
    )
    return msgspec.structs.replace(end, ending=Ending.UNCONFIRMED, entries=entries)
