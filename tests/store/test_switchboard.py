"""Switches in the store: none is lost when two operators act at once, each ends, and nothing is kept for ever."""

from __future__ import annotations

import asyncio

import pytest

from router.core.switches import NONE_SWITCHED
from router.errors import StoreUnavailable
from router.store import names
from router.store.audit import LINES_MAX, Audit, Change
from router.store.connect import Client, connect
from router.store.switchboard import Switchboard
from tests.store.conftest import Run

MODELS = [f"model-{number}" for number in range(6)]


def test_operators_who_act_at_the_same_time_undo_nothing_of_each_other(run: Run) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.SWITCHES)
        boards = [Switchboard(client, deadline_s=60.0) for _ in MODELS]
        pairs = zip(boards, MODELS, strict=True)
        await asyncio.gather(*(board.disable(model, for_s=60, reason="x", by="me") for board, model in pairs))
        assert sorted((await boards[0].read()).disabled) == MODELS
        await asyncio.gather(boards[0].enable(MODELS[0]), boards[1].pin_all(MODELS[1], for_s=60, reason="x", by="me"))
        now = await boards[2].read()
        assert sorted(now.disabled) == MODELS[1:]
        assert now.pin_all is not None
        assert (await boards[3].unpin()).pin_all is None

    run(main)


def test_a_switch_ends_at_its_time_and_the_store_forgets_it(run: Run) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.SWITCHES)
        now = 4_000_000_000.0
        board = Switchboard(client, lambda: now, deadline_s=60.0)
        await board.disable("a", for_s=10, reason="x", by="me")
        await board.pin_all("b", for_s=20, reason="x", by="me")
        assert await client.pexpiretime(names.SWITCHES) == 4_000_000_080_000, "a minute after the last has ended"
        now += 9.9
        assert set(board.current().disabled) == {"a"}
        now += 0.2
        assert board.current().disabled == {}
        assert board.current().pin_all is not None
        now += 10
        assert board.current() == NONE_SWITCHED
        await client.delete(names.SWITCHES)

    run(main)


def test_without_a_store_nothing_can_be_switched_and_it_is_said() -> None:
    async def main() -> None:
        client = connect("redis://127.0.0.1:9")
        try:
            with pytest.raises(StoreUnavailable):
                await Switchboard(client).disable("a", for_s=10, reason="x", by="me")
            change = Change(request_id="r", by="me", source="here", what="key.created", target="k")
            await Audit(client).note(change)  # the change was made, so its maker is not told of a failure
        finally:
            await client.aclose()

    asyncio.run(main())


def test_the_audit_keeps_its_newest_lines_only(run: Run) -> None:
    async def main(client: Client) -> None:
        await client.delete(names.AUDIT)
        pipe = client.pipeline(transaction=False)
        for _ in range(LINES_MAX + 500):
            pipe.xadd(names.AUDIT, {"line": b"{}"})
        await pipe.execute()
        await Audit(client, deadline_s=60.0).note(
            Change(request_id="r", by="me", source="here", what="key.created", target="last")
        )
        assert await client.xlen(names.AUDIT) < LINES_MAX + 200
        [newest], _ = await Audit(client, deadline_s=60.0).query(since_ms=0, until_ms=None, cursor=None, limit=1)
        assert newest.target == "last"
        await client.delete(names.AUDIT)

    run(main)
