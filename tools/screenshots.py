"""Take the pictures of the dashboard that stand in the documentation.

    python -m tools.screenshots [DIR]

DIR is docs/images by default. A router in front of the simulator gets a month's past and a few real requests, and a
browser without a window looks at it. Needs Chromium.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

from router.commands.demo.requests import REQUESTS, ask
from router.core.charges import Account, Owner, accounts_of
from router.core.forecast import window_of
from router.core.money import usd
from router.core.policy import Budget, Policy, Scope
from router.core.record import RequestRecord
from router.store.connect import connect
from tests import history, running
from tests.browser.chromium import Page, chromium

TARGET: Final = Path(__file__).parent.parent / "docs" / "images"
BYTES_MAX: Final = 200_000
CENT: Final = 10_000_000  # nano-USD
# Each team's share of the traffic, how fast it grows, its budget's window and how much of that is spent.
TEAMS: Final = {
    "search": (4.0, 2.2, "month", 0.91),
    "support": (3.0, 1.0, "7d", 0.62),
    "documents": (2.5, 1.3, "month", 0.44),
    "coding": (2.0, 1.6, "day", 0.97),
    "marketing": (1.0, 0.8, "month", 0.33),
    "research": (0.8, 1.1, "week", 0.58),
}
RECORDS: Final = 20_000
# Name, address, width, height, colour scheme, how many of the device's pixels make one of CSS.
PICTURES: Final = (
    ("overview", "", 1280, 1180, "light", 1.0),
    ("budgets", "/budgets", 1280, 900, "light", 1.0),
    ("routing", "/routing?range=7d", 1280, 1240, "dark", 1.0),
    ("upstream", "/upstream", 1280, 1220, "dark", 1.0),
    ("phone", "", 375, 812, "dark", 2.0),
)


def main(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    now_ms = int(time.time() * 1000)
    with running.simulator("--wide", "--latency-ms", "30", "--token-ms", "1") as upstream, running.valkey() as store:
        environ = {"ROUTER_REDIS_URL": store, "ROUTER_KEY_PEPPER": "of the pictures"}
        with running.router(upstream.url, environ=environ) as router:
            keys = {team: [router.new_key(team, name="web"), router.new_key(team, name="batch")] for team in TEAMS}
            teams = [
                history.Team(name=team, keys=[key.split("-")[2] for key in keys[team]], share=share, slope=slope)
                for team, (share, slope, *_) in TEAMS.items()
            ]
            records = history.past(teams, records=RECORDS, days=30, now_ms=now_ms)
            for policy in asyncio.run(_write(store, records, now_ms)):
                (budget,) = policy.budgets
                text = f'[[budget]]\nscope = "team"\nusd = "{budget.usd}"\nwindow = "{budget.window}"\n'
                router.set_policy(policy.team, f'team = "{policy.team}"\n{text}')
            for number, asked in enumerate(REQUESTS):
                asyncio.run(ask(router.url, keys[teams[number % 4].name][0], asked, upstream.url))
            _look(router, target)


async def _write(store: str, records: list[RequestRecord], now_ms: int) -> list[Policy]:
    """Put the past in the store, and charge each team's budget with it: the policies."""
    client: Any = connect(store, timeout_s=20)
    await history.write(client, records)
    policies = []
    for team, (_, _, window, used) in TEAMS.items():
        (account,) = _accounts(team, "1.00", window, now_ms)
        begin_ms = window_of(account, now_ms).begin_ms
        spent = sum(record.nano_usd for record in records if record.team == team and record.at_ms >= begin_ms)
        cents = usd(math.ceil(spent / used / CENT) * CENT, 2)
        (account,) = _accounts(team, cents, window, now_ms)
        await history.spend(client, team, account, spent, f"spent-{team}")
        policies.append(_policy(team, cents, window))
    await client.aclose()
    return policies


def _policy(team: str, cents: str, window: str) -> Policy:
    return Policy(team=team, budgets=(Budget(scope=Scope.TEAM, usd=cents, window=window),))


def _accounts(team: str, cents: str, window: str, now_ms: int) -> tuple[Account, ...]:
    return accounts_of(_policy(team, cents, window), Owner(team=team, key="", model=""), now_ms)


def _look(router: running.Router, target: Path) -> None:
    with chromium() as browser:
        page = browser.page()
        page.look()
        page.goto(f"{router.url}/dashboard")
        page.fill("#key", running.ADMIN_KEY)
        page.click("form button")
        for name, path, width, height, scheme, scale in PICTURES:
            page.look(width=width, height=height, scheme=scheme, scale=scale)
            page.goto(f"{router.url}/dashboard{path}")
            _take(page, target / f"{name}.png")
        page.look(width=1280, height=1120, scheme="light")
        page.goto(f"{router.url}/dashboard/requests")
        escalated = (
            "[...document.querySelectorAll('#tail tbody tr')].find((row) => row.innerText.includes('escalated'))"
        )
        page.goto(str(page.ask(f"({escalated} || document).querySelector('tbody a, a').href")))
        _take(page, target / "request.png")
        assert page.errors == [], page.errors


def _take(page: Page, path: Path) -> None:
    """A picture of what is seen of the page, in as few colours as its size needs."""
    taken = Image.open(BytesIO(page.picture())).convert("RGB")
    for colours in (256, 128, 64):
        taken.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < BYTES_MAX:
            return
    raise AssertionError(f"{path} is larger than {BYTES_MAX:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
