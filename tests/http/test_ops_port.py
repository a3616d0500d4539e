"""An operations port of its own: what stands on which side, whatever the number of workers."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, call, command

OPERATIONS = (
    "/admin/v1/keys",
    "/admin/v1/keys/",
    "//admin/v1/keys",
    "/admin",
    "/dashboard",
    "/metrics",
    "/%61dmin/v1/keys",
)
DATA = ("/v1/models", "/v1/chat/completions", "/", "/nothing")


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "two workers"])
def apart(simulated: Simulator, request: pytest.FixtureRequest) -> Iterator[tuple[Router, str]]:
    """A router, and the URL of its operations port."""
    arguments = ("--ops-port", "0", "--workers", str(request.param))
    with running.router(simulated.url, *arguments, host="0.0.0.0") as router:
        assert router.operated_at != router.url
        yield router, router.operated_at


def local(router: Router) -> str:
    return router.url.replace("0.0.0.0", "127.0.0.1")


def test_the_operations_plane_stands_on_its_own_port_only(apart: tuple[Router, str]) -> None:
    router, ops = apart
    assert ops.startswith("http://127.0.0.1:")
    for path in OPERATIONS:
        for key in (None, ADMIN_KEY, router.key):
            assert call(f"{local(router)}{path}", key=key).status == 404, path
    assert call(f"{local(router)}/admin/v1/keys", headers={"host": ops.removeprefix("http://")}).status == 404
    assert call(f"{ops}/admin/v1/keys", key=ADMIN_KEY).status == 200
    assert call(f"{ops}/admin/v1/keys", key=router.key).status == 401
    assert call(f"{ops}/dashboard").status == 401
    assert call(f"{ops}/metrics").status == 200, "it listens on this machine alone"


def test_apps_are_served_on_the_other_port_only(apart: tuple[Router, str]) -> None:
    router, ops = apart
    assert router.chat(max_tokens=5).status == 200
    assert call(f"{local(router)}/v1/models", key=router.key).status == 200
    for path in DATA:
        assert call(f"{ops}{path}", key=router.key).status == 404, path


def test_a_command_that_asks_the_apps_port_is_told_of_the_other(apart: tuple[Router, str]) -> None:
    router, ops = apart
    for url, code, told in ((local(router), 1, "With --ops-port that is another port: set ROUTER_URL."), (ops, 0, "")):
        done = command("keys", "list", environ={"ROUTER_URL": url, "ROUTER_ADMIN_KEY": ADMIN_KEY})
        assert (done[0], told in done[2]) == (code, True), done


def test_health_is_told_on_both(apart: tuple[Router, str]) -> None:
    router, ops = apart
    for url in (local(router), ops):
        assert call(f"{url}/healthz").status == 200
        assert call(f"{url}/readyz").status == 200


def test_one_port_cannot_be_both() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    code, _, said = running.command("serve", "--port", port, "--ops-port", port, environ={"MISTRAL_API_KEY": "x"})
    assert code == 1
    assert "--ops-port" in said
