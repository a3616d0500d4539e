"""Requests that real clients sent, recorded from the public libraries named in each line of clients.jsonl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.running import Router, Simulator, call

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "clients.jsonl").read_text().splitlines()]
# What a proxy and the HTTP library write anew.
OURS = {"host", "content-length", "connection", "authorization", "accept-encoding", "x-api-key"}


@pytest.mark.parametrize("recorded", RECORDED, ids=[entry["client"] for entry in RECORDED])
def test_what_a_real_client_sends_is_answered(router: Router, upstream: Simulator, recorded: dict[str, Any]) -> None:
    headers = {name: value for name, value in recorded["headers"].items() if name.lower() not in OURS}
    body = recorded["body"] if recorded["method"] == "POST" else None
    reply = call(f"{router.url}{recorded['path']}", recorded["method"], body, router.key, headers)
    assert reply.status == 200, reply.body
    if recorded["method"] == "POST":
        assert [entry["status"] for entry in upstream.requests] == [200], "Mistral takes what we made of it"
    if recorded["path"] == "/v1/chat/completions":
        streamed = bool(recorded["body"].get("stream"))
        assert reply.body.endswith(b"data: [DONE]\n\n") is streamed
        if not streamed and recorded["body"].get("tools"):
            message = reply.json["choices"][0]["message"]
            assert message.get("content") or all(call["type"] == "function" for call in message["tool_calls"])
