"""What an operator has switched for a while: models that are off, and the one model that serves every chat request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """One switch. `since` and `until` are epoch seconds; `by` is the fingerprint of the admin key."""

    since: float
    until: float
    reason: str
    by: str

    @property
    def ends(self) -> str:
        """When it ends by itself, in UTC."""
        return datetime.fromtimestamp(self.until, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class PinAll(Switch, frozen=True, kw_only=True):
    model: str


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """`disabled` goes by catalogue id."""

    disabled: dict[str, Switch] = {}
    pin_all: PinAll | None = None

    def at(self, now: float) -> Switches:
        """Those that have not ended by `now`, in epoch seconds."""
        return Switches(
            disabled={model: switch for model, switch in self.disabled.items() if switch.until > now},
            pin_all=self.pin_all if self.pin_all is not None and self.pin_all.until > now else None,
        )

    @property
    def until(self) -> float:
        """When the last of them ends, in epoch seconds; 0 when there is none."""
        pinned = [self.pin_all] if self.pin_all is not None else []
        return max((switch.until for switch in (*self.disabled.values(), *pinned)), default=0.0)


NONE_SWITCHED: Final = Switches()
