"""Records of which some cannot be read, as a newer router packs them while replicas are being replaced: the others are
told all the same."""

from __future__ import annotations

from router.core.record import request_id
from router.store import names, packing
from router.store.connect import Client
from router.store.rows import row_of
from tests.store.conftest import Run
from tests.store.desk import NOW, Desk, attempt, record


def test_what_cannot_be_read_hides_nothing_else(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        for index in range(30):
            await desk.put(record(team, NOW, index), f"{NOW + index}-0")
            newer = {"r": b"\xff" + bytes([index])} if index % 3 else {"r": packing.pack("row", b"\x91\x01")}
            await client.xadd(names.records(team), newer, id=f"{NOW + index}-1")
        every = [one for page in await desk.pages(7) for one in page]
        assert len(set(every)) == len(every) == 30
        last = every[0].partition(" ")[2]
        found = await desk.records.find(last)
        assert found is not None
        assert found.request_id == last
        assert await desk.records.find(request_id(NOW, b"\xee" * 10)) is None

    run(main)


def test_details_that_cannot_be_read_are_told_as_gone(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        one = record(team, NOW, 1, attempts=(attempt("small", 5, (1, 0, 1)),))
        await client.xadd(names.records(team), {"r": row_of(one)}, id=f"{NOW}-0")
        await client.xadd(names.details(team), {"d": b"\xff\x00"}, id=f"{NOW}-0")
        found = await desk.records.find(one.request_id)
        assert found is not None
        assert (found.nano_usd, found.router) == (5, None)

    run(main)
