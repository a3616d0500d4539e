"""An adapter in its own process: a job in, what the client library made of it out."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
JOB_S = 60.0
START_S = 120.0
# No library may call home, or fetch what it believes it needs.
QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "true",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


class Adapter:
    """`ready` is the library and its version, `verbs` what the adapter can do with it."""

    def __init__(self, child: subprocess.Popen[str], log: Path) -> None:
        self._child = child
        self._log = log
        self._said: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        hello = self._hear(START_S)
        self.ready: str = hello["ready"]
        self.verbs: list[str] = hello["verbs"]

    def do(self, verb: str, **job: str) -> dict[str, Any]:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"verb": verb, **job}) + "\n")
        self._child.stdin.flush()
        return self._hear(JOB_S)

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._said.put(line)
        self._said.put(None)

    def _hear(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._said.get(timeout=seconds)
        except queue.Empty:
            line = None
        assert line is not None, f"the adapter said nothing:\n{self._log.read_text(errors='replace')[-4000:]}"
        return dict(json.loads(line))


@contextmanager
def adapter(command: list[str]) -> Iterator[Adapter]:
    """Start `command`, and end it."""
    with tempfile.TemporaryDirectory() as home:
        log = Path(home) / "log"
        environ = {"PATH": os.environ["PATH"], "HOME": home, "PYTHONUNBUFFERED": "1", **QUIET}
        with log.open("wb") as sink:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, env=environ, cwd=HERE, text=True
            )
        try:
            yield Adapter(child, log)
        finally:
            child.kill()
            child.communicate()
