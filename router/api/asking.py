"""What several questions of the operations plane have in common: teams, instants, cursors and pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from router.core.policy import NAME
from router.errors import BadRequest

REASON_MAX: Final = 256
_CURSOR: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,15}\Z")


def stamp(seconds: float | None) -> str | None:
    """Epoch seconds as an ISO time in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def check_team(name: str) -> str:
    if not NAME.match(name):
        text = "team must be 1 to 64 letters, digits, points, hyphens and underscores."
        raise BadRequest(text, code="invalid_value", param="team")
    return name


def instant(name: str, text: str | None, default: int) -> int:
    """Epoch ms of an ISO date or time (UTC where it names no zone) or of epoch milliseconds."""
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{9,15}", text):
        return int(text)
    try:
        # A plus sign that was not escaped in a query arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise BadRequest(
            f"{name} must be a date such as 2026-11-23, a time such as 2026-11-23T10:00:00Z, or epoch milliseconds.",
            code="invalid_value",
            param=name,
        ) from None
    return max(0, round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def cursor_of(text: str | None) -> str | None:
    if text is None:
        return None
    if not _CURSOR.match(text):
        raise BadRequest("cursor must be the `next` of an earlier page.", code="invalid_value", param="cursor")
    return text


def check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON_MAX or not reason.isprintable():
        text = f"reason must be 1 to {REASON_MAX} printable characters."
        raise BadRequest(text, code="invalid_value", param="reason")


def check_limit(limit: int) -> None:
    if not 1 <= limit <= 1_000:
        raise BadRequest("limit must be from 1 to 1000.", code="invalid_value", param="limit")
