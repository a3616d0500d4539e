"""How long a team's answers usually are: learned from its own settled requests, by kind of work."""

from __future__ import annotations

from router.core.kinds import Kind
from router.store.connect import Client, connect
from router.store.outputs import REQUESTS_MIN, Outputs
from router.store.records import Records
from tests.store.conftest import Run
from tests.store.desk import NOW, Desk, attempt, record


def test_the_mean_of_a_kind_is_known_once_there_are_enough_answers(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        desk = await Desk(client, team).open()
        outputs = Outputs(desk.records, lambda: NOW / 1000)
        assert outputs.of(team) == {}
        for index in range(REQUESTS_MIN):
            tried = attempt("small", 5, usage=(10, 0, 100 + index))
            await desk.put(record(team, NOW, index, kind="code", attempts=(tried,)))
        await desk.put(record(team, NOW, 99, kind="chat", attempts=(attempt("small", 5, usage=(10, 0, 9_000)),)))
        await desk.put(record(team, NOW, 98, kind="of another version", attempts=()))
        await outputs.look()
        assert outputs.of(team) == {Kind.CODE: round(100 + (REQUESTS_MIN - 1) / 2)}
        assert outputs.of("another") == {}

    run(main)


def test_a_store_that_is_away_leaves_what_was_known(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        gone = connect("redis://127.0.0.1:9")
        outputs = Outputs(Records(gone, (await Desk(client, team).open()).ledger))
        before = outputs.of(team)
        await outputs.look()
        assert outputs.of(team) == before
        await gone.aclose()

    run(main)
