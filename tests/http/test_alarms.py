"""An alarm of money on its way: from a request that spends to a webhook's door, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from router.alarming import ROUND_S
from tests import running
from tests.running import Simulator, wait_for

SECRET = "a secret of finance"
POLICY = (
    'team = "apps"\n[[budget]]\nscope = "team"\nusd = "10"\nwindow = "month"\n'
    '[[alarm]]\nbudget = "team.month"\nat = [0.0000000001]\nwebhook = "finance"\n'
)
SETTINGS = '[webhooks.finance]\nurl_env = "FINANCE_URL"\nsecret_env = "FINANCE_SECRET"\n'


@pytest.fixture
def door() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """An address, and what was posted there."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/money?token=canary-9d2f", got
    server.shutdown()
    server.server_close()


def test_a_share_that_is_spent_reaches_its_webhook_signed_and_once(
    simulated: Simulator, door: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, got = door
    environ = {"FINANCE_URL": url, "FINANCE_SECRET": SECRET}
    with running.router(
        simulated.url, "--workers", "2", policies={"apps": POLICY}, settings=SETTINGS, environ=environ
    ) as router:
        answer = router.chat(max_tokens=5)
        assert answer.status == 200
        wait_for(lambda: got, 6 * ROUND_S)
        wait_for(lambda: 'result="delivered"' in running.call(f"{router.url}/metrics").body.decode())
        assert "canary-9d2f" not in router.said
        assert SECRET not in router.said
    headers, body = got[0]
    data = json.loads(body)["data"]
    assert (data["team"], data["budget"], data["limit_usd"]) == ("apps", "team.month", "10.000000000")
    assert float(data["spent_usd"]) > 0
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert len({headers["webhook-id"] for headers, _ in got}) == 1


def test_a_policy_that_names_no_known_webhook_is_refused(simulated: Simulator) -> None:
    with running.router(simulated.url) as router:
        (router.home / "policies" / "apps.toml").write_text(POLICY)
        refused = wait_for(lambda: router.admin("GET", "/policies").json["refused_reload"])
        assert refused.endswith("apps.toml: alarm[0].webhook: 'finance' is not under [webhooks] of router.toml")
