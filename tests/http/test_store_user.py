"""The store's user of docs/security.md: it can do what the router needs, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis

from tests import running
from tests.pages import FENCE, ROUTER, section
from tests.running import Simulator, command

ALICE = "pass-0123456789"


def user() -> list[str]:
    (line,) = [body for _, body in FENCE.findall(section("docs/security.md", "The store"))]
    name, *rules = line.replace("PASSWORD", ALICE).split()[1:]
    return ["ACL", "SETUSER", name, *rules]


def test_a_router_works_with_the_documented_user_of_the_store(upstream: Simulator, tmp_path: Path) -> None:
    with running.valkey() as url:
        administrator = redis.Redis.from_url(url)
        administrator.execute_command(*user())
        address = url.replace("//", f"//router:{ALICE}@")
        environ = {"ROUTER_REDIS_URL": address, "ROUTER_KEY_PEPPER": "pepper-0123456789"}
        with running.router(upstream.url, environ=environ, home=tmp_path) as router:
            key = router.admin("POST", "/keys", {"team": "apps", "name": "x"}).json["id"]
            messages = [{"role": "user", "content": "hello"}]
            for number in range(3):
                answered = router.post("/v1/chat/completions", {"model": "auto", "messages": messages, "max_tokens": 9})
                assert answered.status == 200, answered.body
                messages += [answered.json["choices"][0]["message"], {"role": "user", "content": f"and {number}?"}]
                messages = [entry if entry.get("content") else {**entry, "content": "yes"} for entry in messages]
            router.settled(3)
            told = {"request_id": answered.headers["x-request-id"], "good": True}
            assert router.post("/v1/feedback", told).status == 200
            for method, path, body in (
                ("GET", "/records", None),
                ("GET", "/usage?group_by=day", None),
                ("GET", "/unconfirmed", None),
                ("GET", "/backup", None),
                ("POST", f"/keys/{key}/rotate", {"grace_s": 1}),
                ("DELETE", f"/keys/{key}", None),
                ("POST", "/models/mistral-small-2603/disable", {"for_s": 5, "reason": "a test"}),
                ("POST", "/models/mistral-small-2603/enable", None),
                ("GET", "/audit", None),
            ):
                reply = router.admin(method, path, body)
                assert reply.status == 200, (path, reply.body)
            assert "NOPERM" not in router.said
        code, said, _ = command("check", environ={"ROUTER_REDIS_URL": address})
        assert code == 0, said
        denied = administrator.execute_command("ACL", "LOG")
        assert not denied, denied


def test_the_user_may_do_what_every_script_does() -> None:
    scripts = "\n".join(path.read_text() for path in (ROUTER / "store" / "scripts").glob("*.lua"))
    called = {name.lower() for name in re.findall(r"redis\.call\(\s*['\"](\w+)", scripts)}
    assert len(called) > 10
    assert {f"+{name}" for name in called} <= set(user())


@pytest.mark.parametrize("asked", [["FLUSHALL"], ["KEYS", "*"], ["GET", "elsewhere"], ["CONFIG", "SET", "save", ""]])
def test_the_user_can_do_nothing_else(asked: list[str]) -> None:
    with running.valkey() as url:
        redis.Redis.from_url(url).execute_command(*user())
        router = redis.Redis.from_url(url.replace("//", f"//router:{ALICE}@"))
        with pytest.raises(redis.exceptions.NoPermissionError):
            router.execute_command(*asked)
