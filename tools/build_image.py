"""Build the image of the Dockerfile without an engine and without a registry, by Debian's own packages.

    python tools/build_image.py build/mistral-router.tar

The base is bootstrapped from Debian's packages (mmdebstrap), the Dockerfile is built on it by buildah, and the file is
what `docker load`, `podman load` and skopeo take. It needs a Debian with both packages, and root, or the root of a user
namespace of one's own (`buildah unshare python tools/build_image.py …`). What is in between is in a temporary folder,
and goes with it; images and containers that are there already are neither seen nor touched.
"""

import ast
import contextlib
import dataclasses
import importlib.util
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, Final

ROOT: Final = pathlib.Path(__file__).parent.parent
BASE: Final = "mistral-router-base"
IMAGE: Final = "mistral-router"
# What the Dockerfile asks of a base; the rest of Debian that is not essential is left out.
PACKAGES: Final = ("python3", "python3-venv", "ca-certificates")
UNREAD: Final = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
NEEDED: Final = ("mmdebstrap", "buildah")
# Each layer is a copy of the one below it: base, packages and router come to some two gigabytes.
ROOM_BYTES: Final = 4 * 10**9
# apt's words for a mirror that did not answer, wherever mmdebstrap passes them on.
UNREACHED: Final = re.compile(
    r"^.*(Failed to fetch|Could not resolve|Could not connect|Connection failed|Temporary failure resolving).*$", re.M
)
# Where pip says that it takes packages from, and how it gets there.
PLACES: Final[tuple[str, ...]] = ("index-url", "extra-index-url", "find-links")
WAYS: Final[tuple[str, ...]] = ("trusted-host", "proxy", "timeout", "default-timeout", "retries")
PYPI: Final = "https://pypi.org/simple"


class Impossible(Exception):
    """This machine lacks something that building takes; the message says what. Nothing is known of the Dockerfile."""


class Failed(Exception):
    """A step went wrong where it should not have; the message is what the step said."""


def run(*command: str | pathlib.Path) -> str:
    """What the command printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise Failed(f"{command[0]} {command[1]} ended with {done.returncode}:\n{said[-6000:]}")
    return done.stdout


def obstacle(*needed: str) -> str | None:
    """Why this machine can neither build nor mount an image, before anything is tried at length."""
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} missing: apt-get install {' '.join(missing)}"
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < ROOM_BYTES:
        return f"building takes {ROOM_BYTES / 1e9:.0f} GB of disk, and {tempfile.gettempdir()} has {free / 1e9:.1f} GB"
    if "debian" not in (release().get("ID"), *release().get("ID_LIKE", "").split()):
        return "the base is made from Debian's packages, and this is no Debian"
    if os.geteuid() != 0:
        return f"user {os.geteuid()} may not mount file systems: be root, or start this within `buildah unshare`"
    mapped = sum(int(line.split()[2]) for line in pathlib.Path("/proc/self/uid_map").read_text().splitlines())
    if mapped < 65536:
        return f"files cannot be given to other users: only {mapped} of their numbers exist in this user namespace"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"root may not mount file systems here ({tried.stderr.strip()})"
    return None


def release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


@dataclasses.dataclass(frozen=True)
class Builder:
    """buildah with everything that it keeps in one folder."""

    folder: pathlib.Path

    def buildah(self, *words: str | pathlib.Path) -> str:
        # vfs copies each layer, which costs seconds, and works on any file system and inside any container.
        kept = ("--root", self.folder / "layers", "--runroot", self.folder / "run", "--storage-driver", "vfs")
        return run("env", f"TMPDIR={self.folder}", "buildah", *kept, *words).strip()

    @contextlib.contextmanager
    def container(self, image: str) -> Iterator[tuple[str, pathlib.Path]]:
        """A new container of that image, and where its root file system is."""
        name = self.buildah("from", "--pull-never", image)
        try:
            yield name, pathlib.Path(self.buildah("mount", name))
        finally:
            self.buildah("rm", name)

    def bootstrap(self) -> None:
        """Debian with what the Dockerfile asks of its base, as the local image BASE."""
        with self.container("scratch") as (name, root):
            mmdebstrap(root, self.folder)
            self.buildah("commit", "--quiet", "--format", "docker", name, BASE)

    def build(self) -> None:
        """The Dockerfile on that base, as the local image IMAGE. Packages come from where pip here has them."""
        secrets, folders = pip_access(self.folder)
        self.buildah(
            *("build", "--quiet", "--pull-never", "--isolation", "chroot", "--network", "host"),
            # The other format has no place for a health check.
            *("--format", "docker", "--tag", IMAGE, "--build-arg", f"BASE_IMAGE={BASE}"),
            *(word for name, path in secrets.items() for word in ("--secret", f"id={name},src={path}")),
            *(word for path in folders for word in ("--volume", f"{path}:{path}:ro")),
            ROOT,
        )

    def config(self) -> dict[str, Any]:
        """What the image says of how it is to be run."""
        return dict(json.loads(self.buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"])

    def size(self, image: str) -> str:
        """Of all its layers, unpacked, such as "154 MB"."""
        (told,) = json.loads(self.buildah("images", "--json", "--filter", f"reference={image}"))
        return str(told["size"])


def mmdebstrap(root: pathlib.Path, folder: pathlib.Path) -> None:
    """This machine's own release of Debian, from the mirror that its apt uses, into the empty folder `root`."""
    options = folder / "apt.conf"
    told = run("apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire")
    # Proxies, and whether a mirror's dates are to be believed; what an index is made of stays apt's own choice.
    options.write_text("".join(line for line in told.splitlines(keepends=True) if "::IndexTargets" not in line))
    sources = [pathlib.Path("/etc/apt") / name for name in ("sources.list.d/debian.sources", "sources.list")]
    try:
        run(
            *("mmdebstrap", "--variant=essential", f"--include={','.join(PACKAGES)}"),
            *(f"--dpkgopt=path-exclude={unread}" for unread in UNREAD),
            f"--aptopt={options}",
            *(release().get("VERSION_CODENAME", "stable"), root),
            *[path for path in sources if path.exists()][:1],
        )
    except Failed as failed:
        # Whatever it was, it says nothing of the Dockerfile.
        said = UNREACHED.search(str(failed)) or re.search(r"^E: .*$", str(failed), re.M)
        why = said[0].strip() if said else str(failed).rpartition("\n")[2]
        raise Impossible(f"no base can be made of Debian's packages ({why})") from failed


