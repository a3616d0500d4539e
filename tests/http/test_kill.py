"""`kill -9` in the middle of mixed traffic: afterwards the ledger is the bill, and what is above it is marked."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec
import pytest

from router.store import names
from tests import running
from tests.running import Router, Simulator, alive, family, wait_for

POLICY = """
team = "apps"
when_store_away = "deny"
[[budget]]
scope = "team"
usd = "1000.00"
window = "total"
[[limit]]
scope = "team"
concurrency = 1000
"""
# A fault of each kind that ends a hold in its own way: a refusal, a cut, an answer that says that it failed.
FAULTS: list[dict[str, Any]] = [
    {"fault": "status", "status": 500, "times": None, "probability": 0.08},
    {"fault": "truncate", "after_bytes": 600, "times": None, "probability": 0.05},
    {"fault": "error_finish", "times": None, "probability": 0.05},
    {"fault": "slow", "delay_ms": 20, "times": None, "probability": 0.3},
]
ASKING = 4


class Apps:
    """Apps that ask until their router is gone. `answered` are the tags of whole answers."""

    def __init__(self, router: Router, numbers: itertools.count[int], seed: int) -> None:
        self.router = router
        self.numbers = numbers
        self.seed = seed
        self.asked = 0
        self.answered: set[str] = set()
        self.threads = [threading.Thread(target=self._ask_on, args=(index,)) for index in range(ASKING)]

    def _ask_on(self, index: int) -> None:
        dice = random.Random(f"{self.seed} {index}")
        while True:
            tag = f"r{next(self.numbers)}"
            fields = {"max_tokens": dice.randrange(5, 60), "metadata": {"tags": [tag]}}
            self.asked += 1
            try:
                if dice.random() < 0.5:
                    streamed = self.router.stream(f"Say hello to {tag}.", **fields)
                    whole = streamed.status == 200 and streamed.done
                else:
                    whole = self.router.chat(f"Say hello to {tag}.", **fields).status == 200
            except (OSError, HTTPException, ValueError):  # it is gone, perhaps in the middle of its answer
                return
            if whole:
                self.answered.add(tag)


def billed(upstream: Simulator) -> tuple[Counter[str], Counter[str]]:
    """What the vendor bills, and how often it was asked, by the tag that the prompt names; once it has stopped."""
    seen: list[int] = []

    def settled() -> bool:
        seen.append(upstream.bill["nano_usd"])
        return len(seen) >= 15 and len(set(seen[-15:])) == 1

    wait_for(settled, 60)
    nano, asked = Counter[str](), Counter[str]()
    for entry in upstream.requests:
        tag = entry["body"]["messages"][-1]["content"].split()[-1].rstrip(".")
        nano[tag] += entry["nano_usd"]
        asked[tag] += 1
    return nano, asked


def accounts(home: Path) -> dict[str, list[int]]:
    store = f"unix://{home}/data/store/valkey.sock"
    kept = running.store_command(store, "HGETALL", names.ledger("apps"))
    return {
        name.decode()[2:]: msgspec.msgpack.decode(packed) for name, packed in kept.items() if name.startswith(b"a:")
    }


def check(router: Router, upstream: Simulator, answered: set[str]) -> None:
    bill, asked = billed(upstream)

    def ended() -> bool:
        kept = accounts(router.home)
        return kept["team:apps:concurrency"] == [0] and kept["team:apps:usd:total"][2] == 0

    wait_for(ended, 30)
    usage = router.usage(group_by="tag")
    groups, total = {group["key"]["tag"]: group for group in usage["groups"]}, usage["total"]
    for tag in bill.keys() | groups.keys():
        nano, unsure = (groups.get(tag, {}).get(name, 0) for name in ("nano_usd", "unconfirmed_nano_usd"))
        if unsure:
            assert nano >= bill[tag], f"{tag}: the ledger is below the bill"
        else:
            assert nano == bill[tag], f"{tag}: its usage arrived"
    unsure = {tag for tag, group in groups.items() if group["unconfirmed_nano_usd"]}
    _, spent, held, unconfirmed, *_ = accounts(router.home)["team:apps:usd:total"]
    assert (spent + unconfirmed, held, unconfirmed) == (total["nano_usd"], 0, total["unconfirmed_nano_usd"])
    excess = sum(groups[tag]["nano_usd"] - bill[tag] for tag in unsure)
    assert total["nano_usd"] - sum(bill.values()) == excess >= 0, (
        "the excess is that of unconfirmed holds, and no other"
    )
    assert not {tag for tag in answered & unsure if asked[tag] == 1}, "a whole answer had its usage"


@pytest.mark.parametrize(
    ("points", "workers"),
    [(2, 1), (1, 2), pytest.param(200, 1, marks=pytest.mark.slow), pytest.param(30, 3, marks=pytest.mark.slow)],
)
def test_a_router_killed_at_any_point_loses_nothing(
    upstream: Simulator, tmp_path: Path, points: int, workers: int
) -> None:
    seed = int(os.environ.get("KILL_SEED", str(points)))
    dice, numbers, answered = random.Random(seed), itertools.count(), set[str]()
    for point in range(points):
        upstream.faults(*FAULTS)
        with running.router(
            upstream.url, "--workers", str(workers), home=tmp_path, policies={"apps": POLICY}
        ) as router:
            apps = Apps(router, numbers, seed + point)
            for thread in apps.threads:
                thread.start()
            wait_for(lambda apps=apps: apps.asked > 3 * ASKING)
            time.sleep(dice.random() * 0.5)  # the point
            pids = family(router.child.pid)
            for pid in pids:  # with workers the store too, which outlives none of them
                if workers > 1 or pid == router.child.pid:
                    os.kill(pid, signal.SIGKILL)
            router.child.wait(30)
            for thread in apps.threads:
                thread.join(30)
            answered |= apps.answered
            wait_for(lambda pids=pids: not alive(pids))
        upstream.faults()
        if point % 10 == 0 or point == points - 1:
            with running.router(upstream.url, home=tmp_path, policies={"apps": POLICY}) as router:
                check(router, upstream, answered)
