"""A Redis client from a URL: one server, a Sentinel group or a Cluster; and the one door for scripts.

Time-outs are short and there is one retry, because redis-py's own defaults (5 s, ten retries) would hold a request for
a minute. A retry runs the script again, which is safe: every verb is idempotent by id.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from router.errors import StoreUnavailable
from router.store.breaker import Breaker
from router.store.scripts import Script

TIMEOUT_S: Final = 0.25
CONNECTIONS_MAX: Final = 32
# These clients fail instead of waiting for a free connection, and while a server hangs each turn takes another one.
CONNECTIONS_HANGING_MAX: Final = 1_024
RETRY_AFTER_MS: Final = 2_000


def deadline_of(timeout_s: float) -> float:
    """The longest that a request waits for the store. A retry after a lost connection is in it; one after a time-out
    goes on without the request, whose policy says what happens."""
    return timeout_s + 0.02


DEADLINE_S: Final = deadline_of(TIMEOUT_S)

Client = Redis | RedisCluster
# What a store that is away looks like; a Cluster's own errors are no RedisError.
STORE_ERRORS: Final = (RedisError, RedisClusterException, OSError)
# Not even an error was answered.
NO_ANSWERS: Final = (RedisConnectionError, RedisTimeoutError, RedisClusterException, OSError)


class UnknownScheme(ValueError):
    """A store's address that begins with nothing we know. The message has no part of the address but that."""


def connect(url: str, *, timeout_s: float = TIMEOUT_S) -> Client:
    """A client for redis://, rediss://, unix://, sentinel://host:port/service or cluster://host:port (cluster+tls://).

    Raises UnknownScheme for another scheme, ValueError for an address that does not parse. Nothing is sent yet.
    `timeout_s` bounds each exchange with a server.
    """
    parts = urlsplit(url)
    common: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError, RedisTimeoutError)),
    }
    match parts.scheme:
        case "redis" | "rediss" | "unix":
            pool = BlockingConnectionPool.from_url(url, max_connections=CONNECTIONS_MAX, timeout=timeout_s, **common)
            return Redis.from_pool(pool)  # closing the client closes its connections
        case "sentinel":
            hosts = [_host(host, 26379) for host in parts.netloc.rpartition("@")[2].split(",")]
            login: dict[str, Any] = {"password": parts.password} if parts.password else {}
            # redis-py leaves Sentinel untyped.
            group: Any = Sentinel(hosts, sentinel_kwargs={"socket_timeout": timeout_s, **login})  # type: ignore[no-untyped-call]
            limits = {"max_connections": CONNECTIONS_HANGING_MAX}
            client: Redis = group.master_for(parts.path.strip("/") or "mymaster", **limits, **common, **login)
            return client
        case "cluster" | "cluster+tls":
            plain = "rediss" if parts.scheme == "cluster+tls" else "redis"
            address = url.replace(parts.scheme, plain, 1)
            return RedisCluster.from_url(address, max_connections=CONNECTIONS_HANGING_MAX, **common)
    raise UnknownScheme(
        f"ROUTER_REDIS_URL has the scheme {parts.scheme!r}; "
        "served are redis, rediss, unix, sentinel, cluster and cluster+tls"
    )


async def opened(client: Client) -> None:
    """Ask a Cluster which node has which slots, before many calls find out at once and close each other's connections.
    One that is away is asked again by the first call."""
    if isinstance(client, RedisCluster):
        with suppress(*STORE_ERRORS):
            await client.initialize()


def _host(text: str, port: int) -> tuple[str, int]:
    name, _, number = text.partition(":")
    return name, int(number or port)


async def ping(client: Client, deadline_s: float) -> None:
    """Whether the store is there. Raises StoreUnavailable when it is not."""
    try:
        async with asyncio.timeout(deadline_s):
            await client.ping()
    except (*STORE_ERRORS, TimeoutError) as error:
        failure = away("does not answer")
        raise failure from error


