"""Options that several commands share."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from router.settings import default_dir

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
F = TypeVar("F", bound=Callable[..., Any])


def folders(data_dir: str = "data") -> Callable[[F], F]:
    """--config, --policies and --data-dir; `data_dir` is the command's default."""

    def add(command: F) -> F:
        for option in (
            click.option(
                "--data-dir",
                type=click.Path(file_okay=False, path_type=Path),
                default=lambda: Path(os.environ.get("ROUTER_DATA_DIR", data_dir)),
                show_default=data_dir,
                help="Where the embedded store and generated secrets live.",
            ),
            click.option(
                "--policies",
                "policies_dir",
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                default=lambda: default_dir("policies"),
                show_default="policies",
                help="Folder of policies/<team>.toml.",
            ),
            click.option(
                "--config",
                "config_dir",
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                default=lambda: default_dir("config"),
                show_default="config",
                help="Folder of router.toml, models.toml, quality.toml.",
            ),
        ):
            command = option(command)
        return command

    return add


def address(port: int) -> Callable[[F], F]:
    """--host and --port; `port` is the command's default."""

    def add(command: F) -> F:
        command = click.option(
            "--port", type=click.IntRange(0, 65_535), default=port, show_default=True, help="Port; 0 picks a free one."
        )(command)
        return click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")(command)

    return add


def workers(command: F) -> F:
    """--workers."""
    return click.option(
        "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that share the port."
    )(command)


def apart(command: F) -> F:
    """--ops-port."""
    return click.option(
        "--ops-port",
        type=click.IntRange(0, 65_535),
        help="Serve /admin, /dashboard and /metrics on 127.0.0.1 and this port only; 0 picks a free one.",
    )(command)


def as_json(command: F) -> F:
    return click.option("--json", "json_", is_flag=True, help="Print JSON.")(command)


def tethered(command: F) -> F:
    """--die-with-parent, for a caller that may be killed."""
    return click.option(
        "--die-with-parent", is_flag=True, help="Stop when the process that started this one ends, however it ends."
    )(command)


def log_to_stderr() -> None:
    """One line an entry, on standard error. Levels of libraries that would tell addresses or bodies stay quiet."""
    level = os.environ.get("ROUTER_LOG_LEVEL", "INFO").upper()
    if level not in LEVELS:
        raise click.UsageError(f"ROUTER_LOG_LEVEL is {level!r}, which is not one of {', '.join(LEVELS)}.")
    logging.basicConfig(
        stream=sys.stderr,
        level=level,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for noisy in ("httpx", "aiohttp", "asyncio", "watchfiles", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
