"""What the pages' handlers share: whom to ask, who is visiting, and whether a form is ours."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request

from router.api.changes import Changes
from router.api.dashboard.asked import form
from router.api.dashboard.kept import Kept
from router.api.keychain import Keychain
from router.api.session import Sessions, session_of
from router.api.switching import Switching
from router.core.grants import Grant
from router.core.rules import Rules
from router.core.sites import Site
from router.errors import NotAllowed
from router.ops.pages.layout import PROOF, Frame
from router.rulebook import Rulebook
from router.store.keyring import Keyring
from router.store.records import Records
from router.store.twins import Twins
from router.upstream.health import Health
from router.upstream.quotas import QuotaView


@dataclass(frozen=True, kw_only=True)
class Desk:
    """`settle` waits until what was answered is booked; `clock` is epoch seconds."""

    rulebook: Rulebook
    records: Records
    twins: Twins
    grants: Callable[[str], tuple[Grant, ...]]
    keychain: Keychain
    health: Health
    windows: Callable[[], list[QuotaView]]
    main: Site
    switching: Switching
    changes: Changes
    sessions: Sessions
    settle: Callable[[], Awaitable[object]]
    clock: Callable[[], float] = time.time
    kept: Kept = field(default_factory=Kept)

    @property
    def rules(self) -> Rules:
        return self.rulebook.current

    @property
    def keyring(self) -> Keyring:
        return self.keychain.keyring

    @property
    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    async def teams(self) -> list[str]:
        """Every team that has a policy, a key or a request."""
        return sorted({*await self.records.teams(), *(name for name in self.rules.policies if name != "default")})

    def frame(self, request: Request[Any, Any, Any]) -> Frame:
        session = session_of(request.headers)
        token = self.sessions.token(session) if session is not None and self.sessions.holds(session) else None
        return Frame(now_ms=self.now_ms, token=token)

    async def change(self, request: Request[Any, Any, Any]) -> dict[str, str]:
        """The fields of a form that changes something. Raises NotAllowed when it does not come from a page of the
        visitor's own session."""
        fields = await form(request)
        if not self.sessions.proves(session_of(request.headers), fields.pop(PROOF, "")):
            text = "This form does not belong to your session: sign in at /dashboard/sign-in and try again."
            raise NotAllowed(text, code="not_your_form")
        return fields
