"""A real Redis Cluster on this machine: primaries that share the slots, and a replica for each where it is wanted."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from router import children
from router.store import embedded

SLOTS = 16_384
PRIMARIES = 3
# Long, because a busy machine stops processes; a test of failovers wants it short.
NODE_TIMEOUT_MS = 30_000
UP_S = 60.0


@dataclass
class Node:
    port: int
    home: Path
    child: Any

    def ask(self, *words: Any) -> Any:
        client = redis.Redis(port=self.port, socket_timeout=5.0)
        try:
            return client.execute_command(*words)
        finally:
            client.close()

    @property
    def is_primary(self) -> bool:
        try:
            return bool(self.ask("ROLE")[0] == b"master")
        except redis.RedisError:
            return False

    @property
    def knows_all(self) -> bool:
        return b"cluster_state:ok" in told(self.ask("CLUSTER", "INFO"))


@dataclass
class Cluster:
    nodes: list[Node]
    node_timeout_ms: int

    @property
    def url(self) -> str:
        """By every node, so that it is found when one is down."""
        return f"cluster://127.0.0.1:{self.nodes[0].port}"

    def start(self, node: Node) -> None:
        """Start a node, or start it again with the files that it left."""
        binary = embedded.command(Path("."), Path("unused"))[0]
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(self.node_timeout_ms), "--save", "")
        files = (
            "--appendonly",
            "yes",
            "--appendfsync",
            "no",
            "--dir",
            str(node.home),
            "--logfile",
            str(node.home / "log"),
        )
        node.child = children.start([binary, "--port", str(node.port), "--bind", "127.0.0.1", *options, *files])
        until(lambda: node.ask("PING"))

    def kill(self, node: Node) -> None:
        node.child.kill()
        node.child.wait()


def told(said: Any) -> bytes:
    if isinstance(said, dict):
        return b"".join(f"{name}:{value}\n".encode() for name, value in said.items())
    return said if isinstance(said, bytes) else str(said).encode()


def until(done: Callable[[], Any], seconds: float = UP_S) -> Any:
    """What `done` says once it is true; errors of the store are another no."""
    ends = time.monotonic() + seconds
    while True:
        try:
            if found := done():
                return found
        except redis.RedisError:
            pass
        assert time.monotonic() < ends, "the cluster did not come up"
        time.sleep(0.02)


def free_ports(number: int) -> list[int]:
    """Ports that are free, and their cluster buses (10,000 above) with them."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < number:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            port -= 20_000 if port > 50_000 else 0
            try:
                for one in (port, port + 10_000) if port != listener.getsockname()[1] else (port + 10_000,):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", one))
            except OSError:
                continue
            found.append(port)
        return found


@contextmanager
def cluster(*, replicas: bool, node_timeout_ms: int = NODE_TIMEOUT_MS) -> Iterator[Cluster]:
    with ExitStack() as stack:
        made = Cluster([], node_timeout_ms)
        for port in free_ports(PRIMARIES * (2 if replicas else 1)):
            node = Node(port, Path(stack.enter_context(tempfile.TemporaryDirectory())), None)
            made.nodes.append(node)
            made.start(node)
            stack.callback(lambda node=node: children.stop(node.child))
        primaries, others = made.nodes[:PRIMARIES], made.nodes[PRIMARIES:]
        for index, node in enumerate(primaries):
            slots = SLOTS * index // PRIMARIES, SLOTS * (index + 1) // PRIMARIES - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", *slots)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for node in made.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", made.nodes[0].port)
        until(lambda: all(node.knows_all for node in primaries))
        for primary, replica in zip(primaries, others, strict=False):
            name = primary.ask("CLUSTER", "MYID")
            until(lambda replica=replica, name=name: replica.ask("CLUSTER", "REPLICATE", name))
            until(lambda replica=replica: replica.ask("ROLE")[3] == b"connected")
        yield made
