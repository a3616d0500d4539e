"""What is measured: processes on loopback, each on a core of its own where there are two."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from router import children
from tests import running

HERE = Path(__file__).parent
START_S = 10.0

# Wide enough never to refuse, and real: each request is held and settled on four accounts.
POLICY = """
team = "apps"

[[budget]]
scope = "team"
usd = "1000000.00"
window = "month"

[[limit]]
scope = "key"
requests_per_minute = 100_000_000
tokens_per_minute = 1_000_000_000_000
concurrency = 10_000
"""

NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log {home}/error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {home}/a; proxy_temp_path {home}/b;
  fastcgi_temp_path {home}/c; uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;
  upstream there {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://there; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


@dataclass
class Target:
    """`pid` is the root of the process tree whose processor time counts."""

    name: str
    url: str
    pid: int
    key: str = "none"


def cores() -> tuple[int, int] | None:
    """One core for what is measured and one for everything else; None when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else None


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found, queue = [], [pid]
    while queue:
        at = queue.pop()
        found.append(at)
        for task in Path(f"/proc/{at}/task").glob("*/children"):
            with suppress(OSError):
                queue += [int(child) for child in task.read_text().split()]
    return found


def pin(pid: int, core: int) -> None:
    for member in tree(pid):
        for task in Path(f"/proc/{member}/task").iterdir():
            with suppress(OSError):
                os.sched_setaffinity(int(task.name), {core})


def cpu_s(pid: int) -> float:
    """Processor time of the tree so far, user and system, from the scheduler's own count."""
    total = 0
    for member in tree(pid):
        for task in Path(f"/proc/{member}/task").glob("*/schedstat"):
            with suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e9


@contextmanager
def upstream(home: Path) -> Iterator[Target]:
    compiler = shutil.which("gcc") or shutil.which("cc")
    command = [sys.executable, "-m", "tests.bench.upstream"]
    if compiler:
        command = [str(home / "upstream")]
        subprocess.run([compiler, "-O2", "-o", command[0], HERE / "upstream.c"], check=True)
    child = children.start(command, stdout=subprocess.PIPE, cwd=running.ROOT)
    try:
        assert child.stdout is not None
        url = child.stdout.readline().decode().strip().partition("=")[2]
        yield Target("upstream (C)" if compiler else "upstream (Python)", url, child.pid)
    finally:
        children.stop(child)


@contextmanager
def nginx(upstream_url: str, program: str) -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as made:
        home, port = Path(made), _free_port()
        conf = home / "nginx.conf"
        conf.write_text(NGINX.format(home=home, port=port, upstream=upstream_url.removeprefix("http://")))
        child = children.start([program, "-p", made, "-c", str(conf), "-e", str(home / "error.log")])
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url)
            yield Target("nginx", url, child.pid)
        finally:
            children.stop(child)


@contextmanager
def router(upstream_url: str, within: Sequence[str] = ()) -> Iterator[Target]:
    environ, policies = {"ROUTER_LOG_LEVEL": "WARNING"}, {"apps": POLICY}
    with running.router(upstream_url, policies=policies, environ=environ, within=within) as process:
        yield Target("router", process.url, process.child.pid, process.key)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str) -> None:
    ends = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert time.monotonic() < ends, f"nothing answers at {url}"
            time.sleep(0.02)
