"""The edge: what is refused before it is read, over raw sockets where a well-behaved client would not do it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests import running
from tests.running import Router, Simulator, raw

HELLO = [{"role": "user", "content": "hello"}]


def request(router: Router, body: bytes, *headers: str, path: str = "/v1/chat/completions", host: str = "x") -> bytes:
    lines = [f"POST {path} HTTP/1.1", *([f"host: {host}"] if host else []), f"authorization: Bearer {router.key}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_body_over_the_limit_is_a_413_that_the_sender_can_read(router: Router, upstream: Simulator) -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "x" * 5_000_000}]}).encode()
    for _ in range(3):
        reply = router.post("/v1/chat/completions", body)
        assert (reply.status, reply.error["code"], reply.error["source"]) == (413, "request_too_large", "router")
    assert upstream.requests == []


def test_a_chunked_body_over_the_limit_is_a_413(router: Router) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    answer = raw(
        router.url,
        request(router, chunk * 70 + b"0\r\n\r\n", "content-type: application/json", "transfer-encoding: chunked"),
    )
    assert status_of(answer) == 413


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "text/plain"}, {"content-type": "multipart/form-data; boundary=x"}, {"content-encoding": "gzip"}],
)
def test_another_type_or_a_compressed_body_is_a_415(router: Router, headers: dict[str, str]) -> None:
    reply = router.post("/v1/chat/completions", {"model": "auto", "messages": HELLO}, headers=headers)
    assert (reply.status, reply.error["code"]) == (415, "unsupported_media_type")


def test_a_body_that_comes_too_slowly_is_a_408(simulated: Simulator) -> None:
    with running.router(simulated.url, settings="[edge]\nbody_read_s = 0.5\n") as hasty:
        began = time.monotonic()
        answer = raw(hasty.url, request(hasty, b'{"model"', "content-type: application/json", "content-length: 100"))
        assert status_of(answer) == 408
        assert b"body_timeout" in answer
        assert 0.4 < time.monotonic() - began < 3


def test_too_many_or_too_large_headers_are_a_431(router: Router) -> None:
    many = router.chat(headers={f"x-{number}": "1" for number in range(120)})
    assert (many.status, many.error["code"]) == (431, "headers_too_large")
    large = router.chat(headers={"x-large": "a" * 40_000})
    assert (large.status, large.error["code"]) == (431, "headers_too_large")


def test_deep_nesting_is_refused_and_brackets_in_text_are_not(router: Router) -> None:
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b'{"model": "auto", "messages": ' + b"[" * 70 + b"]" * 70 + b"}"):
        reply = router.post("/v1/chat/completions", body)
        assert (reply.status, reply.error["code"]) == (400, "nested_too_deeply")
    assert router.chat("[" * 500 + "{" * 500 + '\\"', max_tokens=5).status == 200


def test_too_many_messages_and_too_many_tools_are_refused(router: Router) -> None:
    many = router.chat(messages=HELLO * 2_049)
    assert (many.status, many.error["code"], many.error["param"]) == (400, "too_many_messages", "messages")
    tools = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(129)]
    reply = router.chat(tools=tools)
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "too_many_tools", "tools")
    assert router.chat(tools=tools[:128], max_tokens=5).status == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/route"])
def test_two_hosts_or_none_are_refused(router: Router, path: str) -> None:
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "x"}]}'
    usual = ("content-type: application/json", f"content-length: {len(body)}", "connection: close")
    for answer in (
        raw(router.url, request(router, body, "host: y", *usual, path=path)),
        raw(router.url, request(router, body, *usual, path=path, host="")),
    ):
        assert status_of(answer) == 400


def test_two_lengths_are_refused_and_nothing_is_smuggled(router: Router, upstream: Simulator) -> None:
    hidden = request(router, b"", "content-length: 0", path="/v1/route")
    for lengths in (
        ("content-length: 5", "transfer-encoding: chunked"),
        ("transfer-encoding: chunked", "content-length: 5"),
        ("content-length: 5", "content-length: 6"),
        ("content-length: 99999999999999999999999999",),
        ("content-length: -1",),
        ("transfer-encoding: chunked, identity",),
    ):
        sent = request(router, b"0\r\n\r\n" + hidden, "content-type: application/json", *lengths)
        answer = raw(router.url, sent)
        assert status_of(answer) == 400, lengths
        assert answer.count(b"HTTP/1.1 ") == 1, lengths
    assert upstream.requests == []


def test_a_refusal_before_the_body_leaves_the_connection_usable_or_closed(router: Router) -> None:
    """What follows an unread body must never be taken for a request of its own."""
    hidden = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
    body = hidden * 3_000
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nx-api-key: no"
    parts = urlsplit(router.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode() + body)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                answer += piece
    assert answer.count(b"HTTP/1.1 401") == 1
    assert answer.count(b"HTTP/1.1 ") <= 2


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/resp_1", "/v1/messages/batches", "/v1/completions", "/v1/audio/transcriptions", "/v1/files",
        "/v1/images/generations", "/v1/batches", "/v1/fine_tuning/jobs", "/v1/agents/completions", "/v1/conversations",
        "/v1/ocr", "/v1/assistants", "/v1/threads/t/runs", "/v1/nonsense", "/v1/a/b/c/d", "/v1/",
    ],
)  # fmt: skip
def test_an_endpoint_that_is_not_served_is_a_404_that_says_what_to_use(router: Router, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        reply = running.call(f"{router.url}{path}", method, {} if method == "POST" else None, router.key)
        assert (reply.status, reply.error["code"]) == (404, "unsupported_endpoint"), reply.body
        assert "/v1/chat/completions" in reply.error["message"]


@pytest.mark.parametrize(
    "name",
    [
        "agents", "assistants", "audio", "batch", "batches", "chatkit", "classifications", "connectors", "containers",
        "conversations", "evals", "files", "fine_tuning", "images", "libraries", "observability", "ocr", "organization",
        "projects", "realtime", "skills", "threads", "uploads", "vector_stores", "videos", "workflows",
        "chat/classifications", "chat/moderations", "chat/completions/chatcmpl-1",
    ],
)  # fmt: skip
def test_whoever_asks_for_what_openai_or_mistral_have_is_told_where_to_go(router: Router, name: str) -> None:
    """The first parts of the paths in Mistral's openapi.yaml and OpenAI's SDK, 2026-11."""
    reply = running.call(f"{router.url}/v1/{name}/x", key=router.key)
    assert (reply.status, reply.error["code"]) == (404, "unsupported_endpoint"), reply.body
    assert "there is no such endpoint" not in reply.error["message"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/chat/completions", "did you mean /v1/chat/completions?"),
        ("/models/auto", "did you mean /v1/models/auto?"),
        ("/v1/v1/chat/completions", "one /v1 too many"),
        ("/", "people open /dashboard"),
    ],
)
def test_a_slip_in_the_base_url_is_told(router: Router, path: str, told: str) -> None:
    reply = running.call(f"{router.url}{path}", key=router.key)
    assert reply.status == 404
    assert told in reply.error["message"]


def test_other_paths_are_a_404_and_other_methods_a_405_in_the_same_shape(router: Router) -> None:
    for path in ("/", "/v2/chat/completions", "/chat/completions", "/admin", "/.env", "/v1/../etc/passwd"):
        reply = running.call(f"{router.url}{path}", key=router.key)
        assert reply.status == 404, path
        assert reply.error["message"]
    for method, path in (("GET", "/v1/chat/completions"), ("PUT", "/v1/route"), ("POST", "/v1/models")):
        reply = running.call(f"{router.url}{path}", method, {} if method != "GET" else None, router.key)
        assert (reply.status, reply.error["code"]) == (405, "method_not_allowed")


def test_a_very_long_model_name_costs_little_and_is_not_repeated_back(router: Router) -> None:
    began = time.monotonic()
    reply = router.chat(model="x" * 3_000_000)
    assert 400 <= reply.status < 500
    assert len(reply.body) < 10_000
    assert time.monotonic() - began < 1.5


def test_many_unknown_fields_do_not_make_a_large_record(router: Router) -> None:
    reply = router.chat(max_tokens=5, **{f"field_{number:06}": 1 for number in range(20_000)})
    assert reply.status == 200
    assert len(reply.headers["x-router-dropped-params"]) <= 1_024
    assert len(json.dumps(router.record(reply))) < 60_000
