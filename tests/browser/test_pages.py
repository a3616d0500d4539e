"""The dashboard in a real browser: on a desk and on a phone, by day and at night, with a script and without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.chromium import Page, program
from tests.browser.conftest import HOSTILE
from tests.running import ADMIN_KEY, Router

pytestmark = pytest.mark.xdist_group("browser")

PAGES = (
    "", "?range=30d&by=key", "/budgets", "/routing", "/requests", "/requests?team=support", "/upstream", "/keys",
    "/policies",
)  # fmt: skip
# Text that is harder to read than WCAG 2.2 AA allows: below 4.5 to 1, or 3 to 1 where it is large.
CONTRAST = Path(__file__).with_name("contrast.js").read_text()


def one_request(page: Page, router: Router) -> str:
    page.goto(f"{router.url}/dashboard/requests?team=search")
    return str(page.ask("new URL(document.querySelector('#tail tbody a').href).pathname")).removeprefix("/dashboard")


def test_a_machine_without_chromium_fails_and_says_what_to_do() -> None:
    with pytest.raises(AssertionError, match="apt-get install chromium"):
        program(path="")


@pytest.mark.parametrize("width", [1280, 375])
def test_every_page_is_sound_readable_and_as_wide_as_its_window(signed_in: Page, operated: Router, width: int) -> None:
    signed_in.look(width=width)
    for path in (*PAGES, one_request(signed_in, operated), "/sign-in"):
        signed_in.goto(f"{operated.url}/dashboard{path}")
        assert signed_in.ask("document.documentElement.scrollWidth") <= width, path
        for scheme in ("light", "dark"):
            signed_in.look(width=width, scheme=scheme)
            assert signed_in.ask(CONTRAST) == [], (path, scheme)
    assert signed_in.errors == []
    assert signed_in.outside(operated.url) == []


def test_the_contrast_test_sees_what_cannot_be_read(signed_in: Page) -> None:
    signed_in.ask("document.querySelector('h1').style.color = '#cfcfcf'")
    assert [found[0] for found in signed_in.ask(CONTRAST)] == ["Overview"]


def test_a_refusal_is_a_page_that_says_what_there_is(signed_in: Page, operated: Router) -> None:
    signed_in.goto(f"{operated.url}/dashboard?range=1y")
    assert "24h, 30d, 7d" in signed_in.text
    assert signed_in.ask(CONTRAST) == []


def test_hostile_names_harm_nothing_anywhere(signed_in: Page, operated: Router) -> None:
    seen = 0
    for path in (*PAGES, "/requests?team=" + str(signed_in.ask(f"encodeURIComponent({json.dumps(HOSTILE)})"))):
        signed_in.goto(f"{operated.url}/dashboard{path}")
        assert signed_in.ask("window.harmed === undefined && !document.querySelector('main img, main script')"), path
        seen += HOSTILE in signed_in.ask("document.body.textContent")
    assert seen >= 6, "they are shown, as the text that they are"
    assert signed_in.errors == []


def test_without_a_script_everything_works(page: Page, operated: Router) -> None:
    page.script(enabled=False)
    page.goto(f"{operated.url}/dashboard/keys")
    page.fill("#key", ADMIN_KEY)
    page.click("form button")
    assert page.url.endswith("/dashboard/keys"), "back to what was asked for"
    for path in (*PAGES, one_request(page, operated)):
        page.goto(f"{operated.url}/dashboard{path}")
        assert page.ask("document.querySelectorAll('main section').length > 0"), path
    page.goto(f"{operated.url}/dashboard")
    page.click("nav.choices a[href*='30d']")
    assert page.ask("document.querySelector('nav.choices a[aria-current]').textContent") == "30 days"
    page.goto(f"{operated.url}/dashboard/upstream")
    assert "Pause" not in page.text
    page.click("header form button")
    assert page.url.endswith("/dashboard/sign-in")
    assert page.errors == []


def test_in_a_few_clicks_one_knows_who_runs_out_first_and_why_a_request_cost_what_it_did(
    signed_in: Page, operated: Router
) -> None:
    tightest = signed_in.ask("document.querySelector('.tile.wider').innerText")
    assert "search" in tightest
    assert "runs out in" in tightest
    signed_in.click(".tile.wider")
    assert signed_in.ask("document.querySelector('.burn h3').innerText") == "search · month"
    signed_in.click("#budgets tbody a")
    assert "team=search" in signed_in.url
    signed_in.click("#tail tbody a")
    told = signed_in.text
    assert "Served by ministral-" in told
    assert "the cheapest of the models that are good enough" in told
    for part in ("output", "USD per million", "At mistral-medium-3-5 it would have cost", "choice 1"):
        assert part in told


def test_an_open_page_stays_fresh_and_leaves_alone_what_is_in_use(signed_in: Page, operated: Router) -> None:
    signed_in.goto(f"{operated.url}/dashboard/requests")
    signed_in.ask("window.stayed = true; document.querySelector('[name=key]').focus()")
    fresh = operated.chat("Hello", max_tokens=2).headers["x-request-id"]
    signed_in.wait(lambda: signed_in.ask(f"!!document.querySelector('#tail a[href$=\"{fresh}\"]')"))
    assert signed_in.ask("window.stayed && document.activeElement.name === 'key'")
    signed_in.ask("document.querySelector('#live button').click()")
    assert signed_in.ask("document.getElementById('live').innerText").startswith("paused")
    assert signed_in.errors == []


def test_what_was_opened_stays_open_when_the_page_is_refreshed(signed_in: Page, operated: Router) -> None:
    signed_in.ask("document.getElementById('figures').open = true; window.before = document.getElementById('figures')")
    operated.chat("Hello", max_tokens=2)
    signed_in.wait(lambda: signed_in.ask("!window.before.isConnected"))
    assert signed_in.ask("document.getElementById('figures').open")


def test_a_key_is_revoked_and_a_model_switched_by_clicks(signed_in: Page, operated: Router) -> None:
    key = operated.new_key("support")
    signed_in.goto(f"{operated.url}/dashboard/keys?team=support")
    row = f"#change-{key.split('-')[2]}"
    signed_in.ask(f'document.querySelector("{row}").open = true')
    signed_in.ask(f'document.querySelector("{row} input[type=checkbox]").checked = true')
    signed_in.click(f"{row} form[action$='/revoke'] button")
    assert "The key is revoked" in signed_in.text
    signed_in.goto(f"{operated.url}/dashboard/upstream")
    signed_in.fill("form[action$='/disable'] [name=reason]", "it babbles")
    signed_in.click("form[action$='/disable'] button")
    assert "The model is switched off" in signed_in.text
    assert "it babbles" in signed_in.text
    signed_in.click("form[action$='/enable'] button")
    assert "The model serves again" in signed_in.text
    signed_in.goto(f"{operated.url}/dashboard/policies")
    for change in ("key.revoked", "model.disabled", "model.enabled"):
        assert change in signed_in.text
    assert signed_in.errors == []


def test_no_script_can_read_the_session(signed_in: Page) -> None:
    assert signed_in.ask("document.cookie") == ""
    cookies = signed_in.send("Network.getCookies")["cookies"]
    assert [(one["name"], one["httpOnly"], one["sameSite"]) for one in cookies] == [("router_session", True, "Strict")]
