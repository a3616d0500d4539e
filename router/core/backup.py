"""A backup file: JSON lines, each with a checksum that covers all lines before it, so that a damaged, missing, added or
moved line is found where it is. The first line says what the file is, the last that it is whole.

It holds keys and grants as the store keeps them, of a secret its HMAC, and of the pepper only a mark that tells two
apart; and what was spent in every open window.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import msgspec

VERSION: Final = 2
# The first version held neither grants nor totals.
READ: Final = (1, VERSION)
NAME: Final = "mistral-router backup"


class DamagedBackup(Exception):
    """The file is not a whole backup; the message names the line."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """`pepper` is the mark of the pepper under which the keys were made."""

    version: int
    made_at: str
    pepper: str
    keys: list[dict[str, Any]]
    grants: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []


def write_backup(backup: Backup) -> str:
    entries: list[dict[str, Any]] = [
        {"file": NAME, "version": backup.version, "made_at": backup.made_at, "pepper": backup.pepper},
        *({"key": key} for key in backup.keys),
        *({"grant": grant} for grant in backup.grants),
        *({"total": total} for total in backup.totals),
        {"end": len(backup.keys) + len(backup.grants) + len(backup.totals)},
    ]
    lines, check = [], ""
    for entry in entries:
        check = _check(check, entry)
        lines.append(json.dumps({**entry, "check": check}, sort_keys=True, separators=(",", ":")))
    return "\n".join([*lines, ""])


def read_backup(text: str) -> Backup:
    """Raises DamagedBackup: nothing of a damaged file is to be used."""
    entries: list[dict[str, Any]] = []
    check = ""
    for number, line in enumerate(text.splitlines(), 1):
        entry = _entry(line, number)
        told, check = entry.pop("check", None), _check(check, entry)
        if told != check:
            raise DamagedBackup(f"line {number}: the checksum does not fit; this line or one before it was changed")
        entries.append(entry)
    if not entries or entries[0].get("file") != NAME:
        raise DamagedBackup(f"line 1: this is no {NAME}")
    version = entries[0].get("version")
    if version not in READ:
        raise DamagedBackup(f"line 1: version {version} is not known here; this router reads up to {VERSION}")
    head, *body = entries
    if not body or body[-1] != {"end": len(body) - 1}:
        raise DamagedBackup(f"line {len(entries)}: the file ends here, before its last line")
    try:
        grants = [entry["grant"] for entry in body if "grant" in entry]
        totals = [entry["total"] for entry in body if "total" in entry]
        keys = [entry["key"] for entry in body[:-1] if not {"grant", "total"} & entry.keys()]
        return Backup(
            version=version, made_at=head["made_at"], pepper=head["pepper"], keys=keys, grants=grants, totals=totals
        )
    except KeyError as missing:
        raise DamagedBackup(f"a line has no {missing}") from None


def _entry(line: str, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict):
        raise DamagedBackup(f"line {number}: this is not a JSON object")
    return entry


def _check(before: str, entry: dict[str, Any]) -> str:
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()[:32]
