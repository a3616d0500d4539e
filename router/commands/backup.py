"""mistral-router backup and restore: the keys, grants and totals of a running router, in a file of one's own."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
import rich_click as click

from router.commands.options import folders
from router.commands.remote import Remote
from router.core.backup import Backup, DamagedBackup, read_backup, write_backup

PART: Final = 500


@click.command()
@folders()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(data_dir: Path, file: Path, **_: Any) -> None:
    """Write every key and grant of a running router, and what was spent in every open window, to FILE (mode 0600; no
    secret and no pepper is in it)."""
    made = msgspec.convert(Remote(data_dir).call("GET", "/admin/v1/backup"), Backup)
    try:
        _replace(file, write_backup(made))
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
    click.echo(
        f"{len(made.keys)} keys, {len(made.grants)} grants and {len(made.totals)} totals were written to {file}."
    )


@click.command()
@folders()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(data_dir: Path, file: Path, **_: Any) -> None:
    """Put keys, grants and totals of FILE back into a running router. What is there stays; twice changes nothing."""
    try:
        kept = read_backup(file.read_text(encoding="utf-8"))
    except (DamagedBackup, UnicodeDecodeError, OSError) as error:
        raise click.ClickException(f"{file}: {error}. Nothing was restored.") from None
    remote = Remote(data_dir)
    done: Counter[str] = Counter()
    for start in range(0, max(1, len(kept.keys), len(kept.totals)), PART):
        some = slice(start, start + PART)
        part = {
            "version": kept.version,
            "pepper": kept.pepper,
            "keys": kept.keys[some],
            "totals": kept.totals[some],
        }
        if start == 0:
            part["grants"] = kept.grants
        done.update(remote.call("POST", "/admin/v1/restore", part))
    said = "{restored} keys were restored, {revoked} revoked, {kept} were there already."
    if kept.grants:
        said += " Of the grants {grants_restored} were restored, {grants_revoked} revoked, {grants_kept} were there "
        said += "already, and {grants_over} have ended."
    if kept.totals:
        said += " {raised} totals were raised to what they were."
    click.echo(said.format(**done))


def _replace(file: Path, text: str) -> None:
    """All of the text or nothing, readable to its owner only, under the file's name at last."""
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # made with mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
