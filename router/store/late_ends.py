"""What an end still adds that comes late: from the journal of a process that is gone, or of a store that forgot."""

from __future__ import annotations

import msgspec

from router.core.charges import Measure
from router.core.sums import spent
from router.store.journal_lines import End, as_unconfirmed
from router.store.ledger import Ending, Write
from router.store.reconciling import SUMS_KEPT_MS, measure_of
from router.store.totals import HOUR_MS, Note


def _nano(end: End) -> int:
    """What it charges in money, on whatever account counts it."""
    charged = (pair for part in end.parts for pair in zip(part.entries, part.actual, strict=True))
    return max((nano for (name, *_), nano in charged if measure_of(name) is Measure.USD), default=0)


def request_of(hold_id: str) -> str:
    return hold_id.partition("#")[0]


def with_sums(end: End) -> End:
    """An end without a record, of a request that has none: its cost is added to the hour's sums all the same."""
    nano = _nano(end)
    if end.ending is not Ending.SETTLED or not nano or not end.note:
        return end
    note = msgspec.json.decode(end.note, type=Note)
    write = Write(
        record=b"",
        details=b"",
        hour=end.at_ms // HOUR_MS,
        sums=spent(note.key, note.model, note.kind, note.language, note.tags, nano),
        kept=0,
        details_kept=0,
        sums_ms=SUMS_KEPT_MS,
    )
    return msgspec.structs.replace(end, write=write)


def doubted(end: End) -> End:
    """As unconfirmed; usage then counts it by its note, so no record may count it too."""
    unsure = msgspec.structs.replace(as_unconfirmed(end), write=None)
    if not end.note:
        return unsure
    note = msgspec.structs.replace(msgspec.json.decode(end.note, type=Note), nano_usd=_nano(end))
    return msgspec.structs.replace(unsure, note=msgspec.json.encode(note).decode())
