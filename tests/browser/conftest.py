"""A browser, and a router with a past: one team about to run out, one at ease, one whose names are meant to harm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from router.core.charges import Owner, accounts_of
from router.core.policy import Budget, Policy, Scope
from router.store.connect import connect
from tests import history, running
from tests.browser.chromium import Browser, Page, chromium
from tests.running import ADMIN_KEY, Router, Simulator

HOSTILE = '"><img src=x onerror="window.harmed=1"><script>window.harmed=1</script>\''
POLICIES = {
    "search": 'team = "search"\n[[budget]]\nscope = "team"\nusd = "40.00"\nwindow = "month"\n',
    "support": 'team = "support"\n[[budget]]\nscope = "team"\nusd = "500.00"\nwindow = "7d"\n',
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def operated(simulated: Simulator) -> Iterator[Router]:
    with running.valkey() as url:
        environ = {"ROUTER_REDIS_URL": url, "ROUTER_KEY_PEPPER": "pepper-of-the-browser-tests"}
        with running.router(simulated.url, policies=POLICIES, environ=environ) as process:
            asyncio.run(_past(url, process.new_key("search").split("-")[2]))
            process.admin("POST", "/keys", {"team": "support", "name": HOSTILE})
            process.chat("Name a river.", key=process.new_key("search"), max_tokens=30)
            process.chat("Name a river.", key=process.new_key("support"), max_tokens=30, model=HOSTILE)
            process.settled(1, team="search")
            yield process


async def _past(url: str, key: str) -> None:
    client = connect(url, timeout_s=20)
    now_ms = int(time.time() * 1000)
    teams = [
        history.Team(name="search", keys=[key], share=3),
        history.Team(name="support", keys=["supportsupp1"]),
        history.Team(name=HOSTILE, keys=[HOSTILE], share=0.2),
    ]
    await history.write(client, history.past(teams, records=400, days=2, now_ms=now_ms))
    for team, usd, window, nano in (("search", "40.00", "month", 39), ("support", "500.00", "7d", 20)):
        policy = Policy(team=team, budgets=(Budget(scope=Scope.TEAM, usd=usd, window=window),))
        (account,) = accounts_of(policy, Owner(team=team, key="", model=""), now_ms)
        await history.spend(client, team, account, nano * 1_000_000_000, f"spent-{team}")
    await client.aclose()


@pytest.fixture
def page(browser: Browser) -> Page:
    """A tab in which nobody has signed in."""
    opened = browser.page()
    opened.look()
    return opened


@pytest.fixture
def signed_in(page: Page, operated: Router) -> Page:
    """A tab on the overview, signed in."""
    page.goto(f"{operated.url}/dashboard")
    page.fill("#key", ADMIN_KEY)
    page.click("form button")
    return page
