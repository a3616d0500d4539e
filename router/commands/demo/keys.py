"""The demo's virtual keys: made on first use, and kept in the data directory over restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from router.errors import InvalidKey
from router.settings import Settings
from router.store.connect import connect
from router.store.keyring import Keyring


def key_file(team: str) -> str:
    """What a team's key is kept in."""
    return "demo.key" if team == "demo" else f"demo-{team}.key"


async def keys_of(settings: Settings, teams: Iterable[str]) -> dict[str, str]:
    """A key of each team: the one of the last run while it works, else a new one."""
    assert settings.redis_url is not None, "the store runs"
    client = connect(settings.redis_url, timeout_s=settings.store_timeout_s)
    try:
        keyring = Keyring(client, settings.pepper.reveal().encode())
        return {team: await _key(keyring, team, settings.data_dir / key_file(team)) for team in teams}
    finally:
        await client.aclose()


async def _key(keyring: Keyring, team: str, path: Path) -> str:
    kept = _kept(path)
    if kept and await _works(keyring, kept):
        return kept
    _, key = await keyring.create(team, f"the {team}'s key" if team == "demo" else f"{team} app")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key + "\n")
    return key


def _kept(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


async def _works(keyring: Keyring, key: str) -> bool:
    try:
        await keyring.authenticate(key)
    except InvalidKey:
        return False
    return True
