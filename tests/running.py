"""Real processes for tests: a store, a simulator, a router; each on a free port, each stopped at the end."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from router import children
from router.store import embedded

ROOT = Path(__file__).parent.parent
ADMIN_KEY = "test-admin-key-0123456789"
VENDOR_KEY = "vendor-key-canary-7f3a"
START_S = 30.0
# A busy machine may stop a process for longer than a request would wait for its store; only tests of that wait are
# strict about it.
PATIENT = {"ROUTER_STORE_TIMEOUT": "20"}
STRICT = {"ROUTER_STORE_TIMEOUT": "0.25"}


@dataclass
class Reply:
    """One HTTP answer. `headers` are lower-cased."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.json["error"])


@dataclass
class Streamed(Reply):
    """An SSE answer. `chunks` are its decoded events, `done` says whether `[DONE]` came, `cut` whether the connection
    was lost before the body's proper end."""

    chunks: list[dict[str, Any]]
    done: bool
    cut: bool

    @property
    def text(self) -> str:
        return "".join(
            choice["delta"].get("content") or "" for chunk in self.chunks for choice in chunk.get("choices", ())
        )


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


def stream(url: str, body: Any, key: str | None = None, headers: Mapping[str, str] | None = None) -> Streamed:
    """A streamed POST, read to its end, however it ends."""
    parts = urlsplit(url)
    sent = {"content-type": "application/json", **(headers or {})}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("POST", parts.path, json.dumps(body), sent)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        try:
            raw, cut = answer.read(), False
        except http.client.IncompleteRead as error:
            raw, cut = error.partial, True
    finally:
        connection.close()
    data = [line[6:] for line in raw.decode().split("\n") if line.startswith("data: ")]
    chunks = [json.loads(event) for event in data if event != "[DONE]"]
    return Streamed(answer.status, told, raw, chunks, done=data[-1:] == ["[DONE]"], cut=cut)


def raw(url: str, request: bytes, *, until_closed: bool = True) -> bytes:
    """What the server says to these very bytes: all until it closes, or its first piece."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
            if not until_closed:
                break
    return answer


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What `condition` says once it is true; an error when it does not become so."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "what was waited for did not happen"
        time.sleep(0.02)
    return found


def family(pid: int) -> set[int]:
    """The process and all its descendants that live now."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found = {pid} & parents.keys()
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that live now; a zombie does not."""
    return {pid for pid in pids if pid in family(pid)}


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


def command(*arguments: str, environ: Mapping[str, str] | None = None, given: str = "") -> tuple[int, str, str]:
    """Run `mistral-router ARGUMENTS` to its end: exit code, standard output, standard error."""
    ended = subprocess.run(
        [sys.executable, "-m", "router", *arguments],
        input=given.encode(),
        capture_output=True,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **(environ or {})},
        cwd=ROOT,
        timeout=60,
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def start(arguments: list[str], announced: str, environ: Mapping[str, str], log: Path, *within: str) -> Process:
    """Start `mistral-router ARGUMENTS`; `announced` is a pattern whose first group is the URL it prints when ready.
    `within` are words for Python before the router's own, such as a profiler's."""
    with log.open("ab") as sink:
        child = subprocess.Popen(
            [sys.executable, *within, "-m", "router", *arguments],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **PATIENT, **environ},
            cwd=ROOT,
        )
    ends = time.monotonic() + START_S
    while (found := re.search(announced, log.read_text(errors="replace"))) is None:
        if child.poll() is not None or time.monotonic() > ends:
            child.kill()
            child.wait()
            raise AssertionError(f"{arguments} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.01)
    return Process(url=found[1], child=child, log=log)


@dataclass
class Simulator(Process):
    def faults(self, *rules: dict[str, Any]) -> None:
        reply = call(f"{self.url}/_sim/faults", "POST", {"rules": list(rules)})
        assert reply.status == 200, reply.body

    def reset(self) -> None:
        """Forget everything; first let slow answers end, which would be billed to the next test. What has no status
        after a while was stalled or reset, and never gets one."""
        while any(entry["status"] is None and time.time() - entry["at"] / 1000 < 1.5 for entry in self.requests):
            time.sleep(0.02)
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

    def stream(self, text: str = "Say hello.", key: str | None = None, headers: Any = None, **fields: Any) -> Streamed:
        body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": text}], **fields}
        return stream(f"{self.url}/v1/chat/completions", body, key or self.key, headers)

    def post(self, path: str, body: Any, key: str | None = None, headers: Any = None) -> Reply:
        return call(f"{self.url}{path}", "POST", body, key or self.key, headers)

    def admin(self, method: str, path: str, body: Any = None) -> Reply:
        return call(f"{self.operated_at}/admin/v1{path}", method, body, ADMIN_KEY)

    @property
    def operated_at(self) -> str:
        """Where the operations plane is: the port of its own, if it was given one."""
        found = re.search(r"is operated at (http\S+)", self.said)
        return found[1] if found else self.url

    def new_key(self, team: str, **fields: Any) -> str:
        reply = self.admin("POST", "/keys", {"team": team, "name": "test", **fields})
        assert reply.status == 201, reply.body
        return str(reply.json["key"])

    def usage(self, group_by: str = "team", **query: str) -> dict[str, Any]:
        extra = "".join(f"&{name}={value}" for name, value in query.items())
        return dict(self.admin("GET", f"/usage?group_by={group_by}{extra}").json)

    def settled(self, requests: int, **query: str) -> dict[str, Any]:
        """The usage total once `requests` are in it: ends of holds are delivered off the critical path."""
        ends = time.monotonic() + 20
        while True:
            total: dict[str, Any] = self.usage(**query)["total"]
            if total["requests"] >= requests or time.monotonic() > ends:
                return total
            time.sleep(0.02)

    def record(self, reply: Reply) -> dict[str, Any]:
        """The record of the request that got `reply`, once it is written."""
        path = f"/records/{reply.headers['x-request-id']}"
        return dict(wait_for(lambda: (found := self.admin("GET", path)).status == 200 and found.json))

    def set_policy(self, team: str, text: str) -> None:
        """Write the team's file and wait until it is in force."""
        before = self.admin("GET", "/policies").json["rules"]
        (self.home / "policies" / f"{team}.toml").write_text(text)
        wait_for(lambda: self.admin("GET", "/policies").json["rules"] != before)


