"""What the pages load beside themselves: a style sheet, a script, an icon. Each is asked for by the hash of its
content, so that a browser may keep it for ever and still sees a new one at once."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

TYPES: Final = {"style.css": "text/css", "script.js": "text/javascript", "icon.svg": "image/svg+xml"}


@cache
def asset(name: str) -> bytes:
    """The content of one of TYPES."""
    return Path(__file__).with_name(name).read_bytes()


@cache
def address(name: str) -> str:
    """Where the pages ask for it."""
    return f"/dashboard/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"
