"""The image as an engine runs it: its own config, a read-only root, no capability, a network of its own. By runc."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.running import wait_for

SIMULATOR_PORT = 8081
GIVEN = ["MISTRAL_API_KEY=simulated", f"ROUTER_UPSTREAM_URL=http://127.0.0.1:{SIMULATOR_PORT}"]
NAMESPACES = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
START_S = 60.0
# Above what a stop may take, as docs/operations.md has it.
STOP_S = 120.0


def spec(
    root: Path, args: list[str], env: list[str], cwd: str, user: tuple[int, int], mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    """What runc is told: what `docker run --read-only --cap-drop ALL --security-opt no-new-privileges` comes to."""
    return {
        "ociVersion": "1.0.2",
        "root": {"path": str(root), "readonly": True},
        "process": {
            "user": {"uid": user[0], "gid": user[1]},
            "args": args,
            "env": env,
            "cwd": cwd,
            "noNewPrivileges": True,
            "capabilities": {},
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            *mounts,
        ],
        "linux": {"namespaces": NAMESPACES},
    }


def runc(folder: Path, *words: str) -> list[str]:
    return ["runc", "--root", str(folder / "runc"), *words]


def obstacle(folder: Path, root: Path) -> str | None:
    """Why runc can start nothing at all here: it is asked for `true`, as root, with nothing of the image's config."""
    bundle = folder / "trial"
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(spec(root, ["/bin/true"], [], "/", (0, 0), [])))
    name = f"mistral-router-trial-{os.getpid()}"
    tried = subprocess.run(
        runc(folder, "run", "--bundle", str(bundle), name), capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else tried.stderr.strip()


@dataclass
class Container:
    """One that runs. Commands in it are its own user's unless another is given."""

    folder: Path
    name: str
    data: Path
    process: subprocess.Popen[bytes]
    ready_s: float

    def exec(self, *command: str, user: str | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        as_user = ["--user", user] if user else []
        return subprocess.run(
            runc(self.folder, "exec", *as_user, self.name, *command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def python(self, script: str, user: str | None = None) -> Any:
        """What the script prints as JSON, under the router's own Python."""
        done = self.exec("python3", "-", user=user, stdin=script)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def kill(self, signal: str) -> None:
        subprocess.run(runc(self.folder, "kill", self.name, signal), check=True)

    def said(self) -> str:
        return (self.folder / "router.log").read_text()


@contextlib.contextmanager
def running(folder: Path, root: Path, config: dict[str, Any]) -> Iterator[Container]:
    """The image's own command, as its own user, on a fresh volume; beside it a simulated Mistral, of the image too.

    The router is process 1, so that a signal finds it as it would under an engine. It listens on all addresses of a
    network that has none but loopback.
    """
    uid, _, gid = config["User"].partition(":")
    # An engine gives a new volume the owner and the mode of the folder that it covers.
    (volume,) = config["Volumes"]
    covered = (root / volume.lstrip("/")).stat()
    data = folder / "data"
    data.mkdir()
    os.chown(data, covered.st_uid, covered.st_gid)
    data.chmod(covered.st_mode & 0o7777)
    mounts = [{"destination": volume, "type": "bind", "source": str(data), "options": ["rbind", "rw"]}]
    told = spec(
        root,
        [*config["Entrypoint"], *config["Cmd"]],
        [*config["Env"], *GIVEN],
        config["WorkingDir"],
        (int(uid), int(gid)),
        mounts,
    )
    (folder / "config.json").write_text(json.dumps(told))
    name = f"mistral-router-{os.getpid()}"
    started = time.monotonic()
    with (folder / "router.log").open("wb") as log, (folder / "simulator.log").open("wb") as simulator_log:
        process = subprocess.Popen(
            runc(folder, "run", "--bundle", str(folder), name), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        container = Container(folder, name, data, process, 0.0)
        beside: subprocess.Popen[bytes] | None = None
        try:
            wait_for(lambda: "mistral-router serves" in container.said() or process.poll() is not None, START_S)
            assert process.poll() is None, container.said()
            container.ready_s = time.monotonic() - started
            simulate = ("mistral-router", "simulate", "--wide", "--port", str(SIMULATOR_PORT))
            beside = subprocess.Popen(
                runc(folder, "exec", name, *simulate),
                stdin=subprocess.DEVNULL,
                stdout=simulator_log,
                stderr=simulator_log,
            )
            wait_for(lambda: "SIMULATOR_URL=" in (folder / "simulator.log").read_text(), START_S)
            yield container
        finally:
            # Whatever still runs in it ends with it, the simulator too.
            subprocess.run(runc(folder, "delete", "--force", name), check=False, capture_output=True)
            process.wait()
            if beside is not None:
                beside.wait()
