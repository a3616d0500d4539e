"""How fast the dashboard answers when a store has a past.

    python -m tests.bench.dashboard [RECORDS] [TEAMS]

A million records of 200 teams over 30 days unless told otherwise; writing them takes some minutes. The pages are asked
for by turns, and the first time, when nothing is kept yet, is told apart.
"""

from __future__ import annotations

import asyncio
import sys
import time
from statistics import median, quantiles
from typing import Final

from router.store.connect import connect
from tests import history, running

PAGES: Final = (
    *("", "?range=7d", "?range=30d&by=model", "?team=team-007", "/budgets", "/budgets?team=team-007"),
    *("/routing?range=30d", "/routing?team=team-007", "/upstream", "/keys", "/policies", "/requests"),
    *("/requests?team=team-007", "/requests?model=codestral-2508", "/requests?status=4xx"),
)
ROUNDS: Final = 20
PAUSE_S: Final = 0.5
DAYS: Final = 30
PIECES: Final = 60


async def write(store: str, records: int, teams: int) -> None:
    client = connect(store, timeout_s=60)
    of = [
        history.Team(name=f"team-{number:03d}", keys=[f"key-{number}-{one}" for one in range(4)], share=1 + number % 7)
        for number in range(teams)
    ]
    now_ms, piece_days = int(time.time() * 1000), DAYS / PIECES
    for piece in range(PIECES):  # the oldest first, as a stream stands
        ends_ms = now_ms - int((PIECES - 1 - piece) * piece_days * 24 * history.HOUR_MS)
        count = records * (piece + 1) // PIECES - records * piece // PIECES
        # A little shorter than the piece: what begins in one must have ended when the next begins.
        made = history.past(of, records=count, days=0.98 * piece_days, now_ms=ends_ms, seed=piece)
        await history.write(client, made)
        print(f"\r{records * (piece + 1) // PIECES:,} records written", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    await client.aclose()


def main(records: int, teams: int) -> None:
    with running.simulator("--wide") as upstream, running.valkey() as store:
        asyncio.run(write(store, records, teams))
        environ = {"ROUTER_REDIS_URL": store, "ROUTER_KEY_PEPPER": "of the bench"}
        with running.router(upstream.url, environ=environ) as router:
            measure(router.url)


def measure(url: str) -> None:
    took: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(1 + ROUNDS):
        for page in PAGES:
            began = time.monotonic()
            reply = running.call(f"{url}/dashboard{page}", key=running.ADMIN_KEY)
            took[page].append((time.monotonic() - began) * 1000)
            assert reply.status == 200, reply.body
        time.sleep(PAUSE_S)
    print(f"{'page':34} {'first':>8} {'p50':>8} {'p95':>8}  ms")
    for page, (first, *later) in took.items():
        print(f"/dashboard{page:24} {first:8.0f} {median(later):8.0f} {quantiles(later, n=20)[-1]:8.0f}")
    every = [ms for later in took.values() for ms in later]
    print(f"{'all, the first times too':34} {'':8} {median(every):8.0f} {quantiles(every, n=20)[-1]:8.0f}")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    main(*given, *(1_000_000, 200)[len(given) :])
