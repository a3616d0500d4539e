"""No secret anywhere: logs at DEBUG, answers, metrics, records and the store's dump are searched for canaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis

from router.store import packing
from tests import running
from tests.running import ADMIN_KEY, VENDOR_KEY, Reply, Simulator, call

PEPPER = "pepper-canary-5d1c"
PROMPT = "prompt-canary-e7a9"
ANSWER = "answer-canary-b2f4"
HELLO = [{"role": "user", "content": PROMPT}]
# The streams whose entries are packed.
PACKED: dict[bytes, packing.Kind] = {b"rows": "row", b"details": "details"}


def failures(router: running.Router, upstream: Simulator) -> list[Reply]:
    """Every way to fail that there is, with the canaries in whatever is sent."""
    found = []
    for fault in (
        {"fault": "status", "status": 401}, {"fault": "status", "status": 400}, {"fault": "status", "status": 422},
        {"fault": "status", "status": 500}, {"fault": "html"}, {"fault": "reset"}, {"fault": "truncate"},
        {"fault": "stall"}, {"fault": "error_finish"}, {"fault": "capacity"}, {"fault": "rate_limited"},
        {"fault": "no_usage"},
    ):  # fmt: skip
        upstream.faults({"times": None, **fault})
        for stream in (False, True):
            ask = router.stream if stream else router.chat
            headers = {"x-router-timeout-ms": "400", "x-router-explain": "enabled"}
            found.append(ask(PROMPT, model="mistral-large-2512", max_tokens=5, headers=headers))
    upstream.faults({"fault": "answer", "times": None, "answer": {"content": f"{ANSWER} " * 30}})
    found += [router.chat(PROMPT), router.stream(PROMPT)]
    tool = {"type": "function", "function": {"name": "f", "description": PROMPT}}
    bodies: list[Any] = [
        {"model": "nope", "messages": HELLO}, {"messages": HELLO}, {"model": "auto", "messages": PROMPT},
        {"model": "auto", "messages": [{"role": "user", "content": {"a": PROMPT}}]},
        {"model": "auto", "messages": HELLO, "max_tokens": 10**7}, {"model": "auto", "messages": HELLO, "n": 99},
        {"model": "auto", "messages": HELLO, "tools": [tool], "tool_choice": "never"},
        f'{{"model": "auto", "messages": "{PROMPT}'.encode(),
    ]  # fmt: skip
    found += [router.post("/v1/chat/completions", body) for body in bodies]
    found += [call(f"{router.url}/v1/chat/completions", "POST", bodies[0], key) for key in (None, ADMIN_KEY)]
    found += [router.admin("POST", "/keys", {"team": "apps"}), call(f"{router.url}/admin/v1/keys", key=router.key)]
    return found


def test_no_secret_and_no_prompt_is_in_logs_answers_metrics_records_or_the_store(
    upstream: Simulator, tmp_path: Path
) -> None:
    with running.valkey() as url:
        environ = {"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": PEPPER, "ROUTER_LOG_LEVEL": "DEBUG"}
        with running.router(upstream.url, environ=environ, home=tmp_path) as router:
            replies = failures(router, upstream)
            router.settled(20)
            said = [reply for reply in replies if ANSWER.encode() not in reply.body]
            told = [bytes(reply.body) + str(reply.headers).encode() for reply in said]
            pages = [call(f"{router.url}/metrics").body, router.admin("GET", "/keys").body]
            pages += [router.admin("GET", f"/records?limit=1000{more}").body for more in ("", "&team=apps")]
            pages += [
                router.admin("GET", path).body for path in ("/usage", "/policies", "/upstream", "/models", "/audit")
            ]
            dump = everything(url)
            journal = b"".join(path.read_bytes() for path in sorted((tmp_path / "data" / "journal").iterdir()))
            assert b'"is":"final"' in journal
            log = router.said
            key = router.key
            router.stop()
            log += router.said
    secret = key[len("sk-mr-") + 13 :]
    for place, texts in {
        "answers": told,
        "pages": pages,
        "store": [dump],
        "journal": [journal],
        "log": [log.encode()],
    }.items():
        for canary in (VENDOR_KEY, ADMIN_KEY, PEPPER, PROMPT, ANSWER, secret):
            if place == "answers" and canary == PROMPT:
                continue  # an error may quote what its own sender sent
            assert not any(canary.encode() in text for text in texts), (place, canary)
    assert "Traceback" not in log


def everything(url: str) -> bytes:
    """All that the store holds, unpacked."""
    client = redis.Redis.from_url(url)
    pieces: list[bytes] = []
    try:
        for name in client.scan_iter():
            pieces.append(name)
            match client.type(name):
                case b"hash":
                    pieces += [part for pair in client.hgetall(name).items() for part in pair]
                case b"stream":
                    for _, fields in client.xrange(name):
                        kind = PACKED.get(name.rpartition(b":")[2])
                        pieces += [packing.unpack(kind, value) if kind else value for value in fields.values()]
                case b"zset":
                    pieces += client.zrange(name, 0, -1)
                case b"set":
                    pieces += client.smembers(name)
                case b"string":
                    pieces.append(client.get(name))
                case other:
                    raise AssertionError(other)
    finally:
        client.close()
    assert any(b"req_" in piece for piece in pieces)
    return b"\n".join(pieces)


def test_files_with_secrets_are_the_owners_alone(upstream: Simulator, tmp_path: Path) -> None:
    with running.router(upstream.url, environ={"ROUTER_ADMIN_KEY": ADMIN_KEY}, home=tmp_path) as router:
        data = router.home / "data"
        assert (data / "pepper.key").stat().st_mode & 0o777 == 0o600
        assert data.stat().st_mode & 0o777 == 0o700
        assert (data / "store").stat().st_mode & 0o777 == 0o700
        assert not (data / "admin.key").exists(), "a key that was given is not written down"


def test_an_empty_secret_stops_the_start_and_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("")
    code, _, said = running.command(
        "serve", "--port", "0", "--data-dir", str(tmp_path), environ={"MISTRAL_API_KEY": "x"}
    )
    assert code == 1
    assert "admin.key" in said


def test_secrets_may_come_from_files(upstream: Simulator, tmp_path: Path) -> None:
    (tmp_path / "vendor").write_text("vendor-key-from-a-file\n")
    environ = {"MISTRAL_API_KEY": "", "MISTRAL_API_KEY_FILE": str(tmp_path / "vendor")}
    with running.router(upstream.url, environ=environ) as router:
        assert router.chat(max_tokens=5).status == 200
        assert upstream.requests[0]["headers"]["authorization"] == "Bearer vendor-key-from-a-file"
