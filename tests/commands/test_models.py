"""The commands for the night: switching models, and reading who did."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from router.commands.durations import duration
from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, command

LARGE = "mistral-large-2512"


@pytest.fixture(scope="module")
def running_router(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url) as router:
        yield router


def said(router: Router, *arguments: str) -> str:
    code, out, err = command(*arguments, environ={"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY})
    assert (code, err) == (0, ""), out + err
    return out


def test_a_night_on_the_command_line(running_router: Router) -> None:
    off = said(running_router, "models", "disable", LARGE, "--for", "1h", "--reason", "too slow")
    assert off.startswith(f"{LARGE} is off until 20")
    assert "(too slow; by " in off
    assert "too slow" in said(running_router, "models", "list")
    assert said(running_router, "models", "enable", LARGE) == f"{LARGE} is on\n"
    pinned = said(running_router, "models", "pin-all", LARGE, "--for", "10m", "--reason", "an incident")
    assert pinned.startswith(f"every chat request is served by {LARGE} until 20")
    assert pinned in said(running_router, "models", "list")
    assert said(running_router, "models", "unpin") == "every request is routed again\n"
    changes = said(running_router, "audit")
    for what in ("model.disabled", "model.enabled", "pin_all.set", "pin_all.ended"):
        assert what in changes
    assert '"changes": []' in said(running_router, "audit", "--since", "2999-01-01", "--json")


def test_names_and_reasons_are_printed_as_they_are(running_router: Router) -> None:
    name = "[/red] [bold]x"
    said(running_router, "keys", "create", "--team", "apps", "--name", name)
    said(running_router, "models", "disable", LARGE, "--for", "1m", "--reason", name)
    for listed in (("keys", "list"), ("models", "list"), ("audit",), ("audit", "--since", "1h")):
        assert name in said(running_router, *listed), listed
    assert "name" not in said(running_router, "audit", "--until", "1h"), "nothing is so old"
    said(running_router, "models", "enable", LARGE)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("1h", 3_600), ("7d", 604_800)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1 h", "-1h", "1.5h", "0s", "1w", "1h30m", "1h\n", "٣h"])
def test_another_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="such as 30s, 10m, 1h or 7d"):
        duration(text)


def test_a_wrong_duration_is_told_without_a_traceback() -> None:
    code, _, err = command("models", "disable", LARGE, "--for", "soon", "--reason", "x")
    assert code == 2
    assert "30s, 10m, 1h or 7d" in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err
