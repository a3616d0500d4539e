"""How long, as a person writes it: 30s, 10m, 1h, 7d."""

from __future__ import annotations

import re
from typing import Final

import rich_click as click

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])\Z")


def duration(text: str) -> int:
    """A whole number and a unit, as seconds: the type of an option. Raises BadParameter."""
    found = _DURATION.match(text)
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"{text!r} is not a duration: write a number and a unit, such as 30s, 10m, 1h or 7d.")
    return int(found[1]) * _UNITS_S[found[2]]
