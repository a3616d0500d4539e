"""Fixtures: the image built on a bootstrapped base, and a container of it; where a machine cannot, it is said why."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.image import container
from tools import build_image

# Each a line at the end of the run.
TOLD: list[str] = []


def leave(why: str) -> NoReturn:
    """This machine cannot: that is no failure, but it is told once, and loudly."""
    TOLD.append(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def builder() -> Iterator[build_image.Builder]:
    """It has built the image."""
    if reason := build_image.obstacle(*build_image.NEEDED, "runc"):
        leave(f"the image was neither built nor started, only linted: {reason}")
    # Not pytest's folder, which it would keep for three runs: this one holds a gigabyte.
    with tempfile.TemporaryDirectory(prefix="mistral-router-image-") as folder:
        builder = build_image.Builder(Path(folder))
        started = time.monotonic()
        try:
            builder.bootstrap()
        except build_image.Impossible as reason:
            leave(f"the image was neither built nor started, only linted: {reason}")
        bootstrapped = time.monotonic()
        builder.build()
        TOLD.append(
            f"base of {builder.size(build_image.BASE)} bootstrapped in {bootstrapped - started:.0f} s, "
            f"image of {builder.size(build_image.IMAGE)} built on it in {time.monotonic() - bootstrapped:.0f} s"
        )
        yield builder


@pytest.fixture(scope="session")
def root(builder: build_image.Builder) -> Iterator[Path]:
    """The image's root file system."""
    with builder.container(build_image.IMAGE) as (_, path):
        yield path


@pytest.fixture(scope="session")
def started(builder: build_image.Builder, root: Path) -> Iterator[container.Container]:
    if reason := container.obstacle(builder.folder, root):
        leave(f"the image was built, but not started: runc cannot start anything here ({reason})")
    with container.running(builder.folder, root, builder.config()) as process:
        TOLD.append(f"the router served {process.ready_s:.1f} s after its container was started")
        yield process


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in TOLD:
        terminalreporter.write_line(line)
