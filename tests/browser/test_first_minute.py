"""A new operator's first minute: from the demo's start, by clicks, to who runs out first and to why a request cost what
it did; and then a key of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import running
from tests.browser.chromium import Page
from tests.commands.test_demo import told
from tests.running import call

pytestmark = pytest.mark.xdist_group("browser")

ROOMS = ("", "/budgets", "/routing", "/requests", "/upstream", "/keys", "/policies")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses and keys that a fresh demo prints."""
    home: Path = tmp_path_factory.mktemp("demo")
    arguments = ["demo", "--port", "0", "--data-dir", str(home / "data")]
    process = running.start(arguments, r"SIMULATOR_URL=(\S+)", {}, home / "log")
    try:
        addresses = told(process.said)
        yield {**addresses, "URL": addresses["OPENAI_BASE_URL"].removesuffix("/v1")}
    finally:
        assert process.stop() == 0


@pytest.fixture
def overview(page: Page, demo: dict[str, str]) -> Page:
    """A tab that has just signed in, once the other teams have asked."""
    page.goto(f"{demo['URL']}/dashboard")
    page.fill("#key", demo["ROUTER_ADMIN_KEY"])
    page.click("form button")
    page.wait(lambda: "Next: support 24h: runs out in" in page.text)
    return page


def test_both_questions_are_answered_after_one_click(overview: Page) -> None:
    tile = overview.ask("document.querySelector('.tile.wider').innerText")
    assert "marketing day: all but used up; renews" in tile
    assert "Next: support 24h: runs out in" in tile
    for reason in ("codestral-2508 → ", "budget_exceeded", "rate_limit_exceeded", "the models before it failed"):
        assert reason in overview.text
    newest = "#newest tbody tr:has(.badge.good) a"
    overview.click(newest)
    assert "Served by" in overview.text
    assert "of output cost $" in overview.text
    assert "USD per million" in overview.text
    assert overview.errors == []


def test_a_refusal_is_explained_by_following_it(overview: Page) -> None:
    overview.click("#refusals a[href*='budget_exceeded']")
    assert overview.ask(
        "[...document.querySelectorAll('#tail tbody td:nth-child(5)')].every((one) =>"
        " one.innerText === 'budget_exceeded')"
    )
    overview.click("#tail tbody a")
    assert "a budget had less left than the request could cost" in overview.text
    overview.click(".lead a")
    assert overview.url.endswith("/budgets?team=marketing")
    assert "all but used up" in overview.text


def test_every_room_of_the_demo_has_something_to_show_and_nothing_is_wrong(
    overview: Page, demo: dict[str, str]
) -> None:
    for width in (1280, 375):
        for scheme in ("light", "dark"):
            overview.look(width=width, scheme=scheme)
            for room in ROOMS:
                overview.goto(f"{demo['URL']}/dashboard{room}")
                assert overview.ask("document.documentElement.scrollWidth") <= width, (room, width)
                empty = overview.ask("[...document.querySelectorAll('section p.soft')].map((one) => one.innerText)")
                assert not {"Nothing yet.", "No request matches."} & set(empty), (room, empty)
    assert overview.errors == []
    assert overview.outside(demo["URL"]) == []


@pytest.mark.parametrize("scripted", [True, False], ids=["with a script", "without"])
def test_a_key_is_made_rotated_and_revoked_by_clicks(page: Page, demo: dict[str, str], scripted: bool) -> None:
    def status(key: str) -> int:
        return call(f"{demo['OPENAI_BASE_URL']}/models", key=key).status

    name = f"clicked <b>{scripted}</b>"
    page.script(enabled=scripted)
    page.goto(f"{demo['URL']}/dashboard/keys")
    page.fill("#key", demo["ROUTER_ADMIN_KEY"])
    page.click("form button")
    page.fill(".new [name=team]", "support")
    page.fill(".new [name=name]", name)
    page.click(".new button")
    secret = page.ask("document.getElementById('secret').innerText")
    assert status(secret) == 200
    assert name in page.text
    assert "shown this once" in page.text
    page.click("main section a")
    assert secret not in page.ask("document.documentElement.innerHTML")

    name_of = secret.split("-")[2]
    row = f"#change-{name_of}"
    page.ask(f"document.querySelector({json.dumps(row)}).open = true")
    page.click(f"{row} form[action$='/rotate'] button")
    fresh = page.ask("document.getElementById('secret').innerText")
    assert fresh != secret
    assert (status(fresh), status(secret)) == (200, 200), "the old one works on for an hour"
    page.click("main section a")
    page.ask(f"document.querySelector({json.dumps(row)}).open = true")
    page.ask(f"document.querySelector({json.dumps(row + ' input[type=checkbox]')}).checked = true")
    page.click(f"{row} form[action$='/revoke'] button")
    assert "The key is revoked" in page.text
    running.wait_for(lambda: {status(fresh), status(secret)} == {401})
    page.goto(f"{demo['URL']}/dashboard/policies")
    for change in ("key.created", "key.rotated", "key.revoked"):
        assert change in page.text
    assert page.errors == []
    assert page.outside(demo["URL"]) == []
