"""A Sentinel group: the router finds the primary, and its successor when it dies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from router import children
from router.store import embedded
from tests import clustered, running
from tests.clustered import Node, until
from tests.running import Simulator

GROUP = "ledger"


@pytest.fixture
def group() -> Iterator[tuple[str, Node]]:
    """The group's address, and its primary of now."""
    binary = embedded.command(Path("."), Path("unused"))[0]
    with ExitStack() as stack:
        nodes = []
        for port in clustered.free_ports(3):
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            nodes.append(Node(port, home, None))
        primary, replica, sentinel = nodes
        common = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        for node in (primary, replica):
            place = ["--port", str(node.port), "--dir", str(node.home), "--logfile", str(node.home / "log")]
            follows = [] if node is primary else ["--replicaof", f"127.0.0.1 {primary.port}"]
            node.child = children.start([binary, *place, *common, *follows])
            stack.callback(lambda node=node: children.stop(node.child))
        until(lambda: replica.ask("ROLE")[3] == b"connected")
        file = sentinel.home / "sentinel.conf"
        file.write_text(
            f"port {sentinel.port}\nbind 127.0.0.1\ndir {sentinel.home}\nlogfile {sentinel.home / 'log'}\n"
            f"sentinel monitor {GROUP} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {GROUP} 1000\nsentinel failover-timeout {GROUP} 5000\n"
        )
        sentinel.child = children.start([binary, str(file), "--sentinel"])
        stack.callback(children.stop, sentinel.child)
        until(lambda: len(sentinel.ask("SENTINEL", "REPLICAS", GROUP)) == 1)
        yield f"sentinel://127.0.0.1:{sentinel.port}/{GROUP}", primary


def test_a_router_goes_on_with_the_primary_that_sentinel_names(group: tuple[str, Node], upstream: Simulator) -> None:
    url, primary = group
    environ = {"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": "pepper-for-tests", **running.STRICT}
    with running.router(upstream.url, environ=environ) as router:
        running.wait_for(lambda: router.chat(max_tokens=5).ok)
        primary.child.kill()
        primary.child.wait()
        running.wait_for(lambda: router.chat(max_tokens=5).status == 503)
        running.wait_for(lambda: router.chat(max_tokens=5).ok, seconds=60)
        bill = upstream.bill["nano_usd"]
        running.wait_for(lambda: router.usage()["total"]["nano_usd"] >= bill, seconds=30)
