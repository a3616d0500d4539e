"""The records that the bench writes: every way to add them up comes to the same, to the nano."""

from __future__ import annotations

import time
from typing import Any

from router.core.filters import Filters
from router.store import names
from router.store.connect import Client, Door
from router.store.ledger import Ledger
from router.store.records import GROUPS, Records
from router.store.totals import DAY_MS
from tests.bench.records import bytes_kept, fill
from tests.store.conftest import Run

TEAMS, EACH = 4, 150


def test_usage_rollup_and_records_come_to_the_same(run: Run) -> None:
    async def main(client: Client) -> None:
        store: Any = client
        await store.flushdb()
        await fill(client, TEAMS, EACH, seed=7)
        records = Records(client, Ledger(Door(client, deadline_s=60.0)))
        until_ms = int(time.time() * 1000) + DAY_MS
        since_ms = until_ms - 40 * DAY_MS
        found, following = await records.query(limit=TEAMS * EACH)
        assert (len(found), following) == (TEAMS * EACH, None)
        rolled = await records.rollup(await records.teams(), since_ms, until_ms)
        assert rolled.total.nano_usd == sum(one.nano_usd for one in found) > 0
        assert rolled.total.saved_nano_usd == sum(one.saved_nano_usd for one in found)
        assert rolled.refusals == {"budget_exceeded": sum(one.code == "budget_exceeded" for one in found)}
        assert sum(rolled.statuses.values()) == sum(rolled.reasons.values()) == rolled.added.total == len(found)
        for group in GROUPS:
            total, groups = await records.usage(since_ms=since_ms, until_ms=until_ms, group_by=group)
            assert total == rolled.total
            assert groups == rolled.by.get(group, groups)
        for model, sums in rolled.by["model"].items():
            attempts = [tried for one in found for tried in (one.router.attempts if one.router else ())]
            assert sums.nano_usd == sum(tried.nano_usd for tried in attempts if tried.model == model)
        for code in ("budget_exceeded", "nothing"):
            some, _ = await records.query(filters=Filters(code=code), limit=1_000)
            assert [one.request_id for one in some] == [one.request_id for one in found if one.code == code]
        kept = await bytes_kept(client, TEAMS * EACH)
        assert {"rows", "details", "hours", "days", "names"} < set(kept)
        await store.delete(names.TEAMS)

    run(main)
