"""The other commands: what they print, how they end, and that a mistake is told without a traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.commands.check import vocabulary
from tests import running
from tests.running import ADMIN_KEY, ROOT, Router, Simulator, command, valkey

HELLO = {"model": "auto", "messages": [{"role": "user", "content": "What is the capital of Portugal?"}]}


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Copies of config and policies to spoil, as options."""
    for name in ("config", "policies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    options = [f"--{name}={tmp_path / name}" for name in ("config", "policies")]
    return [*options, f"--data-dir={tmp_path / 'data'}"]


def fails(*arguments: str, environ: dict[str, str] | None = None, given: str = "") -> str:
    """What a command says that ends with 1, without a traceback."""
    code, out, err = command(*arguments, environ=environ, given=given)
    assert code == 1, out + err
    assert "Traceback" not in out + err
    return out + err


def test_serve_without_a_vendor_key_names_the_demo(folders: list[str]) -> None:
    said = fails("serve", "--port", "0", *folders)
    assert "MISTRAL_API_KEY" in said
    assert "mistral-router demo" in said


def test_serve_with_a_store_of_ones_own_wants_pepper_and_admin_key(folders: list[str]) -> None:
    given = {"MISTRAL_API_KEY": "x", "ROUTER_REDIS_URL": "redis://127.0.0.1:9"}
    assert "ROUTER_KEY_PEPPER" in fails("serve", "--port", "0", *folders, environ=given)
    given["ROUTER_KEY_PEPPER"] = "x"
    assert "ROUTER_ADMIN_KEY" in fails("serve", "--port", "0", *folders, environ=given)


@pytest.mark.parametrize(
    ("name", "value"), [("UPSTREAM_URL", "ftp://x"), ("UPSTREAM_REGION", "mars"), ("STORE_TIMEOUT", "soon")]
)
def test_serve_names_the_variable_that_is_wrong(folders: list[str], name: str, value: str) -> None:
    said = fails("serve", "--port", "0", *folders, environ={"MISTRAL_API_KEY": "x", f"ROUTER_{name}": value})
    assert f"(from ROUTER_{name}): {value!r}" in said


def test_serve_names_the_option_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    given = {"MISTRAL_API_KEY": "x"}
    nowhere = ("--port", "0", "--data-dir", str(tmp_path / "file" / "within"))
    assert "--data-dir" in fails("serve", *nowhere, environ=given)
    assert "--data-dir" in fails("demo", "--once", *nowhere)
    (tmp_path / "shut" / "admin.key").mkdir(parents=True)
    shut = ("--data-dir", str(tmp_path / "shut"))
    for arguments in (("serve", "--port", "0", *shut), ("keys", "list", *shut)):
        said = fails(*arguments, environ=given)
        assert "--data-dir" in said
        assert "admin.key" in said
        assert "Is a directory" in said
    data = ("--port", "0", "--data-dir", str(tmp_path / "data"))
    assert "--host" in fails("serve", "--host", "192.0.2.1", *data, environ=given)
    code, out, err = command("serve", *data, environ={**given, "ROUTER_LOG_LEVEL": "loud"})
    assert (code, "ROUTER_LOG_LEVEL" in err, "Traceback" in out + err) == (2, True, False)


def test_serve_with_a_wrong_store_address_says_so(folders: list[str]) -> None:
    given = {"MISTRAL_API_KEY": "x", "ROUTER_KEY_PEPPER": "x", "ROUTER_ADMIN_KEY": "x"}
    said = fails("serve", "--port", "0", *folders, environ={**given, "ROUTER_REDIS_URL": "http://127.0.0.1:9"})
    assert "ROUTER_REDIS_URL" in said


def test_a_store_address_that_does_not_parse_tells_nothing_of_its_password(folders: list[str]) -> None:
    given = {"MISTRAL_API_KEY": "x", "ROUTER_KEY_PEPPER": "x", "ROUTER_ADMIN_KEY": "x"}
    address = "redis://:s3cr/et@127.0.0.1:6379"
    said = fails("serve", "--port", "0", *folders, environ={**given, "ROUTER_REDIS_URL": address})
    assert "ROUTER_REDIS_URL" in said
    assert "s3cr" not in said


def test_a_secret_file_that_cannot_be_read_is_named(folders: list[str]) -> None:
    assert "nowhere" in fails("serve", "--port", "0", *folders, environ={"MISTRAL_API_KEY_FILE": "/nowhere/key"})


@pytest.mark.parametrize("name", ["serve", "check", "explain"])
def test_a_wrong_policy_stops_every_command_with_file_and_place(folders: list[str], tmp_path: Path, name: str) -> None:
    (tmp_path / "policies" / "search.toml").write_text('team = "search"\n[[budget]]\nscope = "team"\nwindow = "day"\n')
    more = {"serve": ["--port", "0"], "explain": ["-"]}.get(name, [])
    said = fails(name, *more, *folders, environ={"MISTRAL_API_KEY": "x"}, given=json.dumps(HELLO))
    assert "search.toml" in said
    assert "budget[0]" in said
    assert "usd" in said


def test_a_wrong_router_file_is_named_too(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "config" / "router.toml").write_text("[timing]\ndeadlin = 5\n")
    said = fails("check", *folders)
    assert "router.toml" in said
    assert "deadlin" in said


def test_check_is_content_with_what_is_shipped(folders: list[str], simulated: Simulator) -> None:
    given = {"MISTRAL_API_KEY": "x", "ROUTER_UPSTREAM_URL": f"{simulated.url}/v1"}
    code, out, err = command("check", *folders, environ=given)
    assert (code, err) == (0, ""), out
    code, out, _ = command("check", "--json", *folders, environ=given)
    states = {finding["part"]: finding["state"] for finding in json.loads(out)}
    assert states["files"] == "ok"
    assert states["upstream"] in ("ok", "warning")
    assert states["store"] == "skipped"
    assert states["tokens"] == "ok"


def test_check_warns_of_a_lost_vocabulary(tmp_path: Path) -> None:
    found = vocabulary(tmp_path / "tekken.bin")
    assert (found.part, found.state) == ("tokens", "warning")
    assert "tekken.bin" in found.what


def test_check_finds_an_upstream_that_is_down(folders: list[str]) -> None:
    said = fails("check", *folders, environ={"MISTRAL_API_KEY": "x", "ROUTER_UPSTREAM_URL": "http://127.0.0.1:9"})
    assert "failed" in said
    assert "upstream" in said


def test_check_finds_an_upstream_that_refuses_the_key(folders: list[str], simulated: Simulator) -> None:
    simulated.reset()
    simulated.faults({"match": {"path": "/v1/models"}, "fault": "status", "status": 401, "times": None})
    said = fails("check", *folders, environ={"MISTRAL_API_KEY": "x", "ROUTER_UPSTREAM_URL": simulated.url})
    simulated.reset()
    assert "401" in said


def test_check_finds_a_store_that_forgets(folders: list[str]) -> None:
    with valkey() as good:
        code, out, _ = command("check", *folders, environ={"ROUTER_REDIS_URL": good})
        assert code == 0, out
    with valkey("--maxmemory-policy", "allkeys-lru", "--appendonly", "no") as forgetful:
        said = fails("check", *folders, environ={"ROUTER_REDIS_URL": forgetful})
    assert "noeviction" in said
    assert "appendonly" in said
    assert "store" in fails("check", *folders, environ={"ROUTER_REDIS_URL": "redis://127.0.0.1:9"})


def test_explain_reads_a_file_or_standard_input_and_names_each_models_place(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps(HELLO))
    code, table, err = command("explain", str(path))
    assert (code, err) == (0, "")
    assert "chosen: " in table
    assert "1. choice" in table
    assert "not_allowed" in table
    code, out, _ = command("explain", "--json", "-", given=json.dumps(HELLO))
    told = json.loads(out)
    assert code == 0
    assert told["chosen"] in table
    assert {"classification", "models", "order", "reason", "rules"} <= told.keys()
    code, out, _ = command("explain", "--json", "--quality", "1", "-", given=json.dumps(HELLO))
    assert json.loads(out)["threshold"] > told["threshold"]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"model": "nonsense", "messages": [{"role": "user", "content": "x"}]}']
)
def test_explain_says_what_is_wrong_with_a_body(body: str) -> None:
    assert fails("explain", "-", given=body).startswith("mistral-router: ")


