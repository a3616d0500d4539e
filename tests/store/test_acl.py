"""The documented rights of the router's user are enough for everything that it does, and for little else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from router.core.alarms import Passed
from router.store.alarms import AlarmBook
from router.store.connect import connect
from tests import running
from tests.running import ADMIN_KEY, ROOT, Simulator, call

ACL = ROOT / "deploy" / "valkey" / "router.acl"


@pytest.fixture(scope="module")
def guarded_store() -> Iterator[str]:
    """A store with the file's users, and an operator who looks on."""
    lines = [line for line in ACL.read_text().splitlines() if line.startswith("user ")]
    with running.valkey() as url:
        client = redis.Redis.from_url(url)
        # The users as a server would read them; the one who does it goes last.
        for line in ("user operator on >watch ~* &* +@all", *reversed(lines)):
            client.execute_command("ACL", "SETUSER", *line.split()[1:])
        client.close()
        yield url


def as_user(url: str, user: str, password: str) -> str:
    return url.replace("unix://", f"unix://{user}:{password}@")


def asked(url: str, *words: str) -> Any:
    client = redis.Redis.from_url(as_user(url, "operator", "watch"))
    try:
        return client.execute_command(*words)
    finally:
        client.close()


def test_the_router_does_everything_with_its_documented_rights(guarded_store: str, upstream: Simulator) -> None:
    environ = {"ROUTER_REDIS_URL": as_user(guarded_store, "router", "change-me"), "ROUTER_KEY_PEPPER": "pepper"}
    with running.router(upstream.url, environ=environ) as router:
        asked(guarded_store, "ACL", "LOG", "RESET")
        first = router.chat("Remember the number seven.", max_tokens=5)
        assert router.stream(max_tokens=5).done
        said = [
            {"role": "user", "content": "Remember the number seven."},
            {"role": "assistant", "content": first.json["choices"][0]["message"]["content"]},
            {"role": "user", "content": "Which number?"},
        ]
        assert router.post("/v1/chat/completions", {"model": "auto", "max_tokens": 5, "messages": said}).ok
        upstream.faults({"fault": "status", "status": 500})
        assert router.chat(max_tokens=5).headers["x-router-attempts"] == "2"
        assert router.settled(4)["requests"] == 4
        name = first.headers["x-request-id"]
        assert router.record(first)["request_id"] == name
        assert router.post("/v1/feedback", {"request_id": name, "good": True}).ok
        assert router.admin("POST", "/models/mistral-large-2512/disable", {"for_s": 60, "reason": "a test"}).ok
        for path in ("/keys", "/records", "/audit", "/unconfirmed", "/policies", "/upstream"):
            assert router.admin("GET", path).ok, path
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        grant = {"usd": "5", "until": until, "reason": "a test"}
        given = router.admin("POST", "/policies/apps/grants", grant).json["id"]
        assert router.admin("GET", "/policies/apps").ok
        assert router.admin("DELETE", f"/policies/apps/grants/{given}").ok
        key_id = router.admin("GET", "/keys").json["keys"][0]["id"]
        assert router.admin("POST", f"/keys/{key_id}/rotate", {"grace_s": 60}).ok
        assert router.admin("DELETE", f"/keys/{key_id}").ok
        saved = router.home / "backup"
        told = {"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}
        for words in (("backup", str(saved)), ("restore", str(saved))):
            code, out, err = running.command(*words, environ=told)
            assert code == 0, out + err
        assert call(f"{router.url}/readyz").ok
    assert asked(guarded_store, "ACL", "LOG") == []


def test_alarms_are_noticed_and_forgotten_with_these_rights(guarded_store: str) -> None:
    async def main() -> None:
        client = connect(as_user(guarded_store, "router", "change-me"), timeout_s=30.0)
        book = AlarmBook(client, deadline_s=30.0)
        try:
            assert await book.turn(1)
            noticed = await book.note(Passed(id="alarm_1", webhook="x", until_ms=1, body=b"{}"), 1.0)
            assert noticed is not None
            await book.keep("alarm_1", noticed)
            assert await book.all() == {"alarm_1": noticed}
            await book.forget("alarm_1")
        finally:
            await client.aclose()

    asyncio.run(main())


@pytest.mark.parametrize(
    "words",
    [
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("GET", "another:application"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("EVAL", "return redis.call('GET', KEYS[1])", "1", "another:application"),
        ("EVAL", "return redis.call('FLUSHALL')", "0"),
    ],
)
def test_little_else_is_allowed(guarded_store: str, words: tuple[str, ...]) -> None:
    client = redis.Redis.from_url(as_user(guarded_store, "router", "change-me"))
    try:
        with pytest.raises(redis.ResponseError, match=r"(?i)permission|NOPERM|can't run"):
            client.execute_command(*words)
    finally:
        client.close()


def test_nobody_comes_in_without_a_user(guarded_store: str) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(guarded_store).ping()


def test_the_file_is_the_one_that_the_docs_name() -> None:
    assert str(ACL.relative_to(ROOT)) in Path(ROOT / "docs" / "operations.md").read_text()
