"""Virtual keys: who holds one, until when, and how fast every replica hears of a change."""

from __future__ import annotations

import asyncio
import time
import uuid
from functools import partial
from typing import Any

import pytest

from router.errors import InvalidKey, StoreUnavailable
from router.store import names
from router.store.connect import Client, connect
from router.store.keyring import Keyring
from tests.store.conftest import Run

PEPPER = b"pepper-of-the-tests"
# A busy machine may stop a process for longer than a request would wait.
patient_keyring = partial(Keyring, deadline_s=60.0)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_793_000_000.0

    def __call__(self) -> float:
        return self.now_s


def other_secret(key: str) -> str:
    return key[:-1] + ("A" if key[-1] != "A" else "B")


def test_a_new_key_names_its_principal(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        keyring = patient_keyring(client, PEPPER)
        record, key = await keyring.create(team, "ci", models=("mistral-*",), endpoints=("chat",))
        for fresh in (keyring, patient_keyring(client, PEPPER)):
            principal = await fresh.authenticate(key)
            assert (principal.key_id, principal.team) == (record.id, team)
            assert (principal.models, principal.endpoints) == (("mistral-*",), ("chat",))
        assert key.startswith(f"sk-mr-{record.id}-")
        assert team in {raw.decode() for raw in await client.smembers(names.TEAMS)}
        assert record in await keyring.list()

    run(main)


def test_a_wrong_secret_and_an_unknown_id_are_told_the_same(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        keyring = patient_keyring(client, PEPPER)
        _, key = await keyring.create(team, "ci")
        told = []
        for wrong in (other_secret(key), f"sk-mr-{'x' * 12}-{key[-43:]}"):
            with pytest.raises(InvalidKey) as refusal:
                await keyring.authenticate(wrong)
            told.append(refusal.value.message)
        assert told[0] == told[1]
        with pytest.raises(InvalidKey):
            await patient_keyring(client, b"another pepper").authenticate(key)

    run(main)


@pytest.mark.parametrize(
    "key", [None, "", "sk-mr-", "sk-other-1", "sk-mr-abc-def\n", "sk-mr-" + "é" * 12 + "-" + "a" * 43]
)
def test_what_is_no_key_never_reaches_the_store(key: str | None) -> None:
    async def main() -> None:
        client = connect("unix:///nowhere.sock")
        with pytest.raises(InvalidKey, match="sk-mr-…"):
            await patient_keyring(client, PEPPER).authenticate(key)
        await client.aclose()

    asyncio.run(main())


def test_no_key_is_in_the_store(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        keyring = patient_keyring(client, PEPPER)
        record, key = await keyring.create(team, "ci")
        rotated = await keyring.rotate(record.id, 60)
        assert rotated is not None
        kept = b"".join([raw async for raw in _everything(client)])
        assert record.id.encode() in kept
        for secret in (key, rotated[1]):
            assert secret[-43:].encode() not in kept
        assert PEPPER not in kept

    run(main)


async def _everything(client: Any) -> Any:
    async for name in client.scan_iter(count=1_000):
        yield name
        match await client.type(name):
            case b"hash":
                for field, value in (await client.hgetall(name)).items():
                    yield field + b" " + value
            case b"string":
                yield await client.get(name)
            case b"set":
                yield b" ".join(await client.smembers(name))
            case b"zset":
                yield b" ".join(await client.zrange(name, 0, -1))
            case b"stream":
                for _, fields in await client.xrange(name):
                    yield b" ".join(fields.values())


def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        keyring = patient_keyring(client, PEPPER)
        record, key = await keyring.create(team, "ci")
        await keyring.authenticate(key)
        revoked = await keyring.revoke(record.id)
        assert revoked is not None
        assert revoked.revoked_at is not None
        with pytest.raises(InvalidKey, match=f"{record.id} was revoked"):
            await keyring.authenticate(key)
        assert await keyring.revoke(record.id) == revoked
        assert await keyring.revoke("unknown") is None
        assert await keyring.rotate(record.id, 60) is None
        assert await keyring.rotate("unknown", 60) is None

    run(main)


def test_a_rotated_secret_lives_on_for_its_grace(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        keyring = patient_keyring(client, PEPPER, clock)
        record, first = await keyring.create(team, "ci")
        rotated = await keyring.rotate(record.id, 60)
        assert rotated is not None
        clock.now_s += 59
        for key in (first, rotated[1]):
            assert (await keyring.authenticate(key)).key_id == record.id
        # A further rotation never lengthens a grace.
        again = await keyring.rotate(record.id, 3_600)
        assert again is not None
        clock.now_s += 1
        with pytest.raises(InvalidKey, match="was revoked"):
            await keyring.authenticate(first)
        for key in (rotated[1], again[1]):
            await keyring.authenticate(key)
        at_once = await keyring.rotate(record.id, 0)
        assert at_once is not None
        for key in (rotated[1], again[1]):
            with pytest.raises(InvalidKey):
                await keyring.authenticate(key)
        assert len(at_once[0].digests) == 3  # what has ended before is not kept

    run(main)


def test_a_key_ends_on_its_day(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        clock = Clock()
        keyring = patient_keyring(client, PEPPER, clock)
        _, key = await keyring.create(team, "ci", expires_at=clock.now_s + 10)
        clock.now_s += 9.9
        await keyring.authenticate(key)
        clock.now_s += 0.1
        with pytest.raises(InvalidKey, match="expired at 2026-10-2"):
            await keyring.authenticate(key)

    run(main)


def test_every_replica_hears_of_a_change_within_two_seconds(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        here, there = patient_keyring(client, PEPPER), patient_keyring(client, PEPPER)
        watching = asyncio.create_task(there.watch())
        record, key = await here.create(team, "ci")
        await there.authenticate(key)
        await here.revoke(record.id)
        began_s = time.monotonic()
        while await _works(there, key):
            await asyncio.sleep(0.02)
            assert time.monotonic() - began_s < 2
        watching.cancel()

    run(main)


async def _works(keyring: Keyring, key: str) -> bool:
    try:
        await keyring.authenticate(key)
    except InvalidKey:
        return False
    return True


def test_a_new_secret_works_at_once_on_every_replica(run: Run, team: str) -> None:
    """An app that gets it the moment it is made must not be told that nobody knows it."""

    async def main(client: Any) -> None:
        clock = Clock()
        here, there = patient_keyring(client, PEPPER, clock), patient_keyring(client, PEPPER, clock)
        record, old = await here.create(team, "ci")
        await there.authenticate(old)
        for _ in range(2):
            rotated = await here.rotate(record.id, 60)
            assert rotated is not None
            for key in (rotated[1], old):
                assert (await there.authenticate(key)).key_id == record.id

    run(main)


def test_guesses_at_a_known_key_cost_the_store_one_look_a_second(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        clock = Clock()
        here, there = patient_keyring(client, PEPPER, clock), patient_keyring(client, PEPPER, clock)
        record, old = await here.create(team, "ci")
        await there.authenticate(old)
        assert not await _works(there, other_secret(old))
        rotated = await here.rotate(record.id, 60)
        assert rotated is not None
        assert not await _works(there, rotated[1]), "it has looked already in this second"
        assert await _works(there, old)
        clock.now_s += 1
        assert await _works(there, rotated[1])

    run(main)


def test_an_id_that_was_unknown_is_found_once_it_exists(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        clock = Clock()
        here, there = patient_keyring(client, PEPPER, clock), patient_keyring(client, PEPPER, clock)
        record, key = await here.create(team, "ci")
        packed = await client.hget(names.KEYS, record.id)
        await client.hdel(names.KEYS, record.id)
        with pytest.raises(InvalidKey):
            await there.authenticate(key)
        await client.hset(names.KEYS, record.id, packed)
        with pytest.raises(InvalidKey):
            await there.authenticate(key)  # for a moment, so that guesses cost the store little
        clock.now_s += 1
        assert (await there.authenticate(key)).key_id == record.id

    run(main)


def test_keys_are_created_side_by_side(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        rings = [patient_keyring(client, PEPPER) for _ in range(4)]
        made = await asyncio.gather(*(ring.create(team, f"k{i}") for ring in rings for i in range(25)))
        assert len({record.id for record, _ in made}) == 100
        principals = await asyncio.gather(*(rings[0].authenticate(key) for _, key in made))
        assert [principal.key_id for principal in principals] == [record.id for record, _ in made]

    run(main)


def test_of_changes_at_once_none_is_lost(run: Run, team: str) -> None:
    """A rotation that read the key before it was revoked must not bring it back to life."""

    async def main(client: Client) -> None:
        rings = [patient_keyring(client, PEPPER) for _ in range(6)]
        record, _ = await rings[0].create(team, "ci")
        changes = [ring.rotate(record.id, 60) for ring in rings[:5]]
        rotated = await asyncio.gather(*changes, rings[5].revoke(record.id))
        for fresh in [one[1] for one in rotated[:5] if isinstance(one, tuple)]:
            with pytest.raises(InvalidKey, match="was revoked"):
                await patient_keyring(client, PEPPER).authenticate(fresh)
        assert (await rings[0].revoke(record.id)) == rotated[5]

    run(main)


def test_a_revocation_that_seemed_to_fail_is_heard_of_when_it_is_repeated(run: Run, team: str) -> None:
    async def main(client: Any) -> None:
        keyring = patient_keyring(client, PEPPER)
        record, _ = await keyring.create(team, "ci")
        await keyring.revoke(record.id)
        version = int(await client.get(names.KEYS_VERSION))
        await keyring.revoke(record.id)
        assert int(await client.get(names.KEYS_VERSION)) > version

    run(main)


def test_a_key_that_is_known_works_on_while_the_store_is_away(run: Run, team: str) -> None:
    async def main(client: Client) -> None:
        keyring = patient_keyring(client, PEPPER)
        _, key = await keyring.create(team, "ci")
        await keyring.authenticate(key)
        away = connect(f"unix:///nowhere-{uuid.uuid4().hex}.sock")
        keyring._client = away
        watching = asyncio.create_task(keyring.watch())
        await asyncio.sleep(0.05)
        await keyring.authenticate(key)
        with pytest.raises(StoreUnavailable, match="keys"):
            await keyring.authenticate(f"sk-mr-{'y' * 12}-{key[-43:]}")
        watching.cancel()
        await away.aclose()

    run(main)
