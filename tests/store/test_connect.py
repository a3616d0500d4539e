"""A store's URL: what is served, and how a mistake is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import RedisCluster

from router.store.connect import TIMEOUT_S, connect

PLAIN = {
    "redis://localhost:6399/2": {"host": "localhost", "port": 6399, "db": 2},
    "redis://me:secret@store": {"host": "store", "username": "me", "password": "secret"},
    "rediss://store:6400": {"host": "store", "port": 6400},
    "unix:///run/valkey.sock": {"path": "/run/valkey.sock"},
    "unix:///run/a%20b%2350%25.sock": {"path": "/run/a b#50%.sock"},
}


@pytest.mark.parametrize("url", PLAIN)
def test_a_single_server_is_reached_with_short_times(url: str) -> None:
    client: Any = connect(url)
    options = client.connection_pool.connection_kwargs
    assert {name: options[name] for name in PLAIN[url]} == PLAIN[url]
    assert options["socket_timeout"] == options["socket_connect_timeout"] == TIMEOUT_S
    assert options["retry"].get_retries() == 1


def test_a_sentinel_group_is_asked_for_its_master() -> None:
    client: Any = connect("sentinel://:secret@one:26380,two/ledger")
    pool = client.connection_pool
    assert pool.service_name == "ledger"
    hosts = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
    assert [(host["host"], host["port"], host["password"]) for host in hosts] == [
        ("one", 26380, "secret"),
        ("two", 26379, "secret"),
    ]
    assert connect("sentinel://one").connection_pool.service_name == "mymaster"


@pytest.mark.parametrize(("url", "secure"), [("cluster://one:7000", False), ("cluster+tls://one:7000", True)])
def test_a_cluster_is_found_through_one_of_its_nodes(url: str, secure: bool) -> None:
    async def main() -> None:  # a cluster's client belongs to a loop
        client = connect(url)
        assert isinstance(client, RedisCluster)
        [node] = client.nodes_manager.startup_nodes.values()
        assert (node.host, node.port) == ("one", 7000)
        assert client.connection_kwargs["socket_timeout"] == TIMEOUT_S
        assert ("ssl_context" in str(client.connection_kwargs) or "SSL" in str(client.connection_kwargs)) == secure

    asyncio.run(main())


@pytest.mark.parametrize("url", ["http://store", "store:6379", "valkey.sock", ""])
def test_another_scheme_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"ROUTER_REDIS_URL has the scheme .*served are redis, rediss, unix, sentinel"):
        connect(url)


def test_a_port_that_is_no_number_is_a_mistake_of_the_url() -> None:
    with pytest.raises(ValueError, match="Port could not be cast"):
        connect("redis://store:many")