@contextmanager
def valkey(*options: str) -> Iterator[str]:
    """A store of one's own, and its URL."""
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home)
        path = embedded.socket_path(directory)
        child = children.start([*embedded.command(directory, path), *options])
        try:
            yield embedded.wait_until_up(directory, path)
        finally:
            children.stop(child)


def store_command(url: str, *words: str) -> Any:
    """One command to a store; None when it closes instead of answering, as it does when it is shut down."""
    client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    try:
        return client.execute_command(*words)
    except redis.ConnectionError:
        return None
    finally:
        client.close()


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
    settings: str | None = None,
    host: str = "127.0.0.1",
    within: Sequence[str] = (),
) -> Iterator[Router]:
    """A router in front of `upstream_url`, with a key of team "apps". `policies` maps a team to its TOML; a team "apps"
    and a default one are there in any case. With `home` its files outlive it. `settings` is its router.toml."""
    with tempfile.TemporaryDirectory() as made:
        place = home or Path(made)
        folder = place / "policies"
        folder.mkdir(exist_ok=True)
        given = {"default": POLICY.format(team="default"), "apps": POLICY.format(team="apps"), **(policies or {})}
        for team, text in given.items():
            (folder / f"{team}.toml").write_text(text)
        if not (place / "config").exists():
            shutil.copytree(ROOT / "config", place / "config")
        if settings is not None:
            (place / "config" / "router.toml").write_text(settings)
        folders = ["--policies", str(folder), "--config", str(place / "config"), "--data-dir", str(place / "data")]
        plain = start(
            ["serve", "--port", "0", "--host", host, *folders, *arguments],
            r"mistral-router serves (http\S+)/v1",
            {
                "MISTRAL_API_KEY": VENDOR_KEY,
                "ROUTER_UPSTREAM_URL": upstream_url,
                "ROUTER_ADMIN_KEY": ADMIN_KEY,
                **(environ or {}),
            },
            place / f"log-{time.monotonic_ns()}",
            *within,
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
