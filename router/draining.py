"""The server's end: told to stop, it goes on listening until what is under way has ended, or half of the time is over.

So a balancer reads in /readyz why it should look elsewhere, and whoever comes before it has is served.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

STEP_S: Final = 0.1


class Draining(uvicorn.Server):
    """`on_draining` is called when it is told to stop, `grace_s` how long what is under way then may take."""

    def __init__(self, config: uvicorn.Config, on_draining: Callable[[], None], grace_s: float) -> None:
        super().__init__(config)
        self._on_draining = on_draining
        self._grace_s = grace_s

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        began_s, under_way = time.monotonic(), set(self.server_state.tasks)
        self._on_draining()
        # Half of the time is kept for those that come meanwhile.
        while under_way and time.monotonic() - began_s < self._grace_s / 2 and not self.force_exit:
            _, under_way = await asyncio.wait(under_way, timeout=STEP_S)
        self.config.timeout_graceful_shutdown = max(1, round(self._grace_s - (time.monotonic() - began_s)))
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """In place of uvicorn's own, which raises the signal again at the end and so skips what stops after it."""
        loop = asyncio.get_running_loop()
        # What is ignored stays so: a worker that heard its parent and then Ctrl-C would take that for a second one, and
        # leave without delivering the ends of its holds.
        heard = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
        for number in heard:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)
