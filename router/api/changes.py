"""What every change through the operations plane leaves behind: a line of the audit, whose id the answer tells."""

from __future__ import annotations

import secrets
import time
from typing import Any

from litestar import Request, Response

from router.core.record import request_id
from router.store.audit import Audit, Change


class Changes:
    """`by` is the fingerprint of the admin key that opens the plane."""

    def __init__(self, audit: Audit, by: str) -> None:
        self.audit = audit
        self.by = by

    async def told(
        self,
        request: Request[Any, Any, Any],
        answer: dict[str, Any],
        what: str,
        target: str,
        details: dict[str, str | float | bool | None] | None = None,
    ) -> Response[dict[str, Any]]:
        """The answer to a change that has been made, once it is on record."""
        return said(answer, await self.note(request, what, target, details))

    async def note(
        self,
        request: Request[Any, Any, Any],
        what: str,
        target: str,
        details: dict[str, str | float | bool | None] | None = None,
    ) -> str:
        """Put a change that has been made on record: the id of its line."""
        change = Change(
            request_id=request_id(time.time_ns() // 1_000_000, secrets.token_bytes(10)),
            by=self.by,
            source=request.client.host if request.client else "unknown",
            what=what,
            target=target,
            details=details or {},
        )
        await self.audit.note(change)
        return change.request_id


def said(answer: dict[str, Any], line_id: str) -> Response[dict[str, Any]]:
    """The answer to a change whose line of the audit has that id."""
    return Response(answer, headers={"x-request-id": line_id})
