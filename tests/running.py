"""Real processes for tests: a store, a simulator, a router; each on a free port, each stopped at the end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ADMIN_KEY = "test-admin-key-0123456789"
VENDOR_KEY = "vendor-key-canary-7f3a"
START_S = 30.0


@dataclass
class Reply:
    """One HTTP answer. `headers` are lower-cased."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    url: str, method: str = "GET", body: Any = None, key: str | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Any status is a reply, none an exception. `body` is sent as JSON unless it is bytes."""
    sent = {"content-type": "application/json", **(headers or {})}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Reply(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


@dataclass
class Process:
    """A server of ours in a process of its own. `url` is what it printed."""

    url: str
    child: subprocess.Popen[bytes]
    log: Path

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.child.send_signal(number)
        self.child.wait(30)

    def stop(self) -> int:
        """Ask it to end, and say how it ended."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self.child.wait(60)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


def start(arguments: list[str], announced: str, environ: Mapping[str, str], log: Path) -> Process:
    """Start `mistral-router ARGUMENTS`; `announced` is a pattern whose first group is the URL it prints when ready."""
    with log.open("ab") as sink:
        child = subprocess.Popen(
            [sys.executable, "-m", "router", *arguments],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environ},
            cwd=ROOT,
        )
    ends = time.monotonic() + START_S
    while (found := re.search(announced, log.read_text(errors="replace"))) is None:
        if child.poll() is not None or time.monotonic() > ends:
            child.kill()
            raise AssertionError(f"{arguments} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.01)
    return Process(url=found[1], child=child, log=log)


@dataclass
class Simulator(Process):
    def faults(self, *rules: dict[str, Any]) -> None:
        reply = call(f"{self.url}/_sim/faults", "POST", {"rules": list(rules)})
        assert reply.status == 200, reply.body

    def reset(self) -> None:
        call(f"{self.url}/_sim/reset", "POST", {})

    @property
    def bill(self) -> dict[str, Any]:
        return dict(call(f"{self.url}/_sim/bill").json)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return list(call(f"{self.url}/_sim/requests").json["requests"])


@dataclass
class Router(Process):
    """A router and where its files are. `chat` asks with `key` unless told another."""

    key: str = ""
    home: Path = field(default_factory=Path)

    def chat(self, text: str = "Say hello.", key: str | None = None, headers: Any = None, **fields: Any) -> Reply:
        body = {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}
        return call(f"{self.url}/v1/chat/completions", "POST", body, key or self.key, headers)

    def admin(self, method: str, path: str, body: Any = None) -> Reply:
        return call(f"{self.url}/admin/v1{path}", method, body, ADMIN_KEY)

    def new_key(self, team: str, **fields: Any) -> str:
        reply = self.admin("POST", "/keys", {"team": team, "name": "test", **fields})
        assert reply.status == 201, reply.body
        return str(reply.json["key"])

    def usage(self, group_by: str = "team", **query: str) -> dict[str, Any]:
        extra = "".join(f"&{name}={value}" for name, value in query.items())
        return dict(self.admin("GET", f"/usage?group_by={group_by}{extra}").json)

    def settled(self, requests: int) -> dict[str, Any]:
        """The usage total once `requests` are in it: ends of holds are delivered off the critical path."""
        ends = time.monotonic() + 20
        while True:
            total: dict[str, Any] = self.usage()["total"]
            if total["requests"] >= requests or time.monotonic() > ends:
                return total
            time.sleep(0.02)


@contextmanager
def simulator(*arguments: str) -> Iterator[Simulator]:
    with tempfile.TemporaryDirectory() as home:
        plain = start(["simulate", "--port", "0", *arguments], r"SIMULATOR_URL=(\S+)", {}, Path(home) / "log")
        process = Simulator(**vars(plain))
        try:
            yield process
        finally:
            process.stop()


POLICY = """
team = "{team}"

[[budget]]
scope = "team"
usd = "1000.00"
window = "month"
"""


@contextmanager
def router(
    upstream_url: str,
    *arguments: str,
    policies: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Iterator[Router]:
    """A router in front of `upstream_url`, with a key of team "apps". `policies` maps a team to its TOML; a team "apps"
    and a default one are there in any case. With `home` its files outlive it."""
    with tempfile.TemporaryDirectory() as made:
        place = home or Path(made)
        folder = place / "policies"
        folder.mkdir(exist_ok=True)
        given = {"default": POLICY.format(team="default"), "apps": POLICY.format(team="apps"), **(policies or {})}
        for team, text in given.items():
            (folder / f"{team}.toml").write_text(text)
        if not (place / "config").exists():
            shutil.copytree(ROOT / "config", place / "config")
        folders = ["--policies", str(folder), "--config", str(place / "config"), "--data-dir", str(place / "data")]
        plain = start(
            ["serve", "--port", "0", *folders, *arguments],
            r"mistral-router serves (http\S+)/v1",
            {
                "MISTRAL_API_KEY": VENDOR_KEY,
                "ROUTER_UPSTREAM_URL": upstream_url,
                "ROUTER_ADMIN_KEY": ADMIN_KEY,
                **(environ or {}),
            },
            place / f"log-{time.monotonic_ns()}",
        )
        process = Router(**vars(plain), home=place)
        try:
            _wait_ready(process)
            process.key = process.new_key("apps")
            yield process
        finally:
            process.stop()


def _wait_ready(process: Router) -> None:
    ends = time.monotonic() + START_S
    while call(f"{process.url}/readyz").status != 200:
        assert time.monotonic() < ends, process.said
        time.sleep(0.02)
