"""Names of functions as Mistral takes them, wherever a request names one (mistral-common 1.13.1, seen 2026-11)."""

from __future__ import annotations

import re
from typing import Final

from router.errors import BadRequest

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def fits(name: str) -> bool:
    return _NAME.match(name) is not None


def check_name(name: str, place: str) -> None:
    """Raise `BadRequest` when `name`, which stands at `place` in the request, is one that Mistral refuses."""
    if not fits(name):
        raise BadRequest(
            f"{place} must be 1 to 64 letters, digits, underscores or hyphens.",
            code="invalid_function_name",
            param=place,
        )
