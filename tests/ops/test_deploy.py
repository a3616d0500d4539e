"""The files that run the router elsewhere keep what the documentation promises of them."""

from __future__ import annotations

import configparser
import re
from typing import Any

import pytest
import yaml

from router import parts
from router.settings import RouterFile
from tests.pages import page, section
from tests.running import ROOT

COMPOSE = yaml.safe_load(page("compose.yaml"))
ROUTERS = [service for name, service in COMPOSE["services"].items() if name.startswith("router")]
KUBERNETES: list[dict[str, Any]] = [
    manifest
    for path in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(path.read_text())
]
# How long a stop may take: requests end, what they left is cleaned up, ends of holds are delivered, the store stops.
STOP_S = RouterFile().timing.stop_grace + parts.DRAIN_S + parts.DRAIN_S + 10
# What only a secret's file may hold.
SECRETS = ("MISTRAL_API_KEY", "ROUTER_REDIS_URL", "ROUTER_KEY_PEPPER", "ROUTER_ADMIN_KEY")


def manifest(kind: str, name: str) -> dict[str, Any]:
    return next(one for one in KUBERNETES if (one["kind"], one["metadata"]["name"]) == (kind, name))


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each on one line."""
    text = re.sub(r"^#.*\n", "", page("Dockerfile"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def last(word: str) -> str:
    return [rest for name, rest in instructions() if name == word][-1]


# --- The image --------------------------------------------------------------------------------------------------------


def test_the_image_takes_only_pinned_packages_whose_hashes_match() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    pinned, own = installs
    assert "--require-hashes --no-deps --requirement constraints.txt" in " ".join(pinned.split())
    assert "--no-deps --no-build-isolation ." in own  # nothing comes in beside the pins


def test_the_image_runs_as_nobody_in_particular_and_hears_a_stop_itself() -> None:
    assert last("USER") == "65532:65532"
    assert last("ENTRYPOINT").startswith("[")  # no shell between the signal and the router
    assert (last("ENTRYPOINT"), last("CMD")) == ('["mistral-router"]', '["serve", "--host", "0.0.0.0"]')
    assert last("STOPSIGNAL") == "SIGTERM"


def test_the_image_is_alive_by_healthz_and_keeps_its_data_on_a_volume() -> None:
    assert "/healthz" in last("HEALTHCHECK")
    assert last("VOLUME") == "/data"
    assert "ROUTER_DATA_DIR=/data" in last("ENV")


def test_the_builder_is_sent_nothing_but_what_is_named() -> None:
    lines = [line for line in page(".dockerignore").splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    named = {line.removeprefix("!").rstrip("/") for line in lines if line.startswith("!")}
    copied = {
        name for word, rest in instructions() if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]
    }
    assert named == copied
    assert all((ROOT / name).exists() for name in named)


# --- Compose ----------------------------------------------------------------------------------------------------------


def test_every_secret_of_compose_is_a_file_that_git_ignores() -> None:
    assert all(secret["file"].startswith("secrets/") for secret in COMPOSE["secrets"].values())
    assert "/secrets/" in page(".gitignore").splitlines()
    made = section("docs/operations.md", "With Compose")
    assert all(secret["file"] in made for secret in COMPOSE["secrets"].values())


def test_the_routers_of_compose_differ_only_in_port_and_volume() -> None:
    assert len(ROUTERS) == 2
    same = [{key: value for key, value in one.items() if key not in ("ports", "volumes")} for one in ROUTERS]
    assert same[0] == same[1]
    assert len({one["ports"][0] for one in ROUTERS}) == len({one["volumes"][0] for one in ROUTERS}) == 2


def test_the_store_of_compose_forgets_nothing() -> None:
    command = " ".join(COMPOSE["services"]["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert any(volume.endswith(":/data") for volume in COMPOSE["services"]["valkey"]["volumes"])
    assert "ports" not in COMPOSE["services"]["valkey"]


def test_every_port_of_compose_is_on_loopback() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_files_that_compose_mounts_are_there() -> None:
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", ())]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_prometheus_scrapes_every_router_of_compose() -> None:
    (job,) = yaml.safe_load(page("config/prometheus.yml"))["scrape_configs"]
    targets = {target.partition(":")[0] for target in job["static_configs"][0]["targets"]}
    assert targets == {name for name in COMPOSE["services"] if name.startswith("router")}
    assert job["authorization"]["credentials_file"].removeprefix("/run/secrets/") in COMPOSE["secrets"]


# --- Kubernetes -------------------------------------------------------------------------------------------------------


def pod() -> dict[str, Any]:
    return dict(manifest("StatefulSet", "mistral-router")["spec"]["template"]["spec"])


def test_a_replica_has_a_data_directory_of_its_own() -> None:
    (claim,) = manifest("StatefulSet", "mistral-router")["spec"]["volumeClaimTemplates"]
    (container,) = pod()["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts["/data"] == claim["metadata"]["name"]
    assert not any("subPath" in mount for mount in container["volumeMounts"])  # a changed policy would never arrive


def test_a_replica_is_alive_by_itself_and_ready_by_its_store() -> None:
    (container,) = pod()["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_a_replica_may_do_nothing_that_it_need_not() -> None:
    (container,) = pod()["containers"]
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert f"{pod()['securityContext']['runAsUser']}:{pod()['securityContext']['runAsGroup']}" == last("USER")
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_services_and_budget_select_the_pods() -> None:
    labels = manifest("StatefulSet", "mistral-router")["spec"]["template"]["metadata"]["labels"]
    selectors = [one["spec"]["selector"] for one in KUBERNETES if one["kind"] == "Service"]
    budget = manifest("PodDisruptionBudget", "mistral-router")
    assert len(selectors) == 2
    assert all(selector == labels for selector in [*selectors, budget["spec"]["selector"]["matchLabels"]])
    assert manifest("Service", manifest("StatefulSet", "mistral-router")["spec"]["serviceName"])


def test_the_policies_of_kubernetes_are_the_shipped_ones() -> None:
    told = manifest("ConfigMap", "mistral-router-policies")["data"]
    assert told == {"default.toml": page("policies/default.toml")}


# --- All of them ------------------------------------------------------------------------------------------------------


def test_a_stop_has_the_time_that_it_may_take() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names are told apart by case
    unit.read_string(page("deploy/systemd/mistral-router.service"))
    assert int(unit["Service"]["TimeoutStopSec"]) > STOP_S
    assert unit["Service"]["KillMode"] == "mixed"  # the store must outlive the requests
    assert pod()["terminationGracePeriodSeconds"] > STOP_S
    assert all(int(service["stop_grace_period"].removesuffix("s")) > STOP_S for service in ROUTERS)


@pytest.mark.parametrize(
    "name",
    ["Dockerfile", "compose.yaml", "deploy/kubernetes/statefulset.yaml", "deploy/systemd/mistral-router.service"],
)
def test_no_secret_is_given_but_by_its_file(name: str) -> None:
    for secret in SECRETS:
        assert re.findall(rf"\b{secret}\b(?!_FILE)(?=[=:,])", page(name)) == []
