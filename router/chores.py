"""Chores of a process: what is done again and again beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Final

from watchfiles import awatch

from router.rulebook import Rulebook

log = logging.getLogger("router.chores")

CHORE_PAUSE_S: Final = 1.0


async def for_ever(job: Callable[[], Coroutine[None, None, None]]) -> None:
    """Keep a chore going: what goes wrong in one round must not end it for good."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("a chore stumbled; it goes on")
        await asyncio.sleep(CHORE_PAUSE_S)


async def watch_files(rulebook: Rulebook) -> None:
    """Reload the rules whenever a file of theirs changes."""
    async for _ in awatch(rulebook.config_dir, rulebook.policies_dir, *rulebook.beside, recursive=False):
        rulebook.reload()


async def turn_days(rulebook: Rulebook) -> None:
    """Have prices take effect at midnight UTC."""
    while True:
        await asyncio.sleep(1.0)
        rulebook.turn_day()