def test_explain_agrees_with_the_running_router(running_router: Router) -> None:
    home = running_router.home
    asked = ["--json", "--team", "apps", f"--config={home / 'config'}", f"--policies={home / 'policies'}", "-"]
    _, out, _ = command("explain", *asked, given=json.dumps(HELLO))
    offline, online = json.loads(out), running_router.post("/v1/route", HELLO).json
    for name in ("classification", "policy", "threshold", "models", "order", "chosen", "reason", "baseline", "rules"):
        assert offline[name] == online[name], name


@pytest.fixture(scope="module")
def running_router(simulated: Simulator) -> Iterator[Router]:
    with running.router(simulated.url) as router:
        yield router


@pytest.fixture
def at(running_router: Router) -> dict[str, str]:
    return {"ROUTER_URL": running_router.url, "ROUTER_ADMIN_KEY": ADMIN_KEY}


def made(at: dict[str, str], *arguments: str) -> Any:
    code, out, err = command(*arguments, "--json", environ=at)
    assert (code, err) == (0, ""), out + err
    return json.loads(out)


def test_a_keys_whole_life_on_the_command_line(running_router: Router, at: dict[str, str]) -> None:
    code, out, _ = command("keys", "create", "--team", "apps", "--name", "laptop", environ=at)
    assert code == 0
    key = next(line.split()[1] for line in out.splitlines() if line.startswith("key"))
    assert running_router.chat(key=key, max_tokens=5).status == 200
    created = made(at, "keys", "create", "--team", "apps", "--name", "b", "--model", "mistral-*", "--endpoint", "chat")
    assert (created["models"], created["endpoints"]) == (["mistral-*"], ["chat"])
    listed = made(at, "keys", "list")
    assert {"laptop", "b"} <= {entry["name"] for entry in listed}
    assert created["key"] not in json.dumps(listed)
    _, table, _ = command("keys", "list", environ=at)
    assert created["id"] in table
    rotated = made(at, "keys", "rotate", created["id"], "--grace-s", "0")
    assert rotated["key"] != created["key"]
    code, out, _ = command("keys", "revoke", created["id"], environ=at)
    assert code == 0
    assert created["id"] in out
    assert "nobody" in fails("keys", "revoke", "nobody", environ=at)
    assert "team" in fails("keys", "create", "--team", "a b", "--name", "x", environ=at)


