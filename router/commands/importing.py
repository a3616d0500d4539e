"""mistral-router import: another proxy's configuration as ours."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rich_click as click

from router.commands.litellm.making import REPORT, Translation, translate
from router.commands.litellm.reading import Unreadable
from router.commands.litellm.report import TITLES, Fate
from router.commands.options import folders
from router.core.catalog import Catalogue, Shelf
from router.rulebook import MODELS, QUALITY, ROUTER, ConfigError, decode, load_rules
from router.settings import RouterFile


@click.group("import")
def import_() -> None:
    """Another proxy's configuration as policies, models and settings of this router."""


@import_.command()
@folders()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("imported"),
    show_default=True,
    help="Folder to write config/ and policies/ into.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def litellm(config_dir: Path, out: Path, force: bool, file: Path, **_: Any) -> None:
    """FILE is the config.yaml of LiteLLM's proxy. Secrets in it are neither copied nor printed."""
    made = _translated(file, config_dir)
    there = [name for name in made.files if (out / name).exists()]
    if there and not force:
        raise click.ClickException(
            f"{out / there[0]} is there already: give another --out, or --force to write over it."
        )
    _held_against_the_rulebook(made)
    for name, text in made.files.items():
        _write(out / name, text)
    counts = Counter(finding.fate for finding in made.findings)
    for fate in Fate:
        click.echo(f"{counts[fate]:5}  {TITLES[fate]}")
    for finding in made.findings:
        if finding.fate in (Fate.TO_DO, Fate.DROPPED):
            click.echo(f"line {finding.line}: {finding.path}: {finding.what}")
    click.echo(f"Written to {out}; every line of {file.name} is accounted for in {out / REPORT}.")
    click.echo(f"Next: mistral-router check --config {out / 'config'} --policies {out / 'policies'}")


def _translated(file: Path, config_dir: Path) -> Translation:
    today = datetime.now(UTC).date()
    try:
        text = file.read_text(encoding="utf-8")
        shelf = Shelf(decode(config_dir / MODELS, Catalogue).models, today)
        catalogue, quality = ((config_dir / name).read_text() for name in (MODELS, QUALITY))
        source = "".join(letter if letter.isprintable() else "?" for letter in file.name)
        return translate(text, source, catalogue, quality, shelf, today, os.environ)
    except UnicodeDecodeError:
        raise click.ClickException(f"{file}: is not UTF-8. Nothing was written.") from None
    except (Unreadable, OSError) as error:
        raise click.ClickException(f"{file}: {error}. Nothing was written.") from None


def _held_against_the_rulebook(made: Translation) -> None:
    """Whatever a file says, what comes out of it must load; nothing is written before it does."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name, text in made.files.items():
            _write(home / name, text)
        try:
            load_rules(home / "config", home / "policies", datetime.now(UTC).date())
            decode(home / "config" / ROUTER, RouterFile)
        except ConfigError as error:
            place = error.path.relative_to(home)
            raise click.ClickException(
                f"The result would not load ({place}: {error.mistake}). Nothing was written."
            ) from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
