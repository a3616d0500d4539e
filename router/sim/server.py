"""Runs the simulator as a process of its own, and says where it is once it can be asked."""

import asyncio
import contextlib
import ctypes
import ipaddress
import os
import signal
import socket
import sys
import threading
import time
from typing import Final, Literal

import uvicorn

from router.sim.app import App
from router.sim.transport import ExposingProtocol
from router.sim.world import Settings, World

BACKLOG: Final = 2048
PR_SET_PDEATHSIG: Final = 1
PARENT_CHECK_S: Final = 0.5


def run(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    profile: Literal["current", "seed"] = "current",
    wide: bool = False,
    first_token_ms: float = 0,
    per_token_ms: float = 0,
    regional: bool = False,
    labs: bool = False,
    gzip: bool = False,
    die_with_parent: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises `OSError` when the port is taken."""
    if die_with_parent:
        _die_with_parent()
    settings = Settings(
        profile=profile,
        wide=wide,
        first_token_ms=first_token_ms,
        per_token_ms=per_token_ms,
        regional=regional,
        labs=labs,
        gzip=gzip,
    )
    with socket.create_server((host, port), family=_family(host), backlog=BACKLOG) as listener:
        world = World(settings)
        config = uvicorn.Config(
            App(world),
            http=ExposingProtocol,
            ws="none",
            loop="uvloop",
            lifespan="off",
            log_config=None,
            # Faults end answers in ways the server would report as errors.
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        # The server raises the signal that stopped it once more when it is done; by then it has done its work.
        for stop in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop, lambda number, frame: None)
        server = _Server(config, listener)
        world.door = server
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Announces itself when it can be asked, and can close its port for a while."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        # Told now: once the port is closed, the socket knows it no more.
        self._address = listener.getsockname()[:2]
        self._reopening: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"SIMULATOR_URL={_url(*self._address)}", flush=True)

    def shut(self, seconds: float) -> None:
        """Refuse connections for so long: nobody listens, and who was connected no longer is."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.close()
        self._reopening = asyncio.get_running_loop().create_task(self._reopen(seconds))

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        host, port = self._address
        listener = socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
        self.servers = [await asyncio.get_running_loop().create_server(self._protocol, sock=listener, backlog=BACKLOG)]

    def _protocol(self) -> ExposingProtocol:
        return ExposingProtocol(config=self.config, server_state=self.server_state, app_state={})


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _url(host: str, port: int) -> str:
    with contextlib.suppress(ValueError):
        # A wildcard is no address to call.
        if ipaddress.ip_address(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _die_with_parent() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have gone before the request was made.
        if os.getppid() != parent:
            sys.exit(0)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
