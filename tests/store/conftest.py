"""A client of the worker's store, inside one event loop per test."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from router.store.connect import Client, connect, opened

# What one server was asked, or does when it is told so directly, can only be seen where there is one.
one_server = pytest.mark.skipif(os.environ.get("TEST_STORE") == "cluster", reason="is about a single server")

Run = Callable[[Callable[[Client], Awaitable[Any]]], Any]


@pytest.fixture
def run(store_url: str) -> Run:
    """Run a coroutine function with a client of the store, and close the client."""

    def go(main: Callable[[Client], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            # A busy machine may stop a process for longer than a request would wait.
            client = connect(store_url, timeout_s=30.0)
            try:
                await opened(client)
                return await main(client)
            finally:
                await client.aclose()

        return asyncio.run(whole())

    return go


@pytest.fixture
def team() -> str:
    """A team that nothing was ever charged to."""
    return f"t-{uuid.uuid4().hex[:12]}"
