"""Measure routing on a folder of recorded outcomes: `make bench-routing DATA=DIR`. Ends with 1 when a figure falls
behind its first value, with 2 when the folder is not one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from tests.bench.routing import cheapest, languages, speed, tools
from tests.bench.routing.figures import Part, table

PARTS = (cheapest.measure, tools.measure, languages.measure, speed.measure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-routing", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of recorded outcomes")
    parser.add_argument("--json", action="store_true", help="print the figures as one line of JSON and nothing else")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(
            f"There is no folder {given.data}. Name one: make bench-routing DATA=DIR; see docs/quality.md.",
            file=sys.stderr,
        )
        sys.exit(2)
    try:
        parts = [measure(given.data) for measure in PARTS]
    except FileNotFoundError as missing:
        print(f"{missing}.", file=sys.stderr)
        sys.exit(2)
    failed = [figure.name for part in parts for figure in part.figures if figure.fails]
    if not given.json:
        print(table(parts))
        print()
    print(as_json(parts, failed))
    if failed:
        print(f"Behind its first value: {', '.join(failed)}.", file=sys.stderr)
        sys.exit(1)


def as_json(parts: list[Part], failed: list[str]) -> str:
    """One line, for machines."""
    return msgspec.json.encode({"passed": not failed, "failed": failed, "parts": parts}).decode()


if __name__ == "__main__":
    main()