def pip_access(folder: pathlib.Path) -> tuple[dict[str, pathlib.Path], list[str]]:
    """Secrets for the build, so that pip inside it finds packages where pip on this machine does, and leaves no trace
    of where that is; and folders to mount, when there is no index but on this disk."""
    told = pip_settings()
    places = {name: told[name].split() for name in PLACES if name in told}
    on_disk = [place for found in places.values() for place in found if place.startswith(("/", "file:"))]
    folders = []
    if "no-index" in told or told.get("index-url", PYPI) in on_disk:
        folders = [path for path in (place.removeprefix("file://") for place in on_disk) if os.path.isdir(path)]
    else:
        # Beside an index they add nothing to packages that are pinned to what the index has.
        places = {name: [place for place in found if place not in on_disk] for name, found in places.items()}
    lines = {name: " ".join(found) for name, found in places.items() if found}
    lines |= {name: told[name] for name in (*WAYS, "no-index") if name in told}
    secrets = {}
    # requests, which pip is built on, hears of a private authority by these.
    authority = told.get("cert") or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if authority:
        secrets["ca.crt"] = pathlib.Path(authority)
        lines["cert"] = "/run/secrets/ca.crt"
    secrets["pip.conf"] = folder / "pip.conf"
    secrets["pip.conf"].write_text("".join(["[global]\n", *(f"{name} = {value}\n" for name, value in lines.items())]))
    return secrets, folders


def pip_settings() -> dict[str, str]:
    """What pip takes from its files and PIP_* variables: its section `install` goes before `global`, and a variable
    before both. A Python without pip has been told nothing."""
    if importlib.util.find_spec("pip") is None:
        return {}
    listed = re.findall(r"^(\S+?)\.(\S+)=(.*)$", run(sys.executable, "-m", "pip", "config", "list"), re.M)
    return {
        key: str(ast.literal_eval(value))
        for section in ("global", "install", ":env:")
        for found, key, value in listed
        if found == section
    }


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: build_image.py FILE.tar")
    target = pathlib.Path(sys.argv[1]).absolute()
    if reason := obstacle(*NEEDED):
        sys.exit(f"the image cannot be built here: {reason}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="mistral-router-image-") as folder:
        builder = Builder(pathlib.Path(folder))
        try:
            print("bootstrapping a base of Debian's packages", flush=True)
            builder.bootstrap()
            print("building the Dockerfile on it", flush=True)
            builder.build()
            builder.buildah("push", "--quiet", IMAGE, f"docker-archive:{target}:{IMAGE}:latest")
        except Impossible as reason:
            sys.exit(f"the image cannot be built here: {reason}")
        except Failed as failed:
            sys.exit(str(failed))
    print(f"{target}: {target.stat().st_size / 1e6:.0f} MB; `docker load --input {sys.argv[1]}` takes it")


if __name__ == "__main__":
    main()
