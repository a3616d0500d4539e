"""What a hostile or unlucky neighbour must not be able to do to everybody else."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from router.api.edge import depth
from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, call


@pytest.mark.parametrize("unit", [b'\\"', b"\\", b'"', b'"\\', b"a", b'",'])
def test_the_depth_of_a_body_is_found_in_time_that_grows_with_its_length(unit: bytes) -> None:
    body = b"[" * 65 + b'"' + unit * (2_000_000 // len(unit))
    began = time.process_time()
    depth(body)
    # A quadratic match would take hours here; the bound is generous for any machine.
    assert time.process_time() - began < 20


def test_an_apps_own_haste_does_not_rest_a_model_for_others(router: Router, upstream: Simulator) -> None:
    first = router.chat("What is two and two?", max_tokens=5).headers["x-router-model"]
    upstream.faults({"match": {"model": first}, "fault": "slow", "delay_ms": 700, "times": 6})
    for _ in range(6):
        router.chat("What is two and two?", max_tokens=5, headers={"x-router-timeout-ms": "400"})
    assert router.chat("What is two and two?", max_tokens=5).headers["x-router-model"] == first


def test_a_page_of_another_site_cannot_use_the_browsers_sign_in_to_operate(router: Router) -> None:
    connection = http.client.HTTPConnection(urlsplit(router.url).netloc)
    basic = "Basic " + base64.b64encode(f"x:{ADMIN_KEY}".encode()).decode()
    headers = {"authorization": basic, "content-type": "text/plain", "origin": "http://evil.example"}
    connection.request("POST", "/admin/v1/keys", json.dumps({"team": "apps", "name": "x"}), headers)
    assert connection.getresponse().status == 401
    connection.close()
    assert call(f"{router.url}/dashboard", headers={"authorization": basic}).status == 200


def test_the_dashboard_escapes_what_apps_send_and_lets_nothing_in_from_outside(router: Router) -> None:
    router.chat(model="<script>alert(1)</script>")
    router.settled(0)
    page = call(f"{router.url}/dashboard", key=ADMIN_KEY)
    assert "&lt;script&gt;alert(1)" in page.body.decode()
    assert "<script>" not in page.body.decode()
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert call(f"{router.url}/dashboard").headers["www-authenticate"].startswith("Basic")


def test_one_request_is_explained_on_a_page_of_its_own(router: Router, upstream: Simulator) -> None:
    upstream.faults({"fault": "rate_limited", "times": 1})
    name = router.chat("Name a river.", max_tokens=5).headers["x-request-id"]
    router.settled(0)
    page = call(f"{router.url}/dashboard/requests/{name}", key=ADMIN_KEY).body.decode()
    assert "rate_limited" in page
    assert "mistral-medium-3-5" in page
    assert call(f"{router.url}/dashboard/requests/req_unknown", key=ADMIN_KEY).status == 404


def test_a_file_that_cannot_even_be_parsed_leaves_the_rules_and_their_watcher_alive(upstream: Simulator) -> None:
    with running.router(upstream.url) as router:
        bad = router.home / "policies" / "zz.toml"
        bad.write_text("x = " + "[" * 5_000)
        wait_until(lambda: router.admin("GET", "/policies").json["refused_reload"] is not None)
        bad.unlink()
        text = running.POLICY.format(team="apps") + '\n[models]\nallow = ["codestral-*"]\n'
        (router.home / "policies" / "apps.toml").write_text(text)
        wait_until(lambda: router.chat("hi", max_tokens=5).headers.get("x-router-model") == "codestral-2508")


def test_a_stop_books_what_it_has_to_cut_off(upstream: Simulator, tmp_path: Path) -> None:
    shutil.copytree(running.ROOT / "config", tmp_path / "config")
    settings = (tmp_path / "config" / "router.toml").read_text()
    settings = re.sub(r"stream_idle = [0-9.]+", "stream_idle = 300.0", settings)
    (tmp_path / "config" / "router.toml").write_text(re.sub(r"stop_grace = [0-9.]+", "stop_grace = 1.0", settings))
    with running.router(upstream.url, home=tmp_path) as router:
        upstream.faults({"fault": "stall", "after_bytes": 600, "times": None})
        body = {"model": "auto", "messages": [{"role": "user", "content": "tell"}], "stream": True, "max_tokens": 500}
        command = ["curl", "-sN", f"{router.url}/v1/chat/completions", "-H", f"Authorization: Bearer {router.key}"]
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        app = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(lambda: len(upstream.requests) == 1)
        time.sleep(0.3)
        router.child.send_signal(signal.SIGTERM)
        router.child.wait(60)
        app.wait(30)
    upstream.reset()
    with running.router(upstream.url, home=tmp_path) as again:
        [record] = again.admin("GET", "/records").json["records"]
        assert (record["status"], record["code"]) == (499, "app_left")
        total = again.usage()["total"]
        assert total["unconfirmed_nano_usd"] == total["nano_usd"] == record["nano_usd"] > 0


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.05)
