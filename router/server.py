"""Running the app: the port, the store beside it, one process or several, and a stop that loses nothing."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import msgspec
import uvicorn
import uvloop

from router import children, workers
from router.draining import Draining
from router.settings import Settings
from router.store import embedded
from router.store.connect import UnknownScheme, connect

# Idle connections are kept longer than load balancers and SDKs keep theirs; uvicorn's own 5 s causes resets.
KEEPALIVE_S: Final = 75
OPS_HOST: Final = "127.0.0.1"


class PortTaken(Exception):
    """Nothing can listen there; the message names the option."""


class WrongStoreAddress(Exception):
    """ROUTER_REDIS_URL is not an address that can be meant."""


def bind(host: str, port: int, option: str = "--port") -> socket.socket:
    """A listening socket; port 0 picks one. Raises PortTaken, which names `option`, or --host where that is wrong."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            option = "--host"
        raise PortTaken(f"Cannot listen on {host}:{port} ({error.strerror}): choose another with {option}.") from None
    listener.set_inheritable(True)
    return listener


@contextmanager
def operations(
    settings: Settings, port: int | None, beside: socket.socket
) -> Iterator[tuple[Settings, list[socket.socket]]]:
    """The settings with a port of its own, on this machine alone, for the operations plane; and its listener. Without
    `port` there is none, and the plane shares the port of `beside`. Raises PortTaken."""
    if port is None:
        yield settings, []
        return
    if port == beside.getsockname()[1]:  # the kernel notices only when both listen
        raise PortTaken(f"--port and --ops-port are both {port}: choose two.")
    with bind(OPS_HOST, port, "--ops-port") as listener:
        yield msgspec.structs.replace(settings, ops_port=listener.getsockname()[1]), [listener]


def url_of(host: str, listener: socket.socket) -> str:
    """Where the listener can be reached, as a URL."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def hear_interrupts() -> None:
    """A script starts its background jobs with SIGINT ignored; whoever sends us one all the same means it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


@contextmanager
def store(settings: Settings) -> Iterator[Settings]:
    """The settings with a store to talk to: the one they name, or the embedded one, which stops at the end."""
    if settings.redis_url is not None:
        try:
            connect(settings.redis_url)  # sends nothing yet
        except UnknownScheme as error:
            raise WrongStoreAddress(f"ROUTER_REDIS_URL cannot be used: {error}.") from None
        except ValueError:
            # What the parser says may quote a part of the password.
            text = "ROUTER_REDIS_URL does not parse: write reserved characters of the password percent-encoded."
            raise WrongStoreAddress(text) from None
        yield settings
        return
    directory = (settings.data_dir / "store").absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = embedded.socket_path(directory)
    embedded.clear_leftover(directory, path)
    keeper = children.Keeper(embedded.command(directory, path))
    try:
        yield msgspec.structs.replace(settings, redis_url=embedded.wait_until_up(directory, path))
    finally:
        keeper.stop()


def serve(settings: Settings, listeners: list[socket.socket], *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, in this process or in `settings.workers` of them. `settings` names a store."""
    if settings.workers > 1:
        _supervise(settings, listeners, on_ready)
    else:
        _run(settings, listeners, lambda: _told(on_ready))


async def _told(on_ready: Callable[[], None]) -> bool:
    on_ready()
    return False


def run(settings: Settings, listeners: list[socket.socket], beside: Callable[[], Awaitable[bool]]) -> None:
    """Serve likewise, and run `beside` once: true, or an exception, ends the server. With several workers it runs in a
    process of its own."""
    if settings.workers > 1:
        _supervise(settings, listeners, lambda: None, beside)
    else:
        _run(settings, listeners, beside)


def _supervise(
    settings: Settings,
    listeners: list[socket.socket],
    on_ready: Callable[[], None],
    beside: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    for listener in listeners:
        listener.listen(2048)

    def work() -> None:
        _run(settings, listeners, lambda: _told(lambda: None))

    workers.supervise(work, settings.workers, settings.data_dir / "metrics", on_ready, beside)


def _run(settings: Settings, listeners: list[socket.socket], beside: Callable[[], Awaitable[bool]]) -> None:
    """Serve in this process; run `beside` once requests are answered."""

    async def main() -> None:
        async with serving(settings, listeners) as server:
            if not await _first(server, beside):
                await server.ended

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


async def _first(server: Running, beside: Callable[[], Awaitable[bool]]) -> bool:
    """The result of `beside`, or false when the server was told to stop before."""
    work = asyncio.ensure_future(beside())
    await asyncio.wait({work, server.ended}, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        work.cancel()
        return False
    return work.result()


class Running:
    """A server that answers requests. `ended` is done when it has stopped."""

    def __init__(self, server: uvicorn.Server, ended: asyncio.Task[None]) -> None:
        self.server = server
        self.ended = ended


@asynccontextmanager
async def serving(settings: Settings, listeners: list[socket.socket]) -> AsyncIterator[Running]:
    """The app on `listeners`, stopped at the end of the block."""
    from router.api.planes import apart
    from router.app import create_app  # after the environment is set up for it: prometheus_client reads it on import

    app: Any = create_app(settings)
    config = uvicorn.Config(
        app if settings.ops_port is None else apart(app, settings.ops_port),
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=2048,
        timeout_keep_alive=KEEPALIVE_S,
    )
    logging.getLogger("uvicorn.error").addFilter(_not_our_cuts)

    def on_draining() -> None:
        app.state.draining = True

    server = Draining(config, on_draining, settings.timing.stop_grace)
    ended = asyncio.ensure_future(server.serve(sockets=listeners))
    while not server.started and not ended.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    if ended.done():
        ended.result()
        raise RuntimeError("the server stopped before it had started")
    try:
        yield Running(server, ended)
    finally:
        server.should_exit = True
        await ended


def _not_our_cuts(record: logging.LogRecord) -> bool:
    """A broken stream is left without its end on purpose, which makes uvicorn cut the connection and say so."""
    return "without completing response" not in record.getMessage()
