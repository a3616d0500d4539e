"""An instant as people write it: a date, a time, or epoch milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from router.errors import BadRequest


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
