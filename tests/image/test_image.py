"""The image holds what it should, and serves as it is meant to be run: read-only, as nobody in particular, stopped by a
signal. The order matters at the end: the last test stops the container."""

from __future__ import annotations

import errno
import json
from pathlib import Path

from tests.image.container import STOP_S, Container
from tools.build_image import Builder

USER = 65532
# Opens a file for writing in each folder, and tells which error that was.
WRITE = """
import json, os, sys
told = {}
for folder in ("/", "/etc/mistral-router", "/opt/mistral-router", "/tmp", "/var/tmp", "/data"):
    try:
        os.close(os.open(folder + "/written", os.O_CREAT | os.O_WRONLY))
        os.unlink(folder + "/written")
        told[folder] = None
    except OSError as error:
        told[folder] = error.errno
print(json.dumps(told))
"""
ASK = """
import json, urllib.request
body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "What is the capital of France?"}]})
headers = {"authorization": "Bearer KEY", "content-type": "application/json"}
request = urllib.request.Request("http://127.0.0.1:8080/v1/chat/completions", body.encode(), headers)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(json.dumps({"headers": {k.lower(): v for k, v in answer.headers.items()}, "body": json.load(answer)}))
"""


# --- What is in it ----------------------------------------------------------------------------------------------------


def test_the_config_says_how_it_is_to_be_run(builder: Builder) -> None:
    config = builder.config()
    assert config["User"] == f"{USER}:{USER}"
    assert config["Volumes"] == {"/data": {}}
    assert config["StopSignal"] == "SIGTERM"
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert (config["Entrypoint"], config["Cmd"]) == (["mistral-router"], ["serve", "--host", "0.0.0.0"])


def test_what_installs_packages_is_gone(root: Path) -> None:
    venv = root / "opt" / "mistral-router"
    (packages,) = venv.glob("lib/python3*/site-packages")
    assert (packages / "router").is_dir()
    installed = {path.name.partition("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert "mistral_router" in installed
    assert (
        installed & {"pip", "setuptools", "wheel", "hatchling", "editables", "trove_classifiers", "packaging"} == set()
    )
    assert list((venv / "bin").glob("pip*")) == []


def test_where_the_packages_came_from_is_not_in_it(root: Path) -> None:
    assert not (root / "etc" / "pip.conf").exists()
    assert not (root / "run" / "secrets").exists()


def test_the_data_directory_is_the_users_alone(root: Path) -> None:
    data = (root / "data").stat()
    assert (data.st_uid, data.st_gid, data.st_mode & 0o7777) == (USER, USER, 0o700)


# --- How it runs ------------------------------------------------------------------------------------------------------


def test_the_router_is_process_1_without_any_right(started: Container) -> None:
    status = started.exec("cat", "/proc/1/status").stdout
    told = dict(line.split(":", 1) for line in status.splitlines())
    assert told["Name"].strip() == "mistral-router"
    assert told["Uid"].split() == told["Gid"].split() == [str(USER)] * 4
    assert {int(told[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert told["NoNewPrivs"].strip() == "1"


def test_nothing_but_the_data_directory_can_be_written(started: Container) -> None:
    told = started.python(WRITE)
    assert told.pop("/data") is None
    assert set(told.values()) == {errno.EROFS}
    # Not even by root: it is the file system that refuses, not the owner of a folder.
    assert {errno.EROFS} == {found for folder, found in started.python(WRITE, user="0").items() if folder != "/data"}


def test_its_own_health_check_passes(builder: Builder, started: Container) -> None:
    kind, *command = builder.config()["Healthcheck"]["Test"]
    assert kind == "CMD"
    done = started.exec(*command)
    assert done.returncode == 0, done.stderr
    # The check can fail: the same one at a port where nobody listens.
    assert started.exec(*(word.replace(":8080", ":8079") for word in command)).returncode != 0


def test_authorities_are_there_to_trust_mistral_by(started: Container) -> None:
    stats = "import json, ssl; print(json.dumps(ssl.create_default_context().cert_store_stats()))"
    assert started.python(stats)["x509_ca"] > 50


def test_a_key_made_inside_gets_a_routed_answer(started: Container) -> None:
    made = started.exec("mistral-router", "keys", "create", "--team", "default", "--name", "image", "--json")
    assert made.returncode == 0, made.stderr
    answer = started.python(ASK.replace("KEY", json.loads(made.stdout)["key"]))
    assert answer["body"]["choices"][0]["message"]["content"]
    assert answer["headers"]["x-router-requested-model"] == "auto"
    assert answer["headers"]["x-router-model"] != "auto"
    assert float(answer["headers"]["x-router-cost-usd"]) > 0


def test_a_stop_ends_it_cleanly(builder: Builder, started: Container) -> None:
    started.kill(builder.config()["StopSignal"])
    assert started.process.wait(STOP_S) == 0, started.said()
    assert "Traceback" not in started.said()
    # What it leaves on its volume is its own.
    left = [path.lstat() for path in started.data.rglob("*")]
    assert left
    assert {(one.st_uid, one.st_gid) for one in left} == {(USER, USER)}
