"""The ledger against its reference, whatever replicas, networks and clocks do. A failing run prints its seed."""

from __future__ import annotations

from collections import Counter

import pytest

from router.store.connect import Client
from tests.store.conftest import Run
from tests.store.simulation import STEPS, World

STEPS_A_RUN = 200
SEEDS = 50
SEEDS_LONG = 2_500  # with 400 steps each, a million


def simulate(run: Run, team: str, seeds: range, steps: int) -> Counter[str]:
    seen: Counter[str] = Counter()

    async def main(client: Client) -> None:
        for seed in seeds:
            world = World(client, seed, f"{team}-{seed}")
            try:
                await world.run(steps)
            except BaseException as failure:
                failure.add_note(f"seed {seed}, after {sum(world.seen[step] for step in STEPS)} steps")
                raise
            seen.update(world.seen)

    run(main)
    return seen


@pytest.mark.parametrize("block", range(10))
def test_the_store_stands_as_the_reference_says(run: Run, team: str, block: int) -> None:
    seeds = SEEDS // 10
    seen = simulate(run, team, range(block * seeds, (block + 1) * seeds), STEPS_A_RUN)
    # A run that meets no limit, no duplicate and no late end would prove little.
    assert min(seen[kind] for kind in ("granted", "denied", "final", "redeliver", "close_again", "advance")) >= 10
    assert seen["reconcile ENDED"] >= 5


@pytest.mark.slow
def test_the_store_stands_as_the_reference_says_for_long(run: Run, team: str) -> None:
    simulate(run, team, range(SEEDS, SEEDS + SEEDS_LONG), 400)
