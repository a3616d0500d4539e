"""The files that run the router elsewhere are what their readers take: by published schemas, and by the tools that read
them. What is in them is another matter: test_deploy.py."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest

from tests.ops.test_deploy import KUBERNETES
from tests.pages import page, section

# The first with ReadWriteOncePod for good, as docs/operations.md has it; and the newest whose schemas are published.
CLUSTERS = ["1.29", kubernetes_validate.latest_version()]
UNIT = "deploy/systemd/mistral-router.service"


def said(*command: str | Path, text: str | None = None) -> tuple[int, str]:
    # A tool of the environment that runs the tests, or of the machine.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    tool = shutil.which(command[0], path=path)
    assert tool, f"{command[0]} is missing"
    done = subprocess.run([tool, *command[1:]], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# --- Kubernetes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("manifest", KUBERNETES, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_takes_every_manifest(manifest: dict[str, object], cluster: str) -> None:
    kubernetes_validate.validate(manifest, cluster, strict=True)


def test_the_oldest_cluster_is_the_one_that_is_documented() -> None:
    assert f"Kubernetes {CLUSTERS[0]} or newer" in section("docs/operations.md", "On Kubernetes")


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    (stateful,) = (copy.deepcopy(one) for one in KUBERNETES if one["kind"] == "StatefulSet")
    stateful["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(stateful, CLUSTERS[-1], strict=True)


# --- Compose ----------------------------------------------------------------------------------------------------------


def compose(text: str, folder: Path) -> tuple[int, str]:
    (folder / "compose.yaml").write_text(text)
    return said("check-jsonschema", "--builtin-schema", "vendor.compose-spec", folder / "compose.yaml")


def test_compose_takes_its_file(tmp_path: Path) -> None:
    assert compose(page("compose.yaml"), tmp_path)[0] == 0


def test_a_field_that_compose_does_not_know_is_found(tmp_path: Path) -> None:
    code, told = compose(page("compose.yaml").replace("stop_grace_period", "stop_grace"), tmp_path)
    assert code == 1
    assert "'stop_grace' was unexpected" in told


# --- The image --------------------------------------------------------------------------------------------------------


def test_a_linter_finds_nothing_to_say_of_the_dockerfile() -> None:
    assert said("hadolint", "--no-color", "-", text=page("Dockerfile")) == (0, "")


def test_a_linter_finds_what_it_should() -> None:
    code, told = said("hadolint", "--no-color", "-", text=page("Dockerfile").replace("USER 65532:65532", "USER root"))
    assert code == 1
    assert "DL3002" in told  # the last user is root


# --- systemd ----------------------------------------------------------------------------------------------------------

WITH_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def unit(folder: Path, text: str) -> str:
    """As a file whose program is there: systemd looks for that too."""
    path = folder / Path(UNIT).name
    path.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return str(path)


@WITH_SYSTEMD
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert said("systemd-analyze", "verify", unit(tmp_path, page(UNIT))) == (0, "")


@WITH_SYSTEMD
def test_a_setting_that_systemd_does_not_know_is_found(tmp_path: Path) -> None:
    told = said("systemd-analyze", "verify", unit(tmp_path, page(UNIT).replace("KillMode=", "KilMode=")))[1]
    assert "'KilMode'" in told


@WITH_SYSTEMD
def test_systemd_sees_little_that_the_unit_could_do_to_the_machine(tmp_path: Path) -> None:
    # Its own scale: 10.0 for a service that may do anything, and "OK" up to 4.0.
    security = ("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20")
    assert said(*security, unit(tmp_path, page(UNIT)))[0] == 0
    assert said(*security, unit(tmp_path, "[Service]\nExecStart=any"))[0] != 0
