"""Grants in the store: every replica knows them within seconds, and none is lost when two operators act at once."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable
from typing import Final

import msgspec

from router.core.grants import NONE_GRANTED, Grant, Grants
from router.core.policy import Scope
from router.store import names
from router.store.connect import DEADLINE_S, Client
from router.store.shared import Shared

# All of them are one value that every process reads every second.
GRANTS_MAX: Final = 500


class TooManyGrants(Exception):
    """`GRANTS_MAX` grants have not ended yet."""


class Regranted(enum.Enum):
    """What became of a grant in a backup."""

    RESTORED = "restored"
    REVOKED = "revoked"
    KEPT = "kept"
    OVER = "over"


class GrantBook:
    """`clock` is epoch seconds. Every verb raises StoreUnavailable."""

    def __init__(
        self, client: Client, clock: Callable[[], float] = time.time, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._clock = clock
        self._shared = Shared(
            client, key=names.GRANTS, what="grants", empty=NONE_GRANTED, clock=clock, deadline_s=deadline_s
        )
        self.watch = self._shared.watch

    def of(self, team: str) -> tuple[Grant, ...]:
        """The grants that raise a limit of the team or of all teams, as far as this process has heard; some may have
        ended."""
        known = self._shared.known
        if known is NONE_GRANTED:
            return ()
        return tuple(grant for grant in known.grants if grant.team == team or grant.scope is Scope.ORGANISATION)

    async def read(self) -> tuple[Grant, ...]:
        """Every grant that has not ended, revoked ones too."""
        return (await self._shared.read()).at(self._clock()).grants

    async def give(self, grant: Grant) -> None:
        """Add one; twice changes nothing. Raises TooManyGrants."""
        await self._change(lambda known: _with(known, grant))

    async def revoke(self, team: str, grant_id: str) -> Grant | None:
        """End one now; a second time changes nothing. None for one that is not there or has ended."""
        now = self._clock()

        def ended(known: Grants) -> Grants:
            return Grants(grants=tuple(_revoked(grant, team, grant_id, now) for grant in known.grants))

        changed = await self._change(ended)
        return next((grant for grant in changed.grants if (grant.team, grant.id) == (team, grant_id)), None)

    async def restore(self, grant: Grant) -> Regranted:
        """Bring back one from a backup. One that stands stays as it is, but what was revoked once stays revoked."""
        if grant.until <= self._clock():
            return Regranted.OVER
        done = Regranted.KEPT

        def back(known: Grants) -> Grants:
            nonlocal done
            stands = next((one for one in known.grants if one.id == grant.id), None)
            if stands is None:
                done = Regranted.RESTORED
                return _with(known, grant)
            if grant.revoked_at is None or stands.revoked_at is not None:
                done = Regranted.KEPT
                return known
            done = Regranted.REVOKED
            return Grants(grants=tuple(grant if one.id == grant.id else one for one in known.grants))

        await self._change(back)
        return done

    async def _change(self, change: Callable[[Grants], Grants]) -> Grants:
        return await self._shared.change(lambda known: change(known.at(self._clock())))


def _with(known: Grants, grant: Grant) -> Grants:
    if any(one.id == grant.id for one in known.grants):
        return known
    if len(known.grants) >= GRANTS_MAX:
        raise TooManyGrants
    return Grants(grants=(*known.grants, grant))


def _revoked(grant: Grant, team: str, grant_id: str, now: float) -> Grant:
    if (grant.team, grant.id) != (team, grant_id) or grant.revoked_at is not None:
        return grant
    return msgspec.structs.replace(grant, revoked_at=now)
