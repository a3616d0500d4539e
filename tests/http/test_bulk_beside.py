"""A batch without end beside a team whose users wait, at the vendor's real windows: the users notice nothing."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import running
from tests.running import Router, call

MODEL = "mistral-small-2603"
TEAM = f'[models]\nallow = ["{MODEL}"]\n[[budget]]\nscope = "team"\nusd = "1000.00"\nwindow = "month"\n'
TEAMS = {
    "users": f'team = "users"\n{TEAM}',
    "batch": f'team = "batch"\npriority = "bulk"\n{TEAM}',
}
REQUESTS = 240  # a minute; the users' one a second is a quarter of that
ALONE_S, BESIDE_S = 30, 90  # the second is longer than the window, which so has slid once
BATCH_THREADS = 4


def users(router: Router, key: str, seconds: int) -> tuple[Counter[int], list[float]]:
    """One request a second, whatever becomes of those before: the statuses, and how long each took."""

    def one(begins_s: float) -> tuple[int, float]:
        time.sleep(max(0.0, begins_s - time.monotonic()))
        began = time.monotonic()
        return router.chat(key=key, max_tokens=5).status, time.monotonic() - began

    now = time.monotonic()
    with ThreadPoolExecutor(seconds) as pool:
        ended = list(pool.map(one, [now + second for second in range(seconds)]))
    return Counter(status for status, _ in ended), [took for _, took in ended]


def batch(router: Router, key: str, go_on: Callable[[], bool]) -> Counter[int]:
    """Asks again at once, whatever it is told."""
    statuses: Counter[int] = Counter()
    while go_on():
        status = router.chat(key=key, max_tokens=5).status
        statuses[status] += 1
        if status == 429:
            time.sleep(0.1)
    return statuses


def p99(times: list[float]) -> float:
    return sorted(times)[math.ceil(0.99 * len(times)) - 1]


@pytest.mark.slow
def test_a_batch_without_end_slows_nobody_who_waits() -> None:
    with (
        running.simulator("--latency-ms", "1000") as vendor,
        running.router(vendor.url, "--workers", "2", policies=TEAMS) as router,
        ThreadPoolExecutor(BATCH_THREADS) as pool,
    ):
        call(f"{vendor.url}/_sim/windows", "POST", {MODEL: {"requests": REQUESTS, "tokens": 1_000_000}})
        interactive, bulk = router.new_key("users"), router.new_key("batch")
        statuses, alone = users(router, interactive, ALONE_S)
        assert statuses == {200: ALONE_S}
        ends = time.monotonic() + BESIDE_S
        jobs = [pool.submit(batch, router, bulk, lambda: time.monotonic() < ends) for _ in range(BATCH_THREADS)]
        statuses, beside = users(router, interactive, BESIDE_S)
        served = sum((job.result() for job in jobs), Counter[int]())
        print(f"p99 alone {p99(alone):.3f} s, beside the batch {p99(beside):.3f} s; the batch: {dict(served)}")
        assert statuses == {200: BESIDE_S}
        assert not [entry for entry in vendor.requests if entry["status"] == 429]
        assert p99(beside) <= 1.2 * p99(alone)
        # 168 a minute less the users' 60, over a minute and a half.
        assert served[200] >= 100
        assert served[429] > 0
