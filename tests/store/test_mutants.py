"""Mistakes that a ledger can have, each put into the scripts on purpose: the simulation finds every one of them, so its
silence about the real scripts means something."""

from __future__ import annotations

import hashlib

import pytest

from router.errors import StoreUnavailable
from router.store.connect import Client
from router.store.ledger import Ledger
from router.store.scripts import Script
from tests.store.conftest import Run
from tests.store.simulation import World

SEEDS_MAX = 40
STEPS_A_RUN = 150

# What goes wrong: the text in the scripts, and what stands there instead.
MUTANTS: dict[str, tuple[str, str]] = {
    "a repeated reservation is charged again": ("local fresh = granted and not hold", "local fresh = granted"),
    "an ended hold ends again": ("if from == 'S' or from == 'V' or from == to then", "if false then"),
    "a voided hold can be settled": ("from == 'S' or from == 'V' or", "from == 'S' or"),
    "a ring has N buckets, not N+1": ("return 2 + bucket % (buckets + 1)", "return 2 + bucket % buckets"),
    "a ring forgets a bucket early": (
        "local first = math.max(numbers[1] + 1, bucket - buckets)",
        "local first = math.max(numbers[1], bucket - buckets)",
    ),
    "a ring keeps what it should forget": (
        "math.max(numbers[1] + 1, bucket - buckets)",
        "math.max(numbers[1] + 2, bucket - buckets)",
    ),
    "a clock set back is believed": ("else\n  now = mark\nend", "end"),
    "time stands still": ("if now > mark then", "if mark == 0 then"),
    "a refusal charges what came before it": (
        "    views[index] = view\n",
        "    views[index] = view\n    account_hold(one[2], view[1], view[2], one[6], one[4])\n"
        "    account_save(one[1], view[1])\n",
    ),
    "a lease that runs out gives the money back": ("close(id, 'X', {}, {}, '', 0)", "close(id, 'V', {}, {0}, '', 0)"),
    "a lease never runs out": ("if record and record[1] == 'H' then", "if false then"),
    "a lease ends late": ("'-inf', now, 'LIMIT'", "'-inf', now - 1, 'LIMIT'"),
    "a settlement goes to the window of today": (
        "if numbers[5] == begin then return 5 end",
        "if numbers[5] == begin then return 1 end",
    ),
    "the last window is forgotten": ("0, 0, 0, numbers[1], numbers[2], numbers[3], numbers[4]", "0, 0, 0, -1, 0, 0, 0"),
    "a window begins with what was spent before": (
        "{ begin, 0, 0, 0, numbers[1],",
        "{ begin, numbers[2], 0, 0, numbers[1],",
    ),
    "a calendar's limit is one too low": ("spent + held + amount > limit", "spent + held + amount >= limit"),
    "a calendar's limit is one too high": ("spent + held + amount > limit", "spent + held + amount > limit + 1"),
    "a ring's limit is one too low": ("sum + amount > limit then wait", "sum + amount >= limit then wait"),
    "a gauge's limit is one too high": (
        "full = limit >= 0 and numbers[1] + amount > limit",
        "full = limit >= 0 and numbers[1] + amount > limit + 1",
    ),
    "what is held does not count": (
        "limit >= 0 and spent + held + amount > limit",
        "limit >= 0 and spent + amount > limit",
    ),
    "what is unconfirmed does not count": (
        "numbers[at + 1] + numbers[at + 3], numbers[at + 2]",
        "numbers[at + 1], numbers[at + 2]",
    ),
    "an unknown id is dropped": ("  if hold then from = hold[1] end\n", "  if not hold then return 0, false end\n"),
    "a gauge leaks when a lease runs out": (
        "if from == 'H' then numbers[1] =",
        "if from == 'H' and to ~= 'X' then numbers[1] =",
    ),
    "a gauge is freed twice": ("if from == 'H' then numbers[1] = numbers[1]", "if true then numbers[1] = numbers[1]"),
    "the digest is ignored": ("if hold and hold[3] ~= digest then", "if false then"),
    "a settlement leaves the unconfirmed charge": (
        "if from == 'X' then numbers[window + 3]",
        "if false then numbers[window + 3]",
    ),
    "a settlement of an unconfirmed hold is ignored": ("or from == to then", "or from == 'X' or from == to then"),
    "a settled hold stays listed as unconfirmed": (
        "    redis.call('ZREM', UNCONFIRMED, id)\n  end\n  return 1",
        "  end\n  return 1",
    ),
    "a settlement charges the hold": ("(to == 'X' and amount or actual)", "amount"),
    "a late end books into a later bucket": (
        "ring_slot(at, buckets)\n    numbers[slot] = numbers[slot] + (to",
        "ring_slot(numbers[1], buckets)\n    numbers[slot] = numbers[slot] + (to",
    ),
    "the wait ends a millisecond early": (
        "<= 0 then return math.ceil((bucket + buckets + 1) * width)",
        "<= 0 then return math.ceil((bucket + buckets + 1) * width) - 1",
    ),
    "the wait ends a bucket late": (
        "<= 0 then return math.ceil((bucket + buckets + 1)",
        "<= 0 then return math.ceil((bucket + buckets + 2)",
    ),
    "the shortest wait is told": ("view[5] > wait)", "wait == 0)"),
    "a full minute is told as empty": ("if kind == RING then reset = ring_reset(numbers, first, second) end", ""),
    "a request beyond the limit is told to wait": ("wait = amount > limit and NEVER or reset", "wait = reset"),
    "any window will do": ("if now < first or now >= second then return nil end", ""),
    "a window holds its end": ("now >= second", "now > second"),
    "a record is written each time": ("told == 0 or hold[2] == 1 then return", "told == 0 then return"),
    "a record is lost when a lease ran out before": (
        "if told == 0 or hold[2] == 1 then return 0, false end",
        "do return 0, false end",
    ),
    "tombstones stay for ever": ("redis.call('HDEL', LEDGER, 'r:' .. id)", ""),
    "a renewal revives what has ended": (
        "if record and record[1] == 'H' then\n    redis.call('ZADD'",
        "if record then\n    redis.call('ZADD'",
    ),
    "an advance leaves the first hold": ("close(unpack(ending))", ""),
    "an operator's word ends an open hold": ("if hold[1] == 'H' then return { OPEN, 0 } end", ""),
    "an operator's word is taken for another": ("if hold[7] == nano then", "if hold[7] then"),
    "an operator's word leaves the record to a late usage": (
        "hold_save(id, { to, 1, '', '', hold[5], {}, nano }",
        "hold_save(id, { to, 0, '', '', hold[5], {}, nano }",
    ),
    "an operator's word is not in the sums": ("write_record('', '', {}, sums, sums_ms)", ""),
    "an operator's word is soon forgotten": ("now + RECONCILED_MS", "now + TOMBSTONE_MS"),
    "a refused record is counted again": ("if hold_load(id) then return 0 end", ""),
}


class Mutation:
    """Puts one mistake into every script that holds the text, and counts them."""

    def __init__(self, title: str) -> None:
        self.old, self.new = MUTANTS[title]
        self.applied = 0

    def __call__(self, ledger: Ledger) -> None:
        for verb, script in ledger.scripts.items():
            source = script.source.replace(self.old, self.new)
            self.applied += source != script.source
            sha = hashlib.sha1(source.encode()).hexdigest()
            ledger.scripts[verb] = Script(name=verb, source=source, sha=sha)


@pytest.mark.parametrize("title", MUTANTS)
def test_the_simulation_finds_the_mistake(run: Run, team: str, title: str) -> None:
    mutation = Mutation(title)

    async def killed(client: Client) -> bool:
        for seed in range(SEEDS_MAX):
            world = World(client, seed, f"{team}-{seed}", mutation)
            try:
                await world.run(STEPS_A_RUN)
            except (AssertionError, StoreUnavailable):
                return True
        return False

    assert run(killed), "the mistake was not found"
    assert mutation.applied, "the scripts have changed: this mistake is no longer made"
