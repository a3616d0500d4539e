"""Keys saved from one router and restored into another that has lost them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from router.store import names
from tests import running
from tests.running import ADMIN_KEY, Router, Simulator, command, valkey, wait_for

TOTAL = {"team": "apps", "account": "team:apps:usd:day", "kind": "c", "at": 0, "buckets": 0, "nano_usd": 1}
PEPPER = {"ROUTER_KEY_PEPPER": "one pepper for both"}
NO_GRANTS = {f"grants_{what}": 0 for what in ("restored", "revoked", "kept", "over")}


def run(router: Router, *arguments: str) -> tuple[int, str]:
    code, out, err = command(*arguments, environ={"ROUTER_URL": router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY})
    assert "Traceback" not in err
    return code, out + err


def keys(router: Router) -> Any:
    return router.admin("GET", "/backup").json["keys"]


def test_keys_come_back_once_and_nothing_newer_is_overwritten(upstream: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    with valkey() as store:
        given = {**PEPPER, "ROUTER_REDIS_URL": store}
        with running.router(upstream.url, environ=given) as router:
            kept, revoked, later = (
                router.admin("POST", "/keys", {"team": "apps", "name": name}).json for name in ("kept", "gone", "later")
            )
            assert router.admin("DELETE", f"/keys/{revoked['id']}").status == 200
            assert run(router, "backup", str(file)) == (0, f"4 keys, 0 grants and 0 totals were written to {file}.\n")
            assert file.stat().st_mode & 0o777 == 0o600
            text = file.read_text()
            assert PEPPER["ROUTER_KEY_PEPPER"] not in text
            assert kept["key"] not in text
            assert kept["key"].split("-", 3)[3] not in text
            before = keys(router)

            turned = router.admin("POST", f"/keys/{later['id']}/rotate", {"grace_s": 0}).json
            now = keys(router)
            code, said = run(router, "restore", str(file))
            assert (code, said) == (0, "0 keys were restored, 0 revoked, 4 were there already.\n")
            assert keys(router) == now
            assert router.chat(key=turned["key"], max_tokens=5).status == 200

            running.store_command(store, "DEL", names.KEYS)
            running.store_command(store, "INCR", names.KEYS_VERSION)
            wait_for(lambda: router.chat(key=kept["key"], max_tokens=5).status == 401)
            assert run(router, "restore", str(file))[1] == "4 keys were restored, 0 revoked, 0 were there already.\n"
            assert keys(router) == before
            assert run(router, "restore", str(file))[1] == "0 keys were restored, 0 revoked, 4 were there already.\n"
            assert keys(router) == before
            wait_for(lambda: router.chat(key=kept["key"], max_tokens=5).status == 200)
            assert router.chat(key=revoked["key"]).status == 401


def test_a_key_that_the_backup_knows_as_revoked_is_revoked_in_an_older_store(router: Router) -> None:
    made = router.admin("POST", "/keys", {"team": "apps", "name": "leaked"}).json
    whole = router.admin("GET", "/backup").json
    [record] = [key for key in whole["keys"] if key["id"] == made["id"]]
    body = {"version": whole["version"], "pepper": whole["pepper"], "keys": [{**record, "revoked_at": 1.0}]}
    nothing = {**NO_GRANTS, "raised": 0}
    assert router.admin("POST", "/restore", body).json == {**nothing, "restored": 0, "revoked": 1, "kept": 0}
    assert router.admin("POST", "/restore", body).json == {**nothing, "restored": 0, "revoked": 0, "kept": 1}
    [said, first, *_] = router.admin("GET", "/audit?limit=2").json["changes"]
    assert [said["what"], first["what"]] == ["keys.restored", "keys.restored"]
    assert first["details"] == {**nothing, "restored": 0, "revoked": 1, "kept": 0}
    wait_for(lambda: router.chat(key=made["key"]).status == 401)
    [stands] = [key for key in keys(router) if key["id"] == made["id"]]
    assert stands == {**record, "revoked_at": 1.0}


def test_a_damaged_or_foreign_file_is_refused_whole(router: Router, tmp_path: Path) -> None:
    file, folder = tmp_path / "keys.jsonl", tmp_path / "nowhere" / "keys.jsonl"
    assert run(router, "backup", str(file))[0] == 0
    stood, lines = keys(router), file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:1], lines[1].replace("apps", "oops"), *lines[2:]]))
    code, said = run(router, "restore", str(file))
    assert code == 1
    assert "line 2" in said
    file.write_bytes(b"\xff\xfe")
    assert run(router, "restore", str(file))[0] == 1
    assert run(router, "backup", str(folder))[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["keys.jsonl"], "no half of a file is left"
    whole = router.admin("GET", "/backup").json
    body = {"version": whole["version"], "pepper": whole["pepper"], "keys": whole["keys"]}
    for change, code_ in (
        ({"pepper": "0" * 16}, "other_pepper"),
        ({"version": 3}, "invalid_value"),
        ({"totals": [{**TOTAL, "nano_usd": -1}]}, "invalid_value"),
        ({"totals": [{**TOTAL, "kind": "g"}]}, "invalid_value"),
        ({"totals": [{**TOTAL, "buckets": 10**9}]}, "invalid_value"),
        ({"totals": [{"team": "apps"}]}, "invalid_request"),
        ({"keys": [*whole["keys"], {**whole["keys"][0], "id": "short"}]}, "invalid_value"),
        ({"keys": [{**whole["keys"][0], "digests": {"x": None}}]}, "invalid_value"),
        ({"keys": [{"id": "x"}]}, "invalid_request"),
    ):
        refused = router.admin("POST", "/restore", {**body, **change})
        assert (refused.status, refused.error["code"]) == (400, code_)
    assert keys(router) == stood


def test_what_was_spent_comes_back_once_into_a_store_that_lost_everything(upstream: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "backup.jsonl"
    spending = "".join(
        f'[[budget]]\nscope = "team"\nusd = "{usd}"\nwindow = "{window}"\n'
        for usd, window in (("0.03", "total"), ("0.01", "24h"), ("0.02", "month"))
    )
    with valkey() as store:
        given = {**PEPPER, "ROUTER_REDIS_URL": store}
        policies = {"apps": f'team = "apps"\n{spending}[[limit]]\nscope = "team"\nrequests_per_minute = 100\n'}
        with running.router(
            upstream.url, environ=given, policies=policies, settings='[journal]\nmode = "off"\n'
        ) as router:
            for _ in range(3):
                assert router.chat(max_tokens=20).status == 200
            spent = router.settled(3)["nano_usd"]
            assert run(router, "backup", str(file)) == (0, f"1 keys, 0 grants and 3 totals were written to {file}.\n")
            running.store_command(store, "FLUSHALL")
            said = "1 keys were restored, 0 revoked, 0 were there already. 3 totals were raised to what they were.\n"
            assert run(router, "restore", str(file)) == (0, said)
            assert "0 totals were raised" in run(router, "restore", str(file))[1]
            wait_for(lambda: router.chat(max_tokens=20).status == 200)
            more = router.settled(1)["nano_usd"]
            refused = router.chat(model="mistral-large-2512", max_tokens=50_000)
            assert refused.error["budget"]["spent_usd"] == f"{(spent + more) / 1e9:.9f}"
            assert "0 totals were raised" in run(router, "restore", str(file))[1], "it never counts twice"
