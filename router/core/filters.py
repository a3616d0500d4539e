"""What is asked of records: which of them are meant, and on which days there can be any."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from router.core.record import RequestRecord
from router.core.sums import STATUS

# What one can ask for beside team and time.
FILTERS: Final = ("key", "model", "tag", "kind", "language", "status", "code")


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """None means any. `status` is an HTTP status, `statuses` its hundreds: 4 for all from 400 to 499."""

    key: str | None = None
    model: str | None = None
    tag: str | None = None
    kind: str | None = None
    language: str | None = None
    code: str | None = None
    status: int | None = None
    statuses: int | None = None

    def match(self, record: RequestRecord) -> bool:
        return (
            (self.key is None or record.key == self.key)
            and (self.model is None or record.model == self.model)
            and (self.tag is None or self.tag in record.tags)
            and (self.kind is None or record.kind == self.kind)
            and (self.language is None or record.language == self.language)
            and self._ended(record.status, record.code or "")
        )

    def _ended(self, status: int, code: str) -> bool:
        return (
            (self.code is None or code == self.code)
            and (self.status is None or status == self.status)
            and (self.statuses is None or status // 100 == self.statuses)
        )

    @property
    def letters(self) -> str:
        """The first letters of the sums that tell whether a day can have a match; empty when every day can."""
        ended = STATUS if (self.code, self.status, self.statuses) != (None, None, None) else ""
        return ended + "".join(name[0] for name in self._names)

    def possible(self, names: Collection[str]) -> bool:
        """Whether a day with sums of these names can have a match. Each record leaves its names in its day."""
        ended = [name[1:].partition(" ") for name in names if name[0] == STATUS]
        return all(name in names for name in self._names) and (
            STATUS not in self.letters or any(self._ended(int(status), code) for status, _, code in ended)
        )

    @property
    def _names(self) -> list[str]:
        asked = {"k": self.key, "m": self.model, "g": self.tag, "i": self.kind, "l": self.language}
        return [f"{letter}{value}" for letter, value in asked.items() if value is not None]


ANY: Final = Filters()