def mode_of(url: str) -> str:
    """What kind of store an address names: `server`, `sentinel` or `cluster`."""
    return {"sentinel": "sentinel", "cluster": "cluster", "cluster+tls": "cluster"}.get(urlsplit(url).scheme, "server")


def _untold(verb: str, duration_s: float, answered: bool) -> None:
    """For a door that nobody watches."""


class _Call(msgspec.Struct):
    script: Script
    keys: Sequence[str]
    args: Sequence[Any]
    future: asyncio.Future[Any]


class Door:
    """Scripts go through here. Calls made in one turn of the event loop share a round trip, on a Cluster those of one
    node, and a node that is away is no hindrance to the others. Errors of the store come out as `StoreUnavailable`.
    `on_call` is told of each call how long it took and whether the store answered."""

    def __init__(
        self, client: Client, deadline_s: float = DEADLINE_S, on_call: Callable[[str, float, bool], None] = _untold
    ) -> None:
        self.client = client
        self.deadline_s = deadline_s
        self._on_call = on_call
        self.breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
        self._waiting: defaultdict[str, list[_Call]] = defaultdict(list)
        self._flights: set[asyncio.Task[None]] = set()

    async def call(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """The script's reply. Raises StoreUnavailable after `deadline_s` at the latest, and at once while the store has
        not answered for a while; the script may have run."""
        node = self._node(keys)
        breaker = self.breakers[node]
        if not breaker.lets_through():
            raise away("does not answer")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._depart)
        self._waiting[node].append(_Call(script, keys, args, future))
        began_s = time.perf_counter()
        try:
            async with asyncio.timeout(self.deadline_s):
                reply = await future
        except (TimeoutError, StoreUnavailable) as error:
            self._on_call(script.name, time.perf_counter() - began_s, False)
            if isinstance(error, StoreUnavailable):
                raise
            breaker.failed()
            raise away("did not answer in time") from None
        self._on_call(script.name, time.perf_counter() - began_s, True)
        return reply

    def _node(self, keys: Sequence[str]) -> str:
        """The Cluster's node that has these keys, as far as is known; of a single server, nothing."""
        if not isinstance(self.client, RedisCluster) or not keys:
            return ""
        try:
            node = self.client.get_node_from_key(keys[0])
        except RedisClusterException:  # nobody has asked the cluster yet
            return ""
        return node.name if node is not None else ""

    def _depart(self) -> None:
        waiting, self._waiting = self._waiting, defaultdict(list)
        for node, batch in waiting.items():
            flight = asyncio.get_running_loop().create_task(self._fly(self.breakers[node], batch))
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    async def _fly(self, breaker: Breaker, batch: list[_Call]) -> None:
        replies = await self._send(
            [("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.args) for call in batch]
        )
        unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:  # a fresh server, or a replica that was promoted: its script cache is empty
            calls = [batch[index] for index in unknown]
            again = [("EVAL", call.script.source, len(call.keys), *call.keys, *call.args) for call in calls]
            for index, reply in zip(unknown, await self._send(again), strict=True):
                replies[index] = reply
        for call, reply in zip(batch, replies, strict=True):
            if not isinstance(reply, BaseException):
                breaker.answered()
            elif isinstance(reply, NO_ANSWERS):
                breaker.failed()
            if call.future.done():
                continue
            if isinstance(reply, BaseException):
                failure = away(f"failed: {type(reply).__name__}")
                failure.__cause__ = reply
                call.future.set_exception(failure)
            else:
                call.future.set_result(reply)

    async def _send(self, calls: list[tuple[Any, ...]]) -> list[Any]:
        try:
            if len(calls) == 1:
                return [await self.client.execute_command(*calls[0])]
            pipe: Any = self.client.pipeline(transaction=False)
            for call in calls:
                pipe.execute_command(*call)
            return list(await pipe.execute(raise_on_error=False))
        except Exception as error:  # a lost connection shows in more ways than the library's own errors
            return [error] * len(calls)


def away(what: str) -> StoreUnavailable:
    return StoreUnavailable(f"The budget store {what}; try again in 2 seconds.", retry_after_ms=RETRY_AFTER_MS)
