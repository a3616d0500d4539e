"""Processes of ours: started so that they end with us, and one tree of them per data directory."""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

log = logging.getLogger("router.children")

_PR_SET_PDEATHSIG: Final = 1
RESTART_S: Final = 0.2


class DataDirUnusable(Exception):
    """The data directory cannot be made or written."""


class DataDirInUse(DataDirUnusable):
    """Another router works in this data directory."""


def lock(data_dir: Path) -> IO[str]:
    """Take the directory for this process tree, until the returned file is closed or the process ends. Raises
    DataDirUnusable. The directory is made when it is missing."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data_dir / "lock").open("a+")
    except OSError as error:
        text = f"{data_dir} cannot be used ({error.strerror}): name another --data-dir, or make it writable."
        raise DataDirUnusable(text) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise DataDirInUse(
            f"{data_dir} is in use by process {owner}: stop it, or give this one another --data-dir."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent ends, however it ends. Linux only; elsewhere a leftover is cleared at
    the next start."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended just before we asked
        os.kill(os.getpid(), signal.SIGTERM)


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """A child that ends with us, in a session of its own: Ctrl-C reaches us alone, and we stop it in our order."""
    return subprocess.Popen(  # noqa: S603 - our own commands, never a caller's text
        command, preexec_fn=die_with_parent, start_new_session=True, **options
    )


def stop(child: subprocess.Popen[bytes], timeout_s: float = 10.0) -> None:
    """End a child: first asked, then made to."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Keeper:
    """A child that must not be missing: one that ends by itself is started again, until `stop`.

    It is started from a thread that lives as long as the child may, because the kernel's word about a parent's end is
    about the thread that started the child.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Raises OSError when it cannot be started the first time."""
        self._command = command
        self._failure: OSError | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the child, for good."""
        self._stopping.set()
        assert self._child is not None, "it was started"
        stop(self._child)
        self._thread.join()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            try:
                self._child = start(self._command)
            except OSError as error:
                if not self._started.is_set():
                    self._failure = error
                    self._started.set()
                    return
                log.error("%s cannot be started: %s", self._command[0], error)
            else:
                self._started.set()
                self._child.wait()
            if not self._stopping.wait(RESTART_S):
                log.error("%s ended by itself; it is started again", Path(self._command[0]).name)