def test_usage_as_json_and_as_a_table(running_router: Router, at: dict[str, str]) -> None:
    before = running_router.usage()["total"]["requests"]
    assert running_router.chat(max_tokens=5).status == 200
    running_router.settled(before + 1)
    usage = made(at, "usage", "--group-by", "model")
    assert usage["total"]["nano_usd"] == sum(group["nano_usd"] for group in usage["groups"])
    code, table, _ = command("usage", environ=at)
    assert code == 0
    assert "apps" in table
    assert "total" in table
    assert made(at, "usage", "--since", "2999-01-01")["total"]["requests"] == 0
    assert "since" in fails("usage", "--since", "yesterday", environ=at)


def test_commands_about_a_router_say_what_is_missing(tmp_path: Path) -> None:
    assert "ROUTER_ADMIN_KEY" in fails("usage", "--data-dir", str(tmp_path))
    nobody = {"ROUTER_URL": "http://127.0.0.1:9", "ROUTER_ADMIN_KEY": "x"}
    told = fails("usage", environ=nobody)
    assert "ROUTER_URL" in told
    assert "urlopen" not in told, "what happened, not who noticed"
    assert "http" in fails("usage", environ={**nobody, "ROUTER_URL": "ftp://x"})


def test_a_wrong_admin_key_is_told(at: dict[str, str]) -> None:
    told = fails("keys", "list", environ={**at, "ROUTER_ADMIN_KEY": "wrong"})
    assert "not the admin key of the router at" in told
    assert "set ROUTER_ADMIN_KEY" in told


def test_simulate_answers_on_its_own_and_stops_cleanly() -> None:
    with running.simulator() as simulated:
        body = {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "Hi"}]}
        assert running.call(f"{simulated.url}/v1/chat/completions", "POST", body, "any").status == 200
        assert simulated.bill["generations"] == 1
        assert simulated.stop() == 0


def test_help_and_version_name_every_command() -> None:
    code, out, _ = command("--help")
    assert code == 0
    for name in ("demo", "serve", "check", "explain", "keys", "usage", "simulate"):
        assert name in out
    assert command("--version")[1].startswith("mistral-router")


def test_a_mistyped_option_is_a_usage_error_without_a_traceback() -> None:
    for arguments in (
        ["serve", "--prot", "1"],
        ["nonsense"],
        ["serve", "--port", "99999"],
        ["serve", "--workers", "0"],
    ):
        code, out, err = command(*arguments)
        assert code == 2
        assert "Traceback" not in out + err
